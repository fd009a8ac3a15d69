"""`isotherm compare`: what changed from one campaign to another, and whether it is a change for the worse."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Annotated

import typer

from isotherm.cli.options import DEFAULT_PLACE, HomeOption, JsonOption, OnOption, Place, StackOption

if TYPE_CHECKING:
    from rich.console import RenderableType

    from isotherm.analysis.comparison import CampaignComparison, Change
    from isotherm.analysis.load_comparison import Range
    from isotherm.campaign.cell import Kind

_WHAT = "a campaign's id, a report's folder, its summary.json or samples.csv.gz."
BeforeArgument = Annotated[str, typer.Argument(metavar="A", help=f"Before: {_WHAT}")]
AfterArgument = Annotated[str, typer.Argument(metavar="B", help=f"After: {_WHAT}")]
LimitOption = Annotated[
    str | None,
    typer.Option(
        "--fail-on-regression",
        metavar="PERCENT",
        help="Exit code 1 where a median got slower by more than this, such as 5%, and surely slower at all; "
        "also if that cannot be determined for a cell.",
    ),
]


def compare(
    before: BeforeArgument,
    after: AfterArgument,
    fail_on_regression: LimitOption = None,
    on: OnOption = DEFAULT_PLACE.on,
    stack: StackOption = DEFAULT_PLACE.stack,
    home: HomeOption = DEFAULT_PLACE.home_region,
    as_json: JsonOption = False,
) -> None:
    """Say what changed from campaign A to campaign B, with intervals; settings that differ come first.

    Loads have no intervals: of them the numbers before and after are shown, phase by phase.
    """
    limit = None if fail_on_regression is None else _share(fail_on_regression)
    from isotherm.analysis.comparison import cannot_be_compared, change_name, compare_campaigns, regressions, undecided
    from isotherm.cli.console import results
    from isotherm.cli.errors import Failed
    from isotherm.cli.reports import refuse_empty, results_of
    from isotherm.numbers import count, percent

    place = Place(on, stack, home)
    sides = results_of(before, "A", place), results_of(after, "B", place)
    refuse_empty(*sides)
    if reason := cannot_be_compared(*sides):
        raise Failed(reason)
    comparison = compare_campaigns(*sides)
    worse = [] if limit is None else regressions(comparison, limit)
    unclear = [] if limit is None else undecided(comparison)
    if as_json:
        document = comparison.model_dump(mode="json")
        document |= {"limit": limit, "regressions": [change_name(c) for c in worse], "undecided": unclear}
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        for renderable in describe(comparison):
            results().print(renderable)
    if worse:
        named = "; ".join(f"{change_name(c)}: {_ratio(c)}" for c in worse)
        raise Failed(f"{count(len(worse), 'median')} slower by more than {percent(limit or 0.0)}: {named}")
    if unclear:
        raise Failed(
            f"it is not certain that nothing got slower by more than {percent(limit or 0)}: {'; '.join(unclear)}"
        )


def describe(comparison: CampaignComparison) -> list[RenderableType]:
    """The comparison as lines and a table for a terminal."""
    from rich.text import Text

    from isotherm.numbers import NOTHING, digits, interval, probability
    from isotherm.report.metrics import (
        KIND_LABELS,
        METRIC_LABELS,
        CellGroup,
        row_heading,
        row_names,
    )
    from isotherm.report.terminal.frame import framed

    parts: list[RenderableType] = [Text(f"{comparison.before} before, {comparison.after} after", style="bold")]
    if not comparison.settings_known:
        parts.append(Text("settings are not compared: a side has samples but no summary.json", style="yellow"))
    elif not comparison.settings:
        parts.append(Text("same settings"))
    else:
        parts.append(Text("Settings that differ", style="bold yellow"))
        parts += [
            Text(f"  {found.setting}: {found.before or NOTHING} → {found.after or NOTHING}")
            for found in comparison.settings
        ]
    for only, when in ((comparison.only_before, "before"), (comparison.only_after, "after")):
        parts += [Text(f"only {when}: {name}", style="yellow") for name in only]
    groups: dict[tuple[Kind, CellGroup], list[Change]] = {}
    for change in comparison.changes:
        place = CellGroup(change.region, change.memory_mb, change.operation)
        groups.setdefault((change.kind, place), []).append(change)
    for (kind, place), changes in groups.items():
        table = framed(f"{KIND_LABELS[kind]}, {place}")
        table.add_column(row_heading(changes), overflow="fold")
        table.add_column("What", no_wrap=True)
        for heading in ("Before", "After", "Change", "interval", "p (Holm)", "n"):
            table.add_column(heading, justify="right", no_wrap=True)
        for change, name in zip(changes, row_names(changes), strict=True):
            result = change.result
            low, high = result.shift_low, result.shift_high
            apart = low is not None and high is not None and not low <= 0 <= high
            table.add_row(
                Text(name),
                METRIC_LABELS[change.metric],
                digits(result.baseline_median),
                digits(result.other_median),
                Text(digits(result.shift), style=("red" if (result.shift or 0) > 0 else "green") if apart else ""),
                interval(low, high, " … "),
                probability(change.p_holm),
                f"{result.baseline_n:,}, {result.other_n:,}",
            )
        parts += [Text(), table]
    if comparison.changes:
        parts.append(Text("Medians in ms; change: Hodges-Lehmann shift with its 95 % interval, red slower."))
    return [*parts, *_loads(comparison)]


def _loads(comparison: CampaignComparison) -> list[RenderableType]:
    """A table for each load that both have, and how far to believe it."""
    from itertools import groupby

    from rich.text import Text

    from isotherm.analysis.load_comparison import place_of
    from isotherm.numbers import NOTHING, count
    from isotherm.report.terminal.frame import framed

    if not comparison.loads:
        return []
    parts: list[RenderableType] = []
    if any(found.setting == "load.loop" for found in comparison.settings):
        differ = "A closed and an open loop: their latencies count from different moments, and cannot be compared."
        parts.append(Text(differ, style="bold yellow"))
    for place, of_place in groupby(comparison.loads, key=place_of):
        table = framed(place)
        table.add_column("Phase", overflow="fold")
        for heading in ("What", "Unit"):
            table.add_column(heading, no_wrap=True)
        for heading in ("Before", "After", "Times"):
            table.add_column(heading, justify="right", no_wrap=True)
        for change in of_place:
            times = Text(
                NOTHING if change.ratio is None else f"{change.ratio:.3g}", style="bold" if change.apart else ""
            )
            values = (_range(change.before), _range(change.after))
            table.add_row(change.phase, change.measure, change.unit, *values, times)
        parts += [Text(), table]
    least = min((side.rounds for c in comparison.loads for side in (c.before, c.after) if side), default=0)
    if least > 1:
        said = (
            f"Medians over rounds, with the lowest and highest round (at least {count(least, 'round')} on each side); "
            "bold if all rounds of one side lie beyond all rounds of the other."
        )
    else:
        said = (
            "One load is one observation: the same load made twice differs too, by how much only rounds can say. "
            "Times: after, divided by before."
        )
    return [*parts, Text(said, style="dim")]


def _range(found: Range | None) -> str:
    from isotherm.numbers import NOTHING, digits, interval

    if found is None:
        return NOTHING
    return digits(found.mid) + (f" ({interval(found.low, found.high)})" if found.rounds > 1 else "")


def _ratio(change: Change) -> str:
    from isotherm.numbers import interval

    result = change.result
    return f"{100 * ((result.ratio or 1) - 1):.3g} % (ratio {interval(result.ratio_low, result.ratio_high)})"


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
