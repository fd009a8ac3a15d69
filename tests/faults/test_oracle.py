"""The judge of campaigns that met a fault: it must reject each kind of loss, and each thing that is left behind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from .oracle import Command, Evidence, judge

SHOTS = [f"r00-a-us-east-1/s0/cold/{number}/0" for number in range(8)]
FACTS = {"MemorySize": "128", "CodeSha256": '"abc"', "Environment": "{}", "version 3": "theirs", "alias live": "3"}
RUN = Command(command="isotherm run", code=0, expected={0}, said="campaign fault-1 started\n8 of 8 samples")


def account(**numbers: int) -> dict[str, int]:
    """Of eight calls that were all sent and answered."""
    names = "uncollected not_issued spared failed function_errors timeouts throttles client_errors"
    usual = {"planned": 8, "sent": 8, "issued": 8, "answered": 8}
    return dict.fromkeys(names.split(), 0) | usual | numbers


def evidence(**fields: Any) -> Evidence:
    """Of a campaign of which nothing is wrong."""
    whole = Evidence(
        planned=8,
        sent=SHOTS,
        account=account(),
        cells=[account()],
        samples=SHOTS,
        expected={"a": FACTS},
        found={"a": FACTS},
        commands=[RUN],
    )
    return replace(whole, **fields)


def accounts(**numbers: int) -> dict[str, Any]:
    """The campaign's account and its only cell's, which agree."""
    return {"account": account(**numbers), "cells": [account(**numbers)]}


def test_nothing_wrong() -> None:
    verdict = judge(evidence())
    assert verdict.good
    assert (verdict.planned, verdict.sent, verdict.accounted, verdict.lost) == (8, 8, 8, 0)


def test_calls_said_to_be_uncollected_are_not_lost() -> None:
    said = accounts(issued=6, answered=6, uncollected=2)
    assert judge(evidence(samples=SHOTS[:6], **said)).good


def test_calls_never_sent_and_said_so_are_not_lost() -> None:
    said = accounts(sent=6, issued=6, answered=6, not_issued=2)
    assert judge(evidence(sent=SHOTS[:6], samples=SHOTS[:6], **said)).good


@pytest.mark.parametrize(
    ("fields", "lost"),
    [
        pytest.param({"account": None, "cells": [], "samples": []}, 8, id="no report at all"),
        pytest.param(
            {"samples": SHOTS[:6], **accounts(sent=6, issued=6, answered=6, not_issued=2)},
            2,
            id="said not to be issued",
        ),
        pytest.param(
            {"samples": SHOTS[:5], **accounts(issued=5, answered=5, uncollected=2, sent=7, not_issued=1)},
            1,
            id="fewer uncollected than are missing",
        ),
        pytest.param({"sent": SHOTS[:7]}, 1, id="a sample of a call that was never made"),
        pytest.param({"samples": [*SHOTS[:7], SHOTS[0]]}, 3, id="one sample twice in place of another"),
        pytest.param({"samples": SHOTS[:7]}, 2, id="a sample counted that is not there"),
        pytest.param(
            {"sent": SHOTS[:6], "samples": SHOTS[:6], **accounts(issued=6, answered=6, uncollected=2)},
            2,
            id="uncollected that were never sent",
        ),
    ],
)
def test_each_kind_of_loss_is_seen(fields: dict[str, Any], lost: int) -> None:
    verdict = judge(evidence(**fields))
    assert verdict.lost == lost
    assert verdict.wrong


def test_a_client_that_was_killed_may_have_announced_more_than_it_sent_but_not_any_number() -> None:
    fields = {"sent": SHOTS[:6], "samples": SHOTS[:6], **accounts(issued=6, answered=6, uncollected=2)}
    assert judge(evidence(in_doubt=2, **fields)).good
    assert judge(evidence(in_doubt=1, **fields)).lost == 1


def test_a_stack_that_died_has_no_account_where_the_person_was_told() -> None:
    gone = evidence(account=None, cells=[], samples=[], gone=True)
    assert judge(gone).lost == 0
    assert judge(replace(gone, gone=False)).lost == 8


@pytest.mark.parametrize(
    "numbers", [{"planned": 9}, {"sent": 9}, {"issued": 7}, {"answered": 7}, {"failed": 1}, {"timeouts": 1}]
)
def test_sums_that_do_not_balance_are_wrong(numbers: dict[str, int]) -> None:
    assert judge(evidence(**accounts(**numbers))).wrong
    assert judge(evidence(cells=[account(**numbers)])).wrong
    assert judge(evidence(account=account(**numbers))).wrong


def test_a_plan_of_another_size_than_asked_is_wrong() -> None:
    assert judge(evidence(planned=16)).wrong


def test_numbers_that_the_function_forged_are_wrong() -> None:
    assert judge(evidence(forged=1)).wrong


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("MemorySize", "512"),
        ("Environment", '{"Variables": {"ISOTHERM_FRESH": "1"}}'),
        ("CodeSha256", '"def"'),
        ("version 4", "ours"),
        ("version 3", None),
        ("version 3", "another of the same number"),
        ("alias live", "4"),
        ("alias live", None),
    ],
)
def test_each_change_of_a_function_is_left_behind(fact: str, value: str | None) -> None:
    after = {name: text for name, text in {**FACTS, fact: value}.items() if text is not None}
    assert len(judge(evidence(found={"a": after})).left) == 1
    assert judge(evidence(found={"a": after}, expected={"a": after})).good


def test_a_function_that_is_gone_or_one_too_many_is_left_behind() -> None:
    assert judge(evidence(found={})).left
    assert judge(evidence(found={"a": FACTS, "b": FACTS})).left


@pytest.mark.parametrize("kind", ["leases", "executions", "files"])
def test_each_lease_execution_and_file_is_left_behind(kind: str) -> None:
    assert len(judge(evidence(**{kind: ["one", "another"]})).left) == 2


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"code": 1}, id="another exit code"),
        pytest.param(
            {"said": 'Traceback (most recent call last):\n  File "a.py", line 3\nKeyError: 1'}, id="traceback"
        ),
        pytest.param({"said": "ValueError: could not convert string to float"}, id="an exception by its class"),
        pytest.param({"said": "the campaign failed: Runtime.HandlerError: 'target'"}, id="a bare word for a reason"),
        pytest.param({"said": "one of two lanes failed: \x1b[31mred"}, id="control characters"),
        pytest.param({"code": 1, "expected": {1}, "said": "failed\n"}, id="nothing that explains"),
        pytest.param({"must_say": "uncollected"}, id="not what it must say"),
    ],
)
def test_each_way_to_mislead_a_person_is_wrong(fields: dict[str, Any]) -> None:
    assert judge(evidence(commands=[RUN, replace(RUN, **fields)])).wrong
