"""Reads `MockConfigFile.json` the way Step Functions Local does, for the interpreter that does not read it itself."""

from __future__ import annotations

import json
from typing import Any

from .definitions import MOCKS


def machine_name(machine: str) -> str:
    """What a machine is called in the mock file, and hence wherever it is created by the tests."""
    return f"isotherm-{machine}"


def test_cases(machine: str) -> dict[str, dict[str, str]]:
    """The test cases of a machine: state name to name of its mocked responses."""
    cases: dict[str, dict[str, str]] = json.loads(MOCKS.read_text())["StateMachines"][machine_name(machine)][
        "TestCases"
    ]
    return cases


def responses(name: str) -> list[dict[str, Any]]:
    """One response per invocation: "0", "1", "2-9" unfolded."""
    unfolded: list[dict[str, Any]] = []
    for numbers, response in json.loads(MOCKS.read_text())["MockedResponses"][name].items():
        first, _, last = numbers.partition("-")
        if int(first) != len(unfolded):
            raise ValueError(f"MockedResponses.{name}: {numbers} does not follow {len(unfolded) - 1}")
        unfolded.extend([response] * (int(last or first) - int(first) + 1))
    return unfolded


test_cases.__test__ = False  # type: ignore[attr-defined]  # a name of AWS's file format, not a test
