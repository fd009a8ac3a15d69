"""Makes the calls of a step as ordered, by whichever protocol. Decides nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError

from isotherm.aws.calls.invoke import Caller
from isotherm.aws.calls.step_log import StepLog
from isotherm.aws.calls.under_way import UnderWay
from isotherm.aws.clients import Home
from isotherm.aws.measured_function import MeasuredFunction
from isotherm.campaign.lane import LATEST, LaneTask, Step, warm_calls_at_risk
from isotherm.measurement.orders import StepOrders
from isotherm.measurement.shot import Order, Shot

logger = logging.getLogger(__name__)


class MakesCalls(Protocol):
    """What makes calls by one protocol: `isotherm.aws.calls.invoke.Caller`, `isotherm.aws.calls.http.WebCaller`."""

    def open_connections(self) -> None:
        """Open connections before the calls, so that opening them is not in any call's time."""

    def burst(self, orders: Sequence[Order], *, hold: bool) -> list[Shot]:
        """Make all calls at once."""

    def in_a_row(self, orders: Iterable[Order], concurrency: int, go_on: Callable[[], bool]) -> list[Shot]:
        """Make calls one after the other, `concurrency` of them at a time."""


def caller_of(home: Home, task: LaneTask, step: Step, width: int) -> AbstractContextManager[MakesCalls]:
    """What makes a step's calls, `width` at a time: by Lambda's own API, or over HTTP."""
    if step.protocol == "invoke":
        return Caller(task.lane, step, width, task.function.timeout_s)
    from isotherm.aws.calls.http import WebCaller  # few lanes need it, and its import takes time

    return WebCaller(home, task, step)


def make_calls(
    caller: MakesCalls, orders: StepOrders, log: StepLog, under_way: UnderWay, function: MeasuredFunction
) -> None:
    """Make a step's calls, burst after burst, then priming and warm ones, as long as they may go on.

    Parameters
    ----------
    caller : MakesCalls
        By which protocol.
    orders : StepOrders
        Which calls.
    log : StepLog
        Writes down what is about to be sent and what came of it, burst by burst, so that it is kept whatever stops
        the calls.
    under_way : UnderWay
        Is asked before each burst whether to go on, and told after it how far the calls are.
    function : MeasuredFunction
        Whose versions are called, and deleted as soon as they are measured.
    """
    caller.open_connections()
    for burst in orders.bursts:
        if not under_way.may_go_on():
            break
        log.make(burst, partial(caller.burst, hold=len(burst) > 1))
        under_way.report(len(log.made))
        if orders.is_spent(burst[0].version):
            _retire(function, burst[0].version)
    if orders.prime and under_way.may_go_on():
        log.make(orders.prime, partial(caller.burst, hold=len(orders.prime) > 1))
    if orders.warm and under_way.may_go_on():
        _call_warm(caller, orders.warm, log, under_way)
        if orders.warm[0].version != LATEST:
            _retire(function, orders.warm[0].version)


def _call_warm(caller: MakesCalls, orders: Sequence[Order], log: StepLog, under_way: UnderWay) -> None:
    concurrency = orders[0].concurrency
    size = warm_calls_at_risk(concurrency)
    for first in range(0, len(orders), size):
        some = orders[first : first + size]
        made = log.make(some, lambda row: caller.in_a_row(row, concurrency, under_way.time_is_left))
        if made < len(some):
            return
        under_way.report(len(log.made))


def _retire(function: MeasuredFunction, version: str) -> None:
    """Delete a version that is measured, since it only takes up storage; where that fails the lane's end does it."""
    try:
        function.delete(version)
    except (ClientError, BotoCoreError):
        logger.exception("version left to Restore", extra={"version": version})
