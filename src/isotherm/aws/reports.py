"""Asks CloudWatch Logs for the reports and probe lines of shots, until all are there or time is up."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator

from botocore.exceptions import BotoCoreError, ClientError

from isotherm.aws.clients import client
from isotherm.campaign.lane import LaneTask, Step
from isotherm.measurement.shot import Shot
from isotherm.measurement.witnesses import StepWitnesses, Witnesses

logger = logging.getLogger(__name__)

#: Pauses (s) between one question to CloudWatch Logs and the next; the last one is repeated until the deadline.
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)

#: What CloudWatch Logs answers however often it is asked: a region that went away took its log with it, a permission is
#: missing.
IN_VAIN = ("ResourceNotFoundException", "AccessDeniedException")

#: Log events are asked for from this long before the first shot (clocks differ) to this long after the last answer.
WINDOW_MS = 15_000

#: How long (s) calls over HTTP that failed without a probe line are still waited for when all others are complete: what
#: was cut off never wrote that line, and without it no report can be told to be theirs.
GRACE_S = 5.0

#: Answers the messages of a region's log group between two epoch times in milliseconds.
ReadLog = Callable[[str, str, float, float], Iterable[str]]


def messages(region: str, log_group: str, first_ms: float, last_ms: float) -> Iterator[str]:
    """Every message that a log group holds of the time between two epoch times in milliseconds.

    All of them, since a target's log is little else than platform lines and probe lines; a filter pattern would save
    little and has to be right for both log formats.
    """
    pages = (
        client("logs", region)
        .get_paginator("filter_log_events")
        .paginate(logGroupName=log_group, startTime=int(first_ms), endTime=int(last_ms) + 1)
    )
    for page in pages:
        for event in page["events"]:
            yield event["message"]


class ReportSearch:
    """Looks for what was said of shots, for a limited time. `read_log`, `clock` and `sleep` are for tests."""

    def __init__(
        self,
        within_s: float,
        read_log: ReadLog = messages,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`within_s` is how long to go on asking, in seconds from now."""
        self._read_log, self._clock, self._sleep = read_log, clock, sleep
        self._deadline = clock() + within_s

    def find(self, task: LaneTask, step: Step, shots: list[Shot], server_log: str) -> StepWitnesses:
        """All that was said of a step's shots, in the log tails of their answers and in the logs of its functions.

        Parameters
        ----------
        task, step : LaneTask, Step
            Of which function the shots were, and which one it called in turn.
        shots : list of Shot
            As their client saw them.
        server_log : str
            Name of the log group of the stack's own server, which has what is said of calls to it.

        Returns
        -------
        StepWitnesses
            Its shots are those given; of a call over HTTP that was cut off, the outcome may be known better by now.
        """
        own, inner = Witnesses(reports_due=not step.on_server), Witnesses()
        for shot in shots:
            own.read(shot.log_tail or "", in_order=True)
        log_group = server_log if step.on_server else task.function.log_group
        missing = self.ask_until_complete(own, shots, task.lane.region, log_group)
        if step.protocol == "http":
            shots = own.name_timeouts(shots)
        if step.inner is not None:
            called = own.called_in_turn(shots)
            missing += self.ask_until_complete(inner, called, step.inner.region, step.inner.log_group)
        if missing:
            logger.warning("reports or probe lines never came", extra={"missing": missing})
        found = StepWitnesses(shots, own, inner, missing)
        if found.odd_lines:
            logger.warning("probe lines that cannot be read", extra={"odd_lines": found.odd_lines})
        return found

    def ask_until_complete(self, witnesses: Witnesses, shots: list[Shot], region: str, log_group: str) -> int:
        """Ask for the log of one function with backoff; answers how many shots lack something at the end."""
        deadline, pauses, graced = self._deadline, iter(PAUSES_S), False
        while missing := witnesses.missing(shots):
            first_ms = min(shot.sent_at_ms for shot in shots) - WINDOW_MS
            last_ms = max(shot.sent_at_ms + (shot.client_ms or 0) for shot in shots) + WINDOW_MS
            try:
                witnesses.read("\n".join(self._read_log(region, log_group, first_ms, last_ms)))
            except (ClientError, BotoCoreError) as fault:
                # What was measured is kept, its reports are missing.
                logger.exception("log not read", extra={"region": region, "log_group": log_group})
                if isinstance(fault, ClientError) and fault.response["Error"]["Code"] in IN_VAIN:
                    return len(missing)
            missing = witnesses.missing(shots)
            # Where nobody's probe came there is no sign yet that the log has arrived at all.
            if missing and not graced and witnesses.probes and len(witnesses.silent(missing)) == len(missing):
                graced, deadline, pauses = True, min(deadline, self._clock() + GRACE_S), iter(PAUSES_S)
            pause_s = next(pauses, PAUSES_S[-1])
            if not missing or self._clock() + pause_s > deadline:
                return len(missing)
            self._sleep(pause_s)
        return 0
