"""`isotherm compare`: what changed from one campaign to another, or between two targets of one: worse, or not."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isotherm.cli.options import DEFAULT_PLACE, HomeOption, JsonOption, OnOption, Place, StackOption

if TYPE_CHECKING:
    from rich.console import RenderableType

    from isotherm.analysis.comparison import Side
    from isotherm.analysis.comparison_model import SessionScatter

_WHAT = "a campaign's id, a report's folder, its summary.json or samples.csv.gz."
BeforeArgument = Annotated[str, typer.Argument(metavar="A", help=f"Before: {_WHAT}")]
AfterArgument = Annotated[
    str | None, typer.Argument(metavar="B", help="After: the same; none with --targets, which are both of A.")
]
TargetsOption = Annotated[
    str | None,
    typer.Option(
        "--targets",
        metavar="OLD,NEW",
        help="Compare these two targets of A, round by round: the surest way to compare two versions.",
    ),
]
LimitOption = Annotated[
    str | None,
    typer.Option(
        "--fail-on-regression",
        metavar="PERCENT",
        help="End with 99 where something got slower by more than this, such as 5%, and with 3 where that cannot be "
        "told; 0 says that nothing did.",
    ),
]
ReportsOption = Annotated[
    Path | None,
    typer.Option(
        "--reports",
        help="Take sessions of A's name, which say how far sessions differ, from every summary.json below this folder "
        "instead of asking a stack.",
    ),
]


def compare(
    before: BeforeArgument,
    after: AfterArgument = None,
    targets: TargetsOption = None,
    fail_on_regression: LimitOption = None,
    reports: ReportsOption = None,
    on: OnOption = DEFAULT_PLACE.on,
    stack: StackOption = DEFAULT_PLACE.stack,
    home: HomeOption = DEFAULT_PLACE.home_region,
    as_json: JsonOption = False,
) -> None:
    """Say what changed from campaign A to campaign B, or differs between two targets of A: worse, not worse, or untold.

    Two campaigns are told apart by more than what campaigns of A's name differ by anyway: three are needed before B.

    Two targets of one campaign need no other, as what a round does to both cancels.

    Answers are about a slow-down of 5 %, or of what --fail-on-regression says.

    Loads have no intervals: of them the numbers before and after are shown, phase by phase.
    """
    from isotherm.cli.errors import BadInput
    from isotherm.cli.reports import refuse_empty, results_of

    limit = None if fail_on_regression is None else _share(fail_on_regression)
    place = Place(on, stack, home)
    if targets is not None:
        if after is not None:
            raise BadInput("--targets: two targets are compared in one campaign; leave out B")
        if reports is not None:
            raise BadInput("--reports: targets of one campaign need no other sessions; leave it out")
        side = results_of(before, "A", place)
        refuse_empty(side)
        _refuse_no_numbers(A=side)
        _compare_targets(side, targets, limit, as_json=as_json)
        return
    if after is None:
        raise BadInput("B: is missing; name a second campaign, or two targets of this one with --targets OLD,NEW")
    sides = results_of(before, "A", place), results_of(after, "B", place)
    refuse_empty(*sides)
    _refuse_no_numbers(A=sides[0], B=sides[1])
    scatter = _scatter(*sides, place, reports, on_stack=not _are_paths(before, after))
    _compare_campaigns(*sides, scatter, limit, as_json=as_json)


def _compare_campaigns(
    before: Side, after: Side, scatter: SessionScatter | None, limit: float | None, *, as_json: bool
) -> None:
    from isotherm.analysis.comparison import cannot_be_compared, compare_campaigns, regressions, undecided
    from isotherm.analysis.comparison_model import USUAL_SLOWDOWN
    from isotherm.analysis.words.comparison import change_name, how_to_tell
    from isotherm.cli.errors import Failed
    from isotherm.report.terminal.comparison import comparison_tables

    if reason := cannot_be_compared(before, after):
        raise Failed(reason)
    found = compare_campaigns(before, after, scatter, limit=USUAL_SLOWDOWN if limit is None else limit)
    worse, unclear = regressions(found), undecided(found)
    answers = {"regressions": [change_name(change) for change in worse], "undecided": unclear}
    _show(found.model_dump(mode="json") | answers, comparison_tables(found), as_json=as_json)
    _end(limit, [change.sentence for change in worse], unclear, how_to_tell(found.name) if found.changes else "")


def _compare_targets(side: Side, targets: str, limit: float | None, *, as_json: bool) -> None:
    from isotherm.analysis.comparison_model import USUAL_SLOWDOWN
    from isotherm.analysis.side_by_side import compare_targets, not_two_targets, targets_untold
    from isotherm.analysis.words.comparison import metric_name
    from isotherm.cli.errors import BadInput
    from isotherm.report.terminal.comparison import targets_tables

    names = [name.strip() for name in targets.split(",")]
    if reason := not_two_targets(side, names):
        raise BadInput(f"--targets: {reason}")
    if limit == 0:
        raise BadInput("--fail-on-regression: 0 % cannot be told from nothing by any number of rounds; 1% may be")
    found = compare_targets(side, *names, slowdown=USUAL_SLOWDOWN if limit is None else limit)
    worse, unclear = [test for test in found.tests if test.answer == "worse"], targets_untold(found)
    answers = {"regressions": [metric_name(test, test.metric) for test in worse], "undecided": unclear}
    _show(found.model_dump(mode="json") | answers, targets_tables(found), as_json=as_json)
    _end(limit, [test.sentence for test in worse], unclear, "")


def _show(document: dict[str, Any], tables: Sequence[RenderableType], *, as_json: bool) -> None:
    from isotherm.cli.console import wide_results
    from isotherm.report.terminal.comparison import WIDTH

    if as_json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    for renderable in tables:
        wide_results(WIDTH).print(renderable)


def _end(limit: float | None, worse: Sequence[str], unclear: Sequence[str], advice: str) -> None:
    """End as the answers say, where they were asked for."""
    from isotherm.cli.errors import CannotBeTold, Crossed
    from isotherm.numbers import percent

    if limit is None:
        return
    if worse:
        raise Crossed(f"worse, asked about a slow-down of {percent(limit)}: {'; '.join(worse)}")
    if unclear:
        said = f"it cannot be told that nothing got slower by more than {percent(limit)}: {'; '.join(unclear)}"
        raise CannotBeTold(f"{said}; {advice}" if advice else said)


def _refuse_no_numbers(**sides: Side) -> None:
    from isotherm.analysis.comparison import not_a_number
    from isotherm.cli.errors import BadInput

    for argument, side in sides.items():
        if reason := not_a_number(side):
            raise BadInput(f"{argument}: {side.name}: {reason}")


def _are_paths(*names: str) -> bool:
    return all(Path(name).exists() for name in names)


def _scatter(before: Side, after: Side, place: Place, reports: Path | None, *, on_stack: bool) -> SessionScatter | None:
    """How far sessions of A's name differ; None where a summary is missing, or there is nowhere to look for others."""
    from isotherm.analysis.session_scatter import session_scatter
    from isotherm.analysis.trend_model import UnreadableSession
    from isotherm.cli.errors import BadInput
    from isotherm.cli.sessions import sessions_anywhere, sessions_below

    if before.summary is None or after.summary is None or before.summary.load is not None:
        return None
    name, platform = before.summary.name, before.summary.platform
    # Of samples alone there is no campaign that could have further sessions.
    if before.summary.campaign is None or after.summary.campaign is None or platform == "unknown":
        return None
    if reports is not None:
        others = sessions_below(reports, name, platform).sessions
    elif on_stack:
        others = sessions_anywhere(place, name, platform)
    else:
        return None
    try:
        return session_scatter(before.summary, after.summary, others)
    except UnreadableSession as problem:
        raise BadInput(f"A, B: {before.name} and {after.name} cannot be put among sessions: {problem}") from None


def _share(text: str) -> float:
    from isotherm.cli.errors import BadInput

    number = text.strip().removesuffix("%").strip()
    try:
        value = float(number) / 100
    except ValueError:
        value = math.nan
    if not 0 <= value < 1000:
        raise BadInput(f"--fail-on-regression: {text!r} is not a percentage; give one such as 5%")
    return value
