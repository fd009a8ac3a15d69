"""Two campaigns, or two targets of one, side by side for a terminal: settings that differ, tables, what they say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TypeVar

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from isotherm.analysis.comparison import untold_changes
from isotherm.analysis.comparison_model import CampaignComparison, Range, TargetsSideBySide
from isotherm.analysis.load_comparison import place_of
from isotherm.analysis.shape import OfCell
from isotherm.analysis.words.comparison import ANSWER_LABELS, as_change, changes_between
from isotherm.campaign.cell import Kind
from isotherm.numbers import NOTHING, count, digits, interval, percent, probability
from isotherm.report.metrics import KIND_LABELS, METRIC_LABELS, CellGroup, row_heading, row_names
from isotherm.report.terminal.frame import framed
from isotherm.statistics.results import Verdict

_Row = TypeVar("_Row", bound=OfCell)

#: Columns that the tables need.
WIDTH = 132

_STYLES: dict[Verdict, str] = {"worse": "bold red", "not worse": "", "undecided": "yellow"}


def comparison_tables(comparison: CampaignComparison) -> list[RenderableType]:
    """What changed from one campaign to another."""
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
    for title, changes in _grouped(comparison.changes):
        table = _table(title, changes, "At most", "Sessions' sd")
        for change, name in zip(changes, row_names(changes), strict=True):
            result = change.result
            worse = (result.ratio or 1) > 1
            table.add_row(
                Text(name),
                METRIC_LABELS[change.metric],
                digits(result.baseline_median),
                digits(result.other_median),
                Text(as_change(result.ratio), style=("red" if worse else "green") if change.is_sure else ""),
                changes_between(result.ratio_low, result.ratio_high),
                as_change(result.ratio_at_most),
                NOTHING if change.session_sd is None else f"{digits(100 * change.session_sd)} %",
                probability(change.p_holm),
                _answer(change.answer),
                f"{result.baseline_n:,}, {result.other_n:,}",
            )
        parts += [Text(), table]
    if comparison.changes:
        parts.append(Text(_how_to_read(comparison), style="dim"))
        parts += [Text(said, style="yellow") for said in untold_changes(comparison)]
    return [*parts, *_loads(comparison)]


def targets_tables(found: TargetsSideBySide) -> list[RenderableType]:
    """How two targets of one campaign differ."""
    parts: list[RenderableType] = [
        Text(f"{found.other} against {found.baseline} in {found.campaign}, in the same rounds", style="bold")
    ]
    for only, whose in ((found.only_baseline, found.baseline), (found.only_other, found.other)):
        parts += [Text(f"only {whose}: {name}", style="yellow") for name in only]
    for title, tests in _grouped(found.tests):
        table = _table(title, tests, "Rounds")
        for test, name in zip(tests, row_names(tests), strict=True):
            told = test.test
            style = "red" if test.answer == "worse" else "green" if told and (told.ratio_high or 1) < 1 else ""
            table.add_row(
                Text(name),
                METRIC_LABELS[test.metric],
                digits(test.baseline_median),
                digits(test.other_median),
                Text(as_change(told.ratio if told else None), style=style),
                changes_between(told.ratio_low, told.ratio_high) if told else NOTHING,
                f"{told.rounds} of {told.max_rounds}" if told else NOTHING,
                probability(told.p_worse) if told else NOTHING,
                _answer(test.answer),
                f"{test.baseline_n:,}, {test.other_n:,}",
            )
        parts += [Text(), table]
    if found.tests:
        said = (
            "Medians of all rounds in ms; change and bounds are as of the round at which it was told. Worse: slower, "
            f"said of any row in at most {percent(found.alpha)} of campaigns in which the two are alike. Not worse: "
            f"said of a row in at most {percent(found.beta)} of those in which it is slower by "
            f"{percent(found.slowdown)} or more. In between, either may be said."
        )
        parts.append(Text(said, style="dim"))
        parts += [Text(test.sentence, style="yellow") for test in found.tests if test.answer == "undecided"]
    return parts


def _how_to_read(comparison: CampaignComparison) -> str:
    return (
        "Medians in ms; change by rounds, red slower, with its 95 % interval for all rows together, which holds what "
        "sessions differ by anyway. Worse: surely slower, and by more than "
        f"{percent(comparison.limit)}. Not worse: at most {percent(comparison.limit)} slower, with 95 % confidence."
    )


def _grouped(rows: Iterable[_Row]) -> list[tuple[str, list[_Row]]]:
    """Rows by the table that they are shown in, with its title."""
    groups: dict[tuple[Kind, CellGroup], list[_Row]] = {}
    for row in rows:
        groups.setdefault((row.kind, CellGroup(row.region, row.memory_mb, row.operation)), []).append(row)
    return [(f"{KIND_LABELS[kind]}, {place}", of) for (kind, place), of in groups.items()]


def _table(title: str, rows: Sequence[OfCell], *further: str) -> Table:
    table = framed(title)
    table.add_column(row_heading(rows), overflow="fold")
    table.add_column("What", no_wrap=True)
    probabilities = "p (Holm)" if "At most" in further else "p"
    for heading in ("Before", "After", "Change", "between", *further, probabilities, "Answer", "n"):
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _answer(answer: Verdict) -> Text:
    return Text(ANSWER_LABELS[answer], style=_STYLES[answer])


def _loads(comparison: CampaignComparison) -> list[RenderableType]:
    """A table for each load that both have, and how far to believe it."""
    if not comparison.loads:
        return []
    parts: list[RenderableType] = []
    if any(found.setting == "load.loop" for found in comparison.settings):
        differ = "A closed and an open loop: their latencies count from different moments, and cannot be compared."
        parts.append(Text(differ, style="bold yellow"))
    for place, of_place in groupby(comparison.loads, key=place_of):
        table = framed(place)
        for heading in ("Phase", "What", "Unit"):
            table.add_column(heading, overflow="fold")
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
    if found is None:
        return NOTHING
    return digits(found.mid) + (f" ({interval(found.low, found.high)})" if found.rounds > 1 else "")
