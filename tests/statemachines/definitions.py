"""The two definitions as they are in `statemachines/`, and ways to walk through their states."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MOCKS = Path(__file__).with_name("MockConfigFile.json")

MACHINES = ("campaign", "lane")
FUNCTIONS = {
    "campaign": ("Plan", "Dispatch", "Rescue", "Aggregate", "Publish"),
    "lane": ("Prepare", "Fire", "Collect", "Restore", "Notify"),
}
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True)
class State:
    """One state: where it is (the names of the Maps around it), its name, its definition, its neighbours' scope."""

    machine: str
    inside: tuple[str, ...]
    name: str
    body: Mapping[str, Any]
    scope: Mapping[str, Any]

    def __str__(self) -> str:
        return "/".join((self.machine, *self.inside, self.name))


def text(machine: str) -> str:
    """The definition as it is in the repository, placeholders and all."""
    return (ROOT / "statemachines" / f"{machine}.asl.json").read_text()


def placeholders(machine: str) -> set[str]:
    """The DefinitionSubstitutions a machine needs."""
    return set(_PLACEHOLDER.findall(text(machine)))


def function_arn(function: str) -> str:
    """The ARN put in for `${<function>FunctionArn}` by the tests; no such function needs to exist."""
    return f"arn:aws:lambda:us-east-1:123456789012:function:isotherm-{function.lower()}"


def deployed(machine: str) -> str:
    """The definition with every placeholder replaced, as CloudFormation would."""
    arns = {f"{function}FunctionArn": function_arn(function) for function in FUNCTIONS[machine]}
    return _PLACEHOLDER.sub(lambda found: arns[found.group(1)], text(machine))


def states(machine: str) -> list[State]:
    """Every state of a machine, those inside Maps too."""
    return list(_walk(machine, (), json.loads(text(machine))))


def _walk(machine: str, inside: tuple[str, ...], scope: Mapping[str, Any]) -> Iterator[State]:
    for name, body in scope["States"].items():
        yield State(machine, inside, name, body, scope)
        for processor in [body[key] for key in ("ItemProcessor", "Iterator") if key in body] + body.get("Branches", []):
            yield from _walk(machine, (*inside, name), processor)


def successors(body: Mapping[str, Any]) -> set[str]:
    """The states of the same scope that may come next: Next, Default, choices, catchers."""
    following = {body[key] for key in ("Next", "Default") if key in body}
    following |= {choice["Next"] for choice in body.get("Choices", [])}
    return following | {catcher["Next"] for catcher in body.get("Catch", [])}
