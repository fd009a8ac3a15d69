"""What changed from one campaign to another: settings first, then every cell both have. Knows nothing of AWS."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from isotherm.analysis.accounting import distinct
from isotherm.analysis.comparison_model import (
    COMPARED,
    USUAL_SLOWDOWN,
    CampaignComparison,
    Change,
    ChangeFacts,
    Difference,
    Ratio,
    Scatter,
    SessionScatter,
    Untold,
)
from isotherm.analysis.load_comparison import load_changes, loads_of_one_side
from isotherm.analysis.summary import CampaignSummary, LoadRun, MetricName
from isotherm.analysis.words.cells import cell_name
from isotherm.analysis.words.comparison import change_in_words, changes_untold
from isotherm.analysis.words.loads import is_reported
from isotherm.campaign.cell import CellKey, cell_key
from isotherm.campaign.stopping import start_metric
from isotherm.measurement.sample import Sample
from isotherm.numbers import count
from isotherm.statistics.before_after import SessionRatio, log_median, session_ratio
from isotherm.statistics.fewest import LEAST_A_ROUND
from isotherm.statistics.results import ENOUGH_SESSIONS, SIGNIFICANT, Verdict
from isotherm.statistics.sequential import FIRST_LOOK
from isotherm.statistics.two_samples import holm

_UNDECIDED: Verdict = "undecided"


class Side(NamedTuple):
    """One of the two: what it is called, its samples, and its summary where there is one."""

    name: str
    samples: Sequence[Sample]
    summary: CampaignSummary | None


class _Pair(NamedTuple):
    """One metric of one cell on both sides, and how far apart the two are where that can be told."""

    key: CellKey
    metric: MetricName
    result: Ratio
    found: SessionRatio | None
    scatter: Scatter
    why: Untold | None


def compare_campaigns(
    before: Side,
    after: Side,
    scatter: SessionScatter | None = None,
    *,
    limit: float = USUAL_SLOWDOWN,
    confidence: float = 1 - SIGNIFICANT,
) -> CampaignComparison:
    """Compare the cold start-ups and all client times of each cell that both sides have used samples of.

    One campaign is one observation of how sessions differ. So an interval holds what sessions of the name are known to
    differ by, besides what rounds differ by inside the two; where either is not known, nothing can be told.

    Parameters
    ----------
    before, after : Side
        In any order of time; positive differences mean that `after` is slower.
    scatter : SessionScatter, optional
        How far sessions of the name differ; None where that is not known.
    limit : float
        The slow-down that answers are about, as a share: 0.05 is 5 %.
    confidence : float
        Of the intervals, for all comparisons together, and of each bound above.

    Returns
    -------
    CampaignComparison
        "worse": slower by more than `limit`, and surely slower at all. "not worse": surely not slower by more than
        `limit`. p-values are corrected (Holm) for all comparisons that were made, and an interval excludes 1 where its
        p-value says that there is a change.
    """
    ours, theirs = used_samples(before.samples), used_samples(after.samples)
    known = before.summary is not None and after.summary is not None
    pairs = [
        _pair(key, metric, ours[key], theirs[key], scatter, known=known)
        for key in sorted(set(ours) & set(theirs), key=reading_order)
        for metric in compared_metrics(key, ours[key], theirs[key])
    ]
    loads = _loads(before), _loads(after)
    only_before, only_after = loads_of_one_side(*loads)
    return CampaignComparison(
        before=before.name,
        after=after.name,
        settings_known=known,
        settings=settings_that_differ(before, after),
        name=before.summary.name if before.summary else None,
        sessions=scatter.sessions if scatter else 0,
        limit=limit,
        changes=[change_in_words(facts) for facts in _judged(pairs, limit, confidence)],
        only_before=[*(cell_name(key) for key in sorted(set(ours) - set(theirs), key=reading_order)), *only_before],
        only_after=[*(cell_name(key) for key in sorted(set(theirs) - set(ours), key=reading_order)), *only_after],
        loads=load_changes(*loads),
    )


def _pair(
    key: CellKey,
    metric: MetricName,
    ours: Sequence[Sample],
    theirs: Sequence[Sample],
    sessions: SessionScatter | None,
    *,
    known: bool,
) -> _Pair:
    sides = [list(values_by_round(side, metric).values()) for side in (ours, theirs)]
    rounds = [sum(len(of) >= LEAST_A_ROUND for of in side) for side in sides]
    values = [[value for of in side for value in of] for side in sides]
    medians = [float(np.median(side)) for side in values]
    logs = [log_median(side) for side in sides]
    scatter = sessions.of.get((key, metric), Scatter(None, 0)) if sessions else Scatter(None, 0)
    found, why = None, _untold(rounds, medians, sessions, scatter, known=known)
    ratio = medians[1] / medians[0] if medians[0] > 0 else None
    if logs[0] and logs[1]:
        ratio = math.exp(logs[1].value - logs[0].value)
        if scatter.sd is not None and why is None:
            found = session_ratio(logs[0], logs[1], session_sd=scatter.sd, sessions=scatter.sessions)
    elif why is None:
        why = "no_ratio"
    result = Ratio(
        baseline_n=len(values[0]),
        other_n=len(values[1]),
        baseline_rounds=rounds[0],
        other_rounds=rounds[1],
        baseline_median=medians[0],
        other_median=medians[1],
        shift=medians[1] - medians[0],
        ratio=ratio,
        p_value=found.p_value if found else None,
    )
    return _Pair(key, metric, result, found, scatter, why)


def _untold(
    rounds: Sequence[int], medians: Sequence[float], sessions: SessionScatter | None, scatter: Scatter, *, known: bool
) -> Untold | None:
    """What is missing for an interval; None where nothing is."""
    if min(medians) <= 0:
        return "no_ratio"
    if min(rounds) < FIRST_LOOK:
        return "few_rounds"
    if not known:
        return "no_summary"
    if sessions is None:
        return "no_sessions"
    if sessions.sessions < ENOUGH_SESSIONS:
        return "few_sessions"
    return "few_measured" if scatter.sd is None else None


def _judged(pairs: Sequence[_Pair], limit: float, confidence: float) -> list[ChangeFacts]:
    """The pairs with intervals and p-values that hold for all of them together, and with their answers."""
    p_values = [pair.found.p_value if pair.found else None for pair in pairs]
    corrected = holm(p_values)
    levels = _holm_levels(p_values, 1 - confidence)
    judged = []
    for pair, p_holm, level in zip(pairs, corrected, levels, strict=True):
        result, answer, why = pair.result, _UNDECIDED, pair.why
        if pair.found is not None:
            low, high = pair.found.interval(1 - level)
            most = pair.found.at_most(confidence)
            result = result.model_copy(update={"ratio_low": low, "ratio_high": high, "ratio_at_most": most})
            if low > 1 and math.exp(pair.found.log) > 1 + limit:
                answer = "worse"
            elif most <= 1 + limit:
                answer = "not worse"
            else:
                why = "scatter"
        judged.append(
            ChangeFacts(
                **asdict(pair.key),
                metric=pair.metric,
                session_sd=pair.scatter.sd,
                sessions=pair.scatter.sessions or None,
                p_holm=p_holm,
                answer=answer,
                why=why,
                result=result,
            )
        )
    return judged


def _holm_levels(p_values: Sequence[float | None], level: float) -> list[float]:
    """At which level each interval excludes 1 where, and only where, Holm's corrected p is below `level`."""
    ordered = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    levels, rejected = [level] * len(p_values), 0
    for rank, (p, place) in enumerate(ordered):
        if rank == rejected and p * (len(ordered) - rank) < level:
            rejected += 1
        levels[place] = level / (len(ordered) - min(rank, rejected))
    return levels


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


