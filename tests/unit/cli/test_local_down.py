"""`isotherm local down` while a campaign runs, with a small program in MiniStack's place."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import pytest

from isotherm.local import deploy, stack
from isotherm.local.checkout import Checkout

Isotherm = Callable[..., Any]


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def up(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> stack.Stack:
    """A stack on which a campaign runs."""
    monkeypatch.setattr(deploy, "running_campaigns", lambda _: ["mine-1", "mine-2"])
    return stack.up(checkout)


def test_without_a_terminal_it_refuses_and_names_the_campaigns(
    isotherm: Isotherm, checkout: Checkout, up: stack.Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    code, out, err = isotherm("local", "down")
    assert (code, out) == (1, "")
    assert "campaign mine-1 is running on the embedded stack" in err
    assert "campaign mine-2 is running on the embedded stack" in err
    assert "isotherm follow mine-1" in err
    assert "--yes" in err
    assert stack.status(checkout) == up


@pytest.mark.parametrize("typed", ["n\n", "\n", ""])
def test_on_a_terminal_it_asks_and_goes_by_the_answer(
    isotherm: Isotherm, checkout: Checkout, up: stack.Stack, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    code, _, err = isotherm("local", "down")
    assert code == 1
    assert "campaign mine-1 is running on the embedded stack" in err
    assert "nothing was stopped" in err
    assert stack.status(checkout) == up

    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert isotherm("local", "down").out == "stopped\n"
    assert stack.status(checkout) is None


@pytest.mark.usefixtures("up")
def test_yes_skips_the_question(isotherm: Isotherm, checkout: Checkout) -> None:
    assert isotherm("local", "down", "--yes").out == "stopped\n"
    assert stack.status(checkout) is None


@pytest.mark.usefixtures("up")
def test_nothing_is_asked_where_no_campaign_runs(
    isotherm: Isotherm, checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy, "running_campaigns", lambda _: [])
    assert isotherm("local", "down").out == "stopped\n"
    assert stack.status(checkout) is None
