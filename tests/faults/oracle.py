"""Judges what is left of a campaign that met a fault: nothing lost, nothing left behind, and said so that one can read.

Knows the evidence alone, not how it was gathered; takes no sum on trust that it can make itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

#: What one function is, as named facts: memory, variables, code, each version, each alias. Empty: there is none.
FunctionFacts = Mapping[str, str]

#: Parts that make up each number of an account.
SUMS: Mapping[str, tuple[str, ...]] = {
    "planned": ("issued", "uncollected", "not_issued", "spared"),
    "sent": ("issued", "uncollected"),
    "issued": ("answered", "failed"),
    "failed": ("function_errors", "timeouts", "throttles", "client_errors"),
}

#: What only a programmer reads: a traceback, an exception by its class, an engine's error with a bare word as reason.
_UNREADABLE = re.compile(
    r"Traceback \(most recent|^\s+File \".*\", line \d+|^\w*(Error|Exception): |Runtime\.\w+: '?\w+'?$", re.MULTILINE
)


@dataclass(frozen=True, kw_only=True)
class Command:
    """How a command ended that a person had typed, and how it should have."""

    command: str
    code: int
    expected: Collection[int]
    said: str
    must_say: str = ""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What was seen of a campaign from outside, once it had ended and time had been given to tidy up.

    Parameters
    ----------
    planned : int
        Calls that the campaign was to make.
    sent : collection of str
        Shots that were really sent: counted by the functions themselves, or written down by the client.
    account : mapping, optional
        Whole account of the campaign as the report has it; None where there is no report.
    cells : sequence of mappings
        Accounts of its cells.
    samples : sequence of str
        Shots that are in the report's raw samples.
    forged : int
        Used samples with numbers that the function itself had printed as if the platform had.
    in_doubt : int
        Calls that a client which was killed may have announced and not sent.
    expected, found : mapping
        Each function as it should be, and as it is.
    leases, executions, files : sequence of str
        What is still there and should not be.
    commands : sequence of Command
        What the person read.
    gone : bool
        The stack died and took all with it, and the person was told.
    """

    planned: int
    sent: Collection[str]
    account: Mapping[str, int] | None
    cells: Sequence[Mapping[str, int]] = ()
    samples: Sequence[str] = ()
    forged: int = 0
    in_doubt: int = 0
    expected: Mapping[str, FunctionFacts] = field(default_factory=dict)
    found: Mapping[str, FunctionFacts] = field(default_factory=dict)
    leases: Sequence[str] = ()
    executions: Sequence[str] = ()
    files: Sequence[str] = ()
    commands: Sequence[Command] = ()
    gone: bool = False


@dataclass(frozen=True)
class Verdict:
    """What one campaign came to: calls, and each thing that is wrong as a sentence."""

    planned: int
    sent: int
    accounted: int
    lost: int
    left: tuple[str, ...]
    wrong: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.left or self.wrong)


def judge(evidence: Evidence) -> Verdict:
    """What is lost, left behind and wrong."""
    lost, unaccounted = _lost(evidence)
    forged = [f"{evidence.forged} used samples hold what the function said in the platform's name"] * bool(
        evidence.forged
    )
    return Verdict(
        planned=evidence.planned,
        sent=len(set(evidence.sent)),
        accounted=_accounted(evidence),
        lost=lost,
        left=tuple(_left(evidence)),
        wrong=(
            *unaccounted,
            *forged,
            *_unbalanced(evidence),
            *(said for one in evidence.commands for said in _misled(one)),
        ),
    )


def _accounted(evidence: Evidence) -> int:
    if evidence.account is None:
        return len(set(evidence.sent)) if evidence.gone else 0
    return evidence.account["sent"]


def _lost(evidence: Evidence) -> tuple[int, list[str]]:
    """How many calls the account does not hold, or holds without a call; and each kind in words."""
    sent = set(evidence.sent)
    if evidence.account is None:
        if evidence.gone or not sent:
            return 0, []
        return len(sent), [f"{len(sent)} calls were sent, and no report holds them"]
    samples, uncollected = set(evidence.samples), evidence.account["uncollected"]
    numbers = {
        "calls were sent that are neither samples nor uncollected": len(sent - samples) - uncollected,
        "samples are of calls that were never sent": len(samples - sent),
        "uncollected calls were never sent": uncollected - len(sent - samples) - evidence.in_doubt,
        "samples are there twice": len(evidence.samples) - len(samples),
        "calls are in the account and not among the samples": abs(evidence.account["issued"] - len(samples)),
    }
    found = {said: number for said, number in numbers.items() if number > 0}
    return sum(found.values()), [f"{number} {said}" for said, number in found.items()]


def _unbalanced(evidence: Evidence) -> list[str]:
    if evidence.account is None:
        return []
    found = [
        f"{where}: {whole} {account[whole]} is not {' + '.join(parts)}"
        for where, account in [("campaign", evidence.account), *(("cell", cell) for cell in evidence.cells)]
        for whole, parts in SUMS.items()
        if account[whole] != sum(account[part] for part in parts)
    ]
    found += [
        f"the cells' {name} do not make the campaign's"
        for name in {name for pair in SUMS.items() for name in (pair[0], *pair[1])}
        if sum(cell[name] for cell in evidence.cells) != evidence.account[name]
    ]
    if evidence.account["planned"] != evidence.planned:
        found.append(f"{evidence.account['planned']} calls are said to have been planned, not {evidence.planned}")
    return found


def _left(evidence: Evidence) -> list[str]:
    found = [
        f"{name}: {fact} is {after.get(fact, 'not there')}, was to be {before.get(fact, 'not there')}"
        for name in sorted({*evidence.expected, *evidence.found})
        for before, after in [(evidence.expected.get(name, {}), evidence.found.get(name, {}))]
        for fact in sorted({*before, *after})
        if before.get(fact) != after.get(fact)
    ]
    found += [f"lease: {one}" for one in evidence.leases]
    found += [f"execution still running: {one}" for one in evidence.executions]
    return found + [f"left on this machine: {one}" for one in evidence.files]


def _misled(command: Command) -> list[str]:
    found = []
    if command.code not in command.expected:
        last = (command.said.strip().splitlines() or ["nothing"])[-1]
        expected = " or ".join(map(str, sorted(command.expected)))
        found.append(f"{command.command}: exit code {command.code}, not {expected}; it says last: {last.strip()}")
    if unreadable := _UNREADABLE.search(command.said):
        found.append(f"{command.command} says {unreadable.group().strip()!r}")
    if any(ord(letter) < 32 and letter not in "\n\t\r" for letter in command.said):
        found.append(f"{command.command} prints control characters")
    if command.code and len(command.said.split()) < 4:
        found.append(f"{command.command} fails and says nothing that can be read")
    if not re.search(command.must_say, command.said):
        found.append(f"{command.command} does not say {command.must_say!r}")
    return found