def regressions(comparison: CampaignComparison) -> list[Change]:
    """Changes for the worse: slower by more than the limit, and surely slower at all."""
    return [change for change in comparison.changes if change.answer == "worse"]


def undecided(comparison: CampaignComparison) -> list[str]:
    """Why a comparison cannot say that nothing got slower, in words; empty where it can say so of each cell."""
    found = [f"{name}: used samples only before" for name in comparison.only_before]
    found += untold_changes(comparison)
    if comparison.loads:
        found.append("loads are single observations, without intervals: look at the numbers, or compare samples")
    elif not comparison.changes:
        found.append("the two have nothing in common")
    return found


def untold_changes(comparison: CampaignComparison) -> list[str]:
    """Why changes that are undecided are so, in words."""
    return changes_untold([change for change in comparison.changes if change.answer == "undecided"], comparison)


def cannot_be_compared(before: Side, after: Side) -> str | None:
    """Why the two have nothing that could be compared, where one is a load and the other is not; None otherwise."""
    if bool(_loads(before)) == bool(_loads(after)) or (used_samples(before.samples) and used_samples(after.samples)):
        return None
    load, other = (before, after) if _loads(before) else (after, before)
    return f"{load.name} is a load and {other.name} is not: compare a load with a load, or samples with samples"


def not_a_number(side: Side) -> str | None:
    """Which used sample has a time that is not a number, or infinite; None where all that is compared are numbers."""
    for key, samples in used_samples(side.samples).items():
        for metric in COMPARED:
            for sample in samples:
                value = getattr(sample, metric)
                if value is not None and not math.isfinite(value):
                    return (
                        f"{metric}: {value} of sample {sample.shot_id} ({cell_name(key)}) is not a time; leave it empty"
                    )
    return None


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


def used_samples(samples: Sequence[Sample]) -> dict[CellKey, list[Sample]]:
    """Used samples by cell, each once; priming calls are none."""
    found: dict[CellKey, list[Sample]] = {}
    for sample in distinct(samples)[0]:
        if sample.verdict == "used" and sample.kind != "prime":
            found.setdefault(cell_key(sample), []).append(sample)
    return found


def compared_metrics(key: CellKey, ours: Sequence[Sample], theirs: Sequence[Sample]) -> list[MetricName]:
    """Client time, and for cold starts the start-up that both sides measured."""
    both = [
        {m for m in ("init_duration_ms", "startup_ms") if any(getattr(s, m) is not None for s in side)}
        for side in (ours, theirs)
    ]
    emulated = any(sample.emulated for sample in (*ours, *theirs))
    start = start_metric("emulated" if emulated else "aws", both[0] & both[1]) if key.kind == "cold" else None
    return [start, "client_ms"] if start else ["client_ms"]


def values_by_round(samples: Iterable[Sample], metric: MetricName) -> dict[int, list[float]]:
    """Values of one metric by the round in which they were measured, in the order of rounds."""
    found: dict[int, list[float]] = {}
    for sample in sorted(samples, key=attrgetter("round")):
        value = getattr(sample, metric)
        if value is not None:
            found.setdefault(sample.round, []).append(value)
    return found


def _settings(summary: CampaignSummary) -> dict[str, str]:
    found: dict[str, str] = {
        "platform": summary.platform,
        "Isotherm": summary.version,
    }
    found |= {name: said for name, said in (("stack", summary.stack), ("home region", summary.home_region)) if said}
    if summary.campaign is None:
        return found
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


def reading_order(key: CellKey) -> tuple[str | int, ...]:
    """Where a cell stands among those that are compared: by region, memory, kind and target, then the rest."""
    first = key.region, key.memory_mb, key.kind, key.target
    return (*first, *(value or "" for value in astuple(key)[len(first) :]))
