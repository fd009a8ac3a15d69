"""What changed from one campaign to another: settings first, then every cell both have. Knows nothing of AWS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple
from typing import Any, NamedTuple

from pydantic import Field

from isotherm.analysis.accounting import distinct
from isotherm.analysis.load_comparison import LoadChange, load_changes, loads_of_one_side
from isotherm.analysis.shape import OfCell, Shape
from isotherm.analysis.summary import CampaignSummary, ComparisonInWords, LoadRun, MetricName
from isotherm.analysis.words.cells import cell_name
from isotherm.analysis.words.differences import ANSWERS, STARTS, comparison_in_words
from isotherm.analysis.words.loads import is_reported
from isotherm.campaign.cell import CellKey, cell_key
from isotherm.campaign.stopping import start_metric
from isotherm.measurement.sample import Sample
from isotherm.numbers import count
from isotherm.statistics.results import SIGNIFICANT
from isotherm.statistics.two_samples import compare, holm


class Side(NamedTuple):
    """One of the two: what it is called, its samples, and its summary where there is one."""

    name: str
    samples: Sequence[Sample]
    summary: CampaignSummary | None


class Difference(Shape):
    """A setting that differs: its value before and after, None where that side has none."""

    setting: str
    before: str | None
    after: str | None


class Change(OfCell):
    """How one metric of one cell changed; `result.baseline_*` is before, `result.other_*` after."""

    metric: MetricName
    p_holm: float | None
    result: ComparisonInWords


class CampaignComparison(Shape):
    """Everything that changed. `only_before` and `only_after` are cells that one side alone has used samples of.

    Of loads, which have no cells, `loads` says what changed; they have no intervals.
    """

    before: str
    after: str
    settings_known: bool
    settings: list[Difference]
    changes: list[Change]
    only_before: list[str]
    only_after: list[str]
    loads: list[LoadChange] = Field(default_factory=list)


def compare_campaigns(before: Side, after: Side, confidence: float = 0.95) -> CampaignComparison:
    """Compare the cold start-ups and all client times of each cell that both sides have used samples of.

    Parameters
    ----------
    before, after : Side
        In any order of time; positive differences mean that `after` is slower.
    confidence : float
        Of the intervals.

    Returns
    -------
    CampaignComparison
        p-values are corrected (Holm) for all comparisons that were made.
    """
    ours, theirs = _used(before.samples), _used(after.samples)
    found: list[Change] = []
    for key in sorted(set(ours) & set(theirs), key=_reading_order):
        for metric in _metrics(key, ours[key], theirs[key]):
            result = comparison_in_words(
                compare(_values(ours[key], metric), _values(theirs[key], metric), confidence=confidence),
                ("before", f"{cell_name(key)},"),
                ANSWERS if metric == "client_ms" else STARTS,
                confidence,
            )
            found.append(Change(**asdict(key), metric=metric, p_holm=None, result=result))
    corrected = holm([change.result.p_value for change in found])
    known = before.summary is not None and after.summary is not None
    loads = _loads(before), _loads(after)
    only_before, only_after = loads_of_one_side(*loads)
    return CampaignComparison(
        before=before.name,
        after=after.name,
        settings_known=known,
        settings=settings_that_differ(before, after),
        changes=[c.model_copy(update={"p_holm": p}) for c, p in zip(found, corrected, strict=True)],
        only_before=[*(cell_name(key) for key in sorted(set(ours) - set(theirs), key=_reading_order)), *only_before],
        only_after=[*(cell_name(key) for key in sorted(set(theirs) - set(ours), key=_reading_order)), *only_after],
        loads=load_changes(*loads),
    )


def settings_that_differ(before: Side, after: Side) -> list[Difference]:
    """Settings, versions and functions in which two campaigns differ; empty where a summary is missing."""
    if before.summary is None or after.summary is None:
        return []
    ours, theirs = _settings(before.summary), _settings(after.summary)
    return [
        Difference(setting=name, before=ours.get(name), after=theirs.get(name))
        for name in dict.fromkeys([*ours, *theirs])
        if ours.get(name) != theirs.get(name)
    ]


def regressions(comparison: CampaignComparison, limit: float) -> list[Change]:
    """Changes for the worse: median slower by more than `limit`, and surely slower at all.

    Parameters
    ----------
    limit : float
        Share of the median before, such as 0.05; a median above (1 + limit) times that one is too slow.

    Returns
    -------
    list of Change
        Those whose ratio of medians is above 1 + limit, with an interval above 1 and a corrected p under 0.05: a slower
        median alone may be chance, and a sure but small difference may not matter.
    """
    return [
        change
        for change in comparison.changes
        if change.result.ratio is not None
        and change.result.ratio > 1 + limit
        and change.result.ratio_low is not None
        and change.result.ratio_low > 1
        and change.p_holm is not None
        and change.p_holm < SIGNIFICANT
    ]


def undecided(comparison: CampaignComparison) -> list[str]:
    """Why a comparison cannot say that nothing got slower, in words; empty where it can say something of each cell."""
    found = [f"{name}: used samples only before" for name in comparison.only_before]
    short = [change for change in comparison.changes if change.result.ratio_low is None]
    found += [f"{change_name(change)}: too few samples for an interval" for change in short]
    if comparison.loads:
        found.append("loads are single observations, without intervals: look at the numbers, or compare samples")
    elif not comparison.changes:
        found.append("the two have nothing in common")
    return found


def change_name(change: Change) -> str:
    """A change's cell and metric, in words."""
    what = "client time" if change.metric == "client_ms" else "start-up"
    return f"{cell_name(change)}, {what}"


