"""When the demo waits, refuses, and takes the embedded stack down, with a small program in MiniStack's place."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from isotherm.cli.commands import demo
from isotherm.cli.errors import Interrupted, ReportNotFetched
from isotherm.local import build, deploy, stack
from isotherm.local.checkout import Checkout
from isotherm.local.lock import exclusive

Isotherm = Callable[..., Any]

# Uses the embedded stack of the working folder until its standard input ends.
USER = """
import sys
from isotherm.local import stack
from isotherm.local.checkout import find_checkout
stack.enter(stack.status(find_checkout()))
print("entered", flush=True)
sys.stdin.read()
"""


class Measuring:
    """What the demo measures here: nothing, but it can be looked in on, and campaigns can be running."""

    def __init__(self) -> None:
        self.meanwhile: Callable[[], None] = lambda: None
        self.running: list[str] = []


@pytest.fixture
def measuring(monkeypatch: pytest.MonkeyPatch) -> Measuring:
    made = Measuring()

    class Campaigns:
        def start(self, _: object) -> str:
            made.running.append("demo-1")
            return "demo-1"

    class Place:
        home_region = "us-east-1"

        def campaigns(self) -> Campaigns:
            return Campaigns()

    monkeypatch.setattr(demo, "DEFAULT_PLACE", Place())
    monkeypatch.setattr(demo, "follow_and_show", lambda *_: made.meanwhile())
    monkeypatch.setattr(build, "build", lambda *_, **__: None)
    monkeypatch.setattr(deploy, "deploy", lambda *_, **__: deploy.Deployed([], []))
    monkeypatch.setattr(deploy, "running_campaigns", lambda _: made.running)
    return made


@pytest.mark.usefixtures("measuring")
def test_a_demo_takes_down_the_stack_that_it_started(isotherm: Isotherm, checkout: Checkout) -> None:
    code, _, err = isotherm("demo")
    assert code == 0, err
    assert stack.status(checkout) is None


@pytest.mark.usefixtures("measuring")
def test_a_demo_leaves_up_the_stack_that_was_up(isotherm: Isotherm, checkout: Checkout) -> None:
    before = stack.up(checkout)
    assert isotherm("demo").code == 0
    assert stack.status(checkout) == before


def test_a_demo_leaves_its_stack_to_another_command_that_uses_it(
    isotherm: Isotherm, checkout: Checkout, measuring: Measuring
) -> None:
    users = []

    def meanwhile() -> None:
        user = subprocess.Popen([sys.executable, "-c", USER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        users.append(user)
        assert user.stdout is not None
        assert user.stdout.readline() == b"entered\n"
        raise KeyboardInterrupt

    measuring.meanwhile = meanwhile
    code, _, err = isotherm("demo")
    (user,) = users
    with user:
        assert code == 130
        assert f"interrupted; the embedded stack stays up for process {user.pid} (-c); then: isotherm local down" in err
        assert stack.status(checkout) is not None
        user.kill()


def test_a_demo_leaves_its_stack_to_a_campaign_that_somebody_else_started(
    isotherm: Isotherm, checkout: Checkout, measuring: Measuring
) -> None:
    measuring.meanwhile = lambda: measuring.running.append("mine-1")
    code, _, err = isotherm("demo")
    assert code == 0
    assert "the embedded stack stays up for campaign mine-1; then: isotherm local down" in err
    assert stack.status(checkout) is not None


def test_its_own_campaign_does_not_keep_the_stack_of_an_interrupted_demo(
    isotherm: Isotherm, checkout: Checkout, measuring: Measuring
) -> None:
    def meanwhile() -> None:
        raise Interrupted("goes on without you")

    measuring.meanwhile = meanwhile
    code, _, err = isotherm("demo")
    assert (code, err.splitlines()[-1]) == (130, "isotherm: interrupted; nothing is left running")
    assert stack.status(checkout) is None


def test_a_stack_that_holds_the_only_copy_of_the_report_stays_up(
    isotherm: Isotherm, checkout: Checkout, measuring: Measuring
) -> None:
    def meanwhile() -> None:
        raise ReportNotFetched("the disk is full, then fetch it: isotherm report demo-1")

    measuring.meanwhile = meanwhile
    code, _, err = isotherm("demo")
    assert code == 1
    assert "isotherm report demo-1\nthe embedded stack stays up for that; afterwards: isotherm local down\n" in err
    assert stack.status(checkout) is not None


def test_a_demo_does_not_measure_beside_a_campaign_that_runs_already(
    isotherm: Isotherm, checkout: Checkout, measuring: Measuring
) -> None:
    """That of a demo which was killed goes on, and would refuse one lane of the next demo after the other."""
    stack.up(checkout)
    measuring.running.append("demo-0")
    code, _, err = isotherm("demo")
    assert code == 1
    assert "campaign demo-0 is running on the embedded stack" in err
    assert "isotherm stop demo-0" in err
    assert "demo-1" not in measuring.running
    assert stack.status(checkout) is not None


@pytest.mark.usefixtures("measuring")
def test_a_second_demo_waits_for_the_first_and_says_so(isotherm: Isotherm, checkout: Checkout) -> None:
    held, waited = threading.Event(), threading.Event()

    def first() -> None:
        with exclusive(checkout.local / "demo.lock", "the demo"):
            held.set()
            waited.wait(60)

    thread = threading.Thread(target=first)
    thread.start()
    held.wait(60)
    threading.Timer(1, waited.set).start()
    code, _, err = isotherm("demo")
    assert code == 0
    assert waited.is_set()
    thread.join()
    assert f"waiting for the demo of process {os.getpid()}, since " in err
