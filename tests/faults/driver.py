"""Throws faults at campaigns, one after the other, and adds up what each kind came to."""

from __future__ import annotations

import fnmatch
import tempfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from integration.embedded import Embedded, deployed_stack

from .faults import FAULTS, Fault
from .oracle import Verdict, judge
from .scene import NotInjected, evidence_of, on_stage


@dataclass
class Row:
    """What all campaigns that met one kind of fault came to."""

    fault: str
    times: int = 0
    planned: int = 0
    sent: int = 0
    accounted: int = 0
    lost: int = 0
    left_behind: int = 0

    def add(self, verdict: Verdict) -> None:
        """One more campaign."""
        self.times += 1
        self.planned += verdict.planned
        self.sent += verdict.sent
        self.accounted += verdict.accounted
        self.lost += verdict.lost
        self.left_behind += len(verdict.left)


@dataclass(frozen=True)
class Results:
    """All rows, and each thing that was wrong, as (fault, sentence)."""

    seed: int
    rows: list[Row] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Results:
        """What `document` gave."""
        problems = [(one["fault"], one["problem"]) for one in document["problems"]]
        return cls(document["seed"], [Row(**row) for row in document["faults"]], problems)

    def over(self, earlier: Results) -> Results:
        """These rows, and of an earlier run those of faults that were not thrown again, in the order of `FAULTS`."""
        thrown = {row.fault for row in self.rows}
        rows = {row.fault: row for row in (*earlier.rows, *self.rows)}
        kept = [one for one in earlier.problems if one[0] not in thrown]
        names = [fault.name for fault in FAULTS]
        return Results(
            self.seed,
            [rows[name] for name in names if name in rows],
            sorted([*kept, *self.problems], key=lambda one: names.index(one[0])),
        )

    @property
    def good(self) -> bool:
        """Whether nothing is lost, left behind or wrong."""
        return not self.problems and not any(row.lost or row.left_behind for row in self.rows)

    def document(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "seed": self.seed,
            "embedded": True,
            "faults": [asdict(row) for row in self.rows],
            "problems": [{"fault": fault, "problem": problem} for fault, problem in self.problems],
        }


def chosen(patterns: Sequence[str], *, quick: bool = False, times: int | None = None) -> list[tuple[Fault, int]]:
    """Faults whose name matches one, and how often each is thrown: as each says, or `times`, or once in a quick run."""
    return [
        (fault, 1 if quick else times or fault.times)
        for fault in FAULTS
        if any(fnmatch.fnmatch(fault.name, pattern) for pattern in patterns)
        and (not quick or "*" not in patterns or fault.quick)
    ]


def throw_all(
    embedded: Embedded,
    faults: Iterable[tuple[Fault, int]],
    results: Results,
    say: Callable[[str], None],
    keep: Callable[[], None],
) -> None:
    """Throw each fault so often as asked, at a campaign of its own each time.

    `results` get a row for each fault, and `keep` is called after each.
    """
    with tempfile.TemporaryDirectory(prefix="isotherm-faults-") as folder:
        for fault, times in faults:
            row = Row(fault.name)
            for number in range(times):
                say(f"{fault.name}, {number + 1} of {times}")
                with deployed_stack("faults-own") if fault.own_stack else nullcontext(embedded) as stack:
                    verdict = throw(stack, fault, f"{results.seed}/{fault.name}/{number}", Path(folder))
                row.add(verdict)
                for problem in (*verdict.left, *verdict.wrong):
                    say(f"  WRONG: {problem}")
                    results.problems.append((fault.name, problem))
            results.rows.append(row)
            keep()


def throw(embedded: Embedded, fault: Fault, seed: str, folder: Path) -> Verdict:
    """Throw one fault at one campaign, and judge what is left of it."""
    stage = folder / f"{zlib.crc32(seed.encode()):08x}"
    if fault.alone is not None:
        try:
            return judge(fault.alone(stage))
        except NotInjected as missed:
            return _not_met(missed)
    behaviours = ("plain", fault.behaviour)
    with on_stage(embedded, stage, seed, behaviours, **fault.campaign) as scene:
        try:
            fault.inject(scene)
        except NotInjected as missed:
            return _not_met(missed)
        return judge(evidence_of(scene, fault.exit_codes, fault.says))


def _not_met(missed: NotInjected) -> Verdict:
    return Verdict(0, 0, 0, 0, (), (f"the fault was not met: {missed}",))