def cannot_be_compared(before: Side, after: Side) -> str | None:
    """Why the two have nothing that could be compared, where one is a load and the other is not; None otherwise."""
    if bool(_loads(before)) == bool(_loads(after)) or (_used(before.samples) and _used(after.samples)):
        return None
    load, other = (before, after) if _loads(before) else (after, before)
    return f"{load.name} is a load and {other.name} is not: compare a load with a load, or samples with samples"


def no_used_samples(side: Side) -> str | None:
    """Why a side has nothing to compare, and what can be done; None where it has used samples, or what a load found."""
    if any(is_reported(row) for run in _loads(side) for row in run.rows):
        return None
    if _loads(side):
        return f"{side.name} is a load of which nothing is reported; run it again"
    if any(sample.verdict == "used" for sample in side.samples):
        return None
    said = f"{side.name} has no used samples: {count(len(side.samples), 'sample')}"
    verdicts = sorted({sample.verdict for sample in side.samples})
    said += f", all {' or '.join(verdicts)}" if verdicts else ""
    failed = [lane for lane in side.summary.lanes if lane.status == "failed"] if side.summary else []
    if failed:
        said += f"; {count(len(failed), 'lane')} failed, the first for: {failed[0].reason}"
    return said + "; run it again"


def _loads(side: Side) -> list[LoadRun]:
    return side.summary.loads if side.summary else []


def _used(samples: Sequence[Sample]) -> dict[CellKey, list[Sample]]:
    found: dict[CellKey, list[Sample]] = {}
    for sample in distinct(samples)[0]:
        if sample.verdict == "used" and sample.kind != "prime":
            found.setdefault(cell_key(sample), []).append(sample)
    return found


def _metrics(key: CellKey, ours: Sequence[Sample], theirs: Sequence[Sample]) -> list[MetricName]:
    """Client time, and for cold starts the start-up that both sides measured."""
    both = [
        {m for m in ("init_duration_ms", "startup_ms") if any(getattr(s, m) is not None for s in side)}
        for side in (ours, theirs)
    ]
    emulated = any(sample.emulated for sample in (*ours, *theirs))
    start = start_metric("emulated" if emulated else "aws", both[0] & both[1]) if key.kind == "cold" else None
    return [start, "client_ms"] if start else ["client_ms"]


def _values(samples: Sequence[Sample], metric: MetricName) -> list[float]:
    return [value for sample in samples if (value := getattr(sample, metric)) is not None]


def _settings(summary: CampaignSummary) -> dict[str, str]:
    found: dict[str, str] = {
        "platform": summary.platform,
        "stack": summary.stack,
        "home region": summary.home_region,
        "Isotherm": summary.version,
    }
    # A certificate made for the occasion is another one each time, and says nothing of what was measured.
    asked = summary.campaign.model_dump(
        exclude={
            "name": True,
            "comment": True,
            "budget_usd": True,
            "dry_run": True,
            "server": {"certificate": True},
            "instance": {"certificate": True},
        }
    )
    found |= flat(asked)
    for region in summary.inventory:
        for target in region.targets:
            where = f"{target.target} in {region.region}"
            found[f"{where}: runtime"] = f"{target.runtime} on {target.architecture}"
            found[f"{where}: memory deployed"] = f"{target.memory_mb} MB"
            found[f"{where}: archive"] = f"{target.code_size_bytes:,} bytes"
            found[f"{where}: code"] = target.code_sha256
    return found


def flat(values: Mapping[str, Any], above: str = "") -> dict[str, str]:
    """Settings of settings as one level of dotted names with their values as text; those that are None are left out."""
    found: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{above}{name}.")
        elif value is not None:
            found[above + name] = ", ".join(map(_text, value)) if isinstance(value, list) else str(value)
    return found


def _text(value: Any) -> str:
    return " ".join(map(str, value.values())) if isinstance(value, Mapping) else str(value)


def _reading_order(key: CellKey) -> tuple[str | int, ...]:
    first = key.region, key.memory_mb, key.kind, key.target
    return (*first, *(value or "" for value in astuple(key)[len(first) :]))
