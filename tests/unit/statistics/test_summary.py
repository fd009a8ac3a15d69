"""From a plan and its samples to the summary: every sample in its place, every sentence true."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.summary import METRICS, CampaignSummary, Cell, ChangedByOthers, Unusable
from isotherm.campaign.cautions import Emulated, FewSamples
from isotherm.campaign.cell import CellKey, cell_key
from isotherm.campaign.left_alone import (
    CodeReplaced,
    DescriptionChanged,
    LeaseLost,
    LeftAlone,
    MemoryChanged,
    VersionAliased,
)
from isotherm.campaign.model import Precision
from isotherm.measurement.sample import Sample
from isotherm.numbers import digits
from isotherm.report.metrics import accounting_line
from isotherm.report.page.page import render_page
from isotherm.statistics.rounds import by_round, design_effect, pooled, quantile_ranks
from unit.present import present

from .made_up import TARGETS, made_up_lanes, made_up_plan, made_up_samples

PLAN = made_up_plan(cold=60, warm=40, rounds=2)
SAMPLES = made_up_samples(PLAN, mishaps=0.05)
SUMMARY = build_summary(PLAN, SAMPLES, made_up_lanes(PLAN))

_SIX = made_up_plan(cold=60, warm=60, rounds=6)
IN_ROUNDS = build_summary(_SIX, made_up_samples(_SIX), made_up_lanes(_SIX))


def _cell(summary: CampaignSummary, target: str, region: str, kind: str) -> Cell:
    return next(c for c in summary.cells if (c.target, c.region, c.kind) == (target, region, kind))


def _used(target: str, region: str, kind: str) -> list[Sample]:
    return [s for s in SAMPLES if (s.target, s.region, s.kind) == (target, region, kind) and s.verdict == "used"]


def test_every_cell_and_metric_is_computed_from_its_used_samples() -> None:
    for cell in SUMMARY.cells:
        used = _used(cell.target, cell.region, cell.kind)
        assert cell.accounting.used == len(used)
        measured = {name for name in METRICS if any(getattr(s, name) is not None for s in used)}
        assert set(cell.metrics) == measured
        for name, found in cell.metrics.items():
            values = [value for s in used if (value := getattr(s, name)) is not None]
            assert found.n == len(values)
            assert found.median == pytest.approx(np.median(values))
            assert found.p95 == pytest.approx(np.quantile(values, 0.95, method="median_unbiased"))
            assert found.rounds == 2


def test_cells_of_one_metric_and_kind_share_their_design_effect() -> None:
    plan = made_up_plan(cold=60, warm=40, rounds=4)
    samples = made_up_samples(plan)
    summary = build_summary(plan, samples, made_up_lanes(plan))
    for kind in ("cold", "warm"):
        cells = [cell for cell in summary.cells if cell.kind == kind]
        used: dict[CellKey, list[Sample]] = {}
        for sample in samples:
            if sample.kind == kind and sample.verdict == "used":
                used.setdefault(cell_key(sample), []).append(sample)
        effect = pooled(
            design_effect(by_round([s.client_ms or 0.0 for s in of], [s.round for s in of])) for of in used.values()
        )
        assert effect is not None
        assert effect.freedom == 3 * len(cells)
        for cell in cells:
            found = cell.metrics["client_ms"]
            assert found.scope == "rounds"
            assert found.design_effect == pytest.approx(effect.value)
            of = used[cell_key(cell)]
            low, high = quantile_ranks(len(of), 0.9, effect)
            ordered = sorted(s.client_ms or 0.0 for s in of)
            assert found.p90_low == (None if low is None else ordered[low - 1])
            assert found.p90_high == (None if high is None else ordered[high - 1])
    # Of two rounds nothing is known of rounds.
    assert {m.scope for cell in SUMMARY.cells for m in cell.metrics.values()} == {"these_rounds"}
    assert {m.design_effect for cell in SUMMARY.cells for m in cell.metrics.values()} == {None}


def test_cells_read_by_region_and_kind_with_the_baseline_first() -> None:
    assert [(c.region, c.kind, c.target) for c in SUMMARY.cells][:6] == [
        *(("us-east-1", "cold", target) for target in ("default", "pkg20", "pkg50", "size20", "size50")),
        ("us-east-1", "warm", "default"),
    ]
    assert {c.kind for c in SUMMARY.cells} == {"cold", "warm", "prime"}


def test_priming_is_accounted_for_and_never_measured() -> None:
    primes = [c for c in SUMMARY.cells if c.kind == "prime"]
    assert sum(c.accounting.planned or 0 for c in primes) == 20
    assert all(not c.metrics for c in primes)
    assert all(c.accounting.used == 0 for c in primes)


def test_the_accounts_balance_and_contested_samples_are_listed() -> None:
    assert SUMMARY.imbalances == []
    assert SUMMARY.accounting.planned == len(SAMPLES)
    contested = {s.shot_id for s in SAMPLES if s.verdict == "contested"}
    assert contested
    assert {s.shot_id for s in SUMMARY.contested} == contested
    assert any(f"{len(contested)} samples contested" in warning for warning in SUMMARY.warnings)


@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_order_and_repetition_change_only_the_count_of_duplicates(data: st.DataObject) -> None:
    seed = data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    lanes = made_up_lanes(PLAN)
    shuffled = [SAMPLES[i] for i in rng.permutation(len(SAMPLES))]
    assert build_summary(PLAN, shuffled, lanes[::-1]).model_dump_json() == SUMMARY.model_dump_json()

    repeated = build_summary(PLAN, [*shuffled, *shuffled[:30]], lanes)
    assert repeated.accounting.duplicates == 30
    assert [c.metrics for c in repeated.cells] == [c.metrics for c in SUMMARY.cells]
    assert repeated.comparisons == SUMMARY.comparisons
    assert repeated.billed == SUMMARY.billed


def test_the_name_of_the_server_s_secret_is_not_handed_on() -> None:
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:isotherm-server_token-AbCdEf"
    with_server = [replace(r, server_url="https://own.example.com", server_token=arn) for r in PLAN.inventory]
    summary = build_summary(PLAN.model_copy(update={"inventory": with_server}), SAMPLES, made_up_lanes(PLAN))
    assert {region.server_url for region in summary.inventory} == {"https://own.example.com"}
    assert "secretsmanager" not in summary.model_dump_json()


def test_json_keeps_everything() -> None:
    assert CampaignSummary.model_validate_json(SUMMARY.model_dump_json()) == SUMMARY


def test_every_target_is_compared_with_the_first_in_its_own_cell() -> None:
    for comparison in SUMMARY.comparisons:
        assert comparison.baseline == "default"
        ours = _used("default", comparison.region, comparison.kind)
        theirs = _used(comparison.other, comparison.region, comparison.kind)
        assert (comparison.result.baseline_n, comparison.result.other_n) == (len(ours), len(theirs))
    starts = {(c.other, c.region) for c in SUMMARY.comparisons if (c.kind, c.metric) == ("cold", "init_duration_ms")}
    assert len(starts) == 8
    # Two rounds are too few to tell anything.
    assert {(c.rounds, c.p_holm, c.result.shift_low) for c in SUMMARY.comparisons} == {(2, None, None)}


def test_targets_of_one_metric_in_one_place_are_one_family_with_absolute_values() -> None:
    for comparison in IN_ROUNDS.comparisons:
        result = comparison.result
        cells = [
            _cell(IN_ROUNDS, target, comparison.region, comparison.kind).metrics[comparison.metric]
            for target in ("default", comparison.other)
        ]
        assert [result.baseline_median, result.other_median] == pytest.approx([cell.median for cell in cells])
        assert [result.baseline_p95, result.other_p95] == [cell.p95 for cell in cells]
        assert comparison.rounds == 6
        assert comparison.adjusted_by in ("dunnett", "holm")
        assert present(comparison.detectable_ms) > 0
        low, high = present(result.shift_low), present(result.shift_high)
        assert comparison.is_sure == (low > 0 or high < 0) == (present(comparison.p_holm) < 0.05)
        assert present(result.p_value) <= present(comparison.p_holm)
    # A family more changes nothing in the others: the same campaign in one region alone.
    plan = made_up_plan(cold=60, warm=60, rounds=6)
    here = [s for s in made_up_samples(plan) if s.region == "us-east-1"]
    alone = build_summary(plan, here, made_up_lanes(plan))
    assert alone.comparisons == [c for c in IN_ROUNDS.comparisons if c.region == "us-east-1"]


def test_the_headline_names_the_largest_difference_in_start_up() -> None:
    shift = next(
        c.result
        for c in IN_ROUNDS.comparisons
        if (c.other, c.region, c.metric) == ("pkg50", "us-east-1", "init_duration_ms")
    )
    assert IN_ROUNDS.headline.startswith(
        f"pkg50 starts {shift.shift:.0f} ms later than default in us-east-1 (95 % interval"
    )
    assert "size50" in IN_ROUNDS.headline.partition(";")[2]


def test_a_headline_of_nothing_sure_chooses_no_difference() -> None:
    plan = made_up_plan(regions=("us-east-1",), cold=60, warm=0, rounds=6)
    equal = [replace(s, init_duration_ms=s.init_duration_ms and 90 + hash_noise(s)) for s in made_up_samples(plan)]
    summary = build_summary(plan, equal, made_up_lanes(plan))
    starts = [c for c in summary.comparisons if c.metric == "init_duration_ms"]
    assert not any(c.is_sure for c in starts)
    hardest = max(present(c.detectable_ms) for c in starts)
    assert summary.headline.startswith(
        "pkg20, pkg50, size20 and size50 cannot be told apart from default with these samples in us-east-1: "
        f"a difference of {digits(hardest)} ms ("
    )
    assert summary.headline.endswith(
        "of default) would have been found in four of five such campaigns; with four times the rounds, one of half "
        "that size"
    )
    assert all("would have been found" in c.result.sentence for c in starts)


@pytest.mark.parametrize(
    ("targets", "word"), [(("default", "pkg50"), "pkg50 starts later or"), (tuple(TARGETS), "pkg20, pkg50")]
)
def test_a_headline_from_two_rounds_says_that_they_are_too_few(targets: tuple[str, ...], word: str) -> None:
    plan = made_up_plan(targets=targets, regions=("us-east-1",), cold=60, warm=0, rounds=2)
    headline = build_summary(plan, made_up_samples(plan), made_up_lanes(plan)).headline
    assert headline.startswith(f"whether {word}")
    assert "cannot be told from 2 rounds" in headline
    assert "at least 3 that both have are needed, and 10 are better" in headline
    assert "interval" not in headline


def test_imports_that_are_all_alike_take_nothing_from_the_start_ups() -> None:
    plan = made_up_plan(regions=("us-east-1",), cold=60, warm=0, rounds=6)
    tied = [replace(s, import_ms=s.import_ms and 0.4) for s in made_up_samples(plan)]
    summary = build_summary(plan, tied, made_up_lanes(plan))
    before = build_summary(plan, made_up_samples(plan), made_up_lanes(plan))
    imports = [c for c in summary.comparisons if c.metric == "import_ms"]
    assert {(c.result.shift, c.p_holm) for c in imports} == {(0.0, 1.0)}
    for now, then in zip(summary.comparisons, before.comparisons, strict=True):
        assert now.metric == "import_ms" or now == then


def test_on_the_embedded_stack_the_probe_speaks_and_everything_says_so() -> None:
    plan = made_up_plan(platform="emulated", cold=20, warm=20, rounds=4)
    summary = build_summary(plan, made_up_samples(plan), made_up_lanes(plan))

    assert summary.start_metric == "startup_ms"
    assert summary.note == "emulated: real numbers of this machine, not of AWS"
    assert summary.headline.startswith("On this machine (emulated, not AWS), pkg50 starts ")
    assert summary.warnings[0].startswith("Emulated: real numbers of this machine")
    assert all("init_duration_ms" not in cell.metrics for cell in summary.cells)


def test_what_the_plan_warned_of_is_not_told_twice() -> None:
    plan = made_up_plan(platform="emulated", cold=20, warm=20)
    planned = [Emulated(), FewSamples(of="cold", samples=20)]
    told = plan.model_copy(update={"warnings": ["One thing.", "Another."], "cautions": planned})
    summary = build_summary(told, made_up_samples(plan), made_up_lanes(plan))
    assert summary.warnings[:2] == told.warnings
    assert summary.cautions[:2] == planned
    assert "few_samples_used" not in {caution.kind for caution in summary.cautions}

    untold = build_summary(plan, made_up_samples(plan), made_up_lanes(plan))
    assert untold.cautions[0] == Emulated(foreseen=False)
    assert "few_samples_used" in {caution.kind for caution in untold.cautions}
    # What a plan of an earlier version warned of in words alone is told again, and not left out.
    older = plan.model_copy(update={"warnings": ["Emulated: as planned."]})
    again = build_summary(older, made_up_samples(plan), made_up_lanes(plan))
    assert again.warnings[:2] == ["Emulated: real numbers of this machine, not of AWS.", "Emulated: as planned."]


def test_every_warning_has_its_facts() -> None:
    summary = build_summary(PLAN, [s for s in SAMPLES if s.index < 8], made_up_lanes(PLAN)[1:])
    said = {
        "lanes_failed": "1 lane of 20 failed",
        "not_issued": "planned calls were not issued",
        "reports_missing": "never came",
        "contested": "the witnesses disagree",
        "few_samples_used": "used samples",
    }
    assert {caution.kind for caution in summary.cautions} >= said.keys()
    for caution, warning in zip(summary.cautions, summary.warnings, strict=True):
        assert said.get(caution.kind, "") in warning


def test_what_others_changed_meanwhile_is_said_of_its_lane() -> None:
    facts: list[LeftAlone] = [
        MemoryChanged(found_mb=1024, before_mb=128),
        DescriptionChanged(found="Theirs"),
        VersionAliased(version="7", aliases=["live", "next"]),
        CodeReplaced(measured=True),
        LeaseLost(),
    ]
    first, *others = made_up_lanes(PLAN)
    lane = first.model_copy(update={"left": facts})
    summary = build_summary(PLAN, SAMPLES, [lane, *others])

    (warning,) = [warning for warning in summary.warnings if warning.startswith(f"Lane {lane.lane_key}: ")]
    for part in (
        "memory to 1024 MB meanwhile, which was left so",
        '"Theirs"',
        "version 7",
        "live and next",
        "replaced",
    ):
        assert part in warning
    again = CampaignSummary.model_validate_json(summary.model_dump_json())
    assert ChangedByOthers(lane_key=lane.lane_key, left=facts) in again.cautions
    assert again.lanes[0].left == facts


def test_too_few_samples_are_warned_about() -> None:
    plan = made_up_plan(cold=60, warm=20)
    warnings = build_summary(plan, made_up_samples(plan), made_up_lanes(plan)).warnings
    assert "10 of 20 cells have fewer than 50 used samples (20): few for a median; see its interval." in warnings
    assert "20 of 20 cells have fewer than 100 used samples (20 to 60): few for a p95; see its interval." in warnings


def test_a_lane_that_failed_leaves_the_others_and_says_why() -> None:
    dead = "r01-pkg50-eu-west-1"
    samples = [s for s in SAMPLES if s.lane != dead]
    summary = build_summary(PLAN, samples, made_up_lanes(PLAN, {dead: "LaneAborted: stopped by a person"}))

    assert [(lane.lane_key, lane.reason) for lane in summary.lanes if lane.status == "failed"] == [
        (dead, "LaneAborted: stopped by a person")
    ]
    assert summary.imbalances == []
    assert summary.accounting.not_issued == len(SAMPLES) - len(samples) == 51
    assert _cell(summary, "pkg50", "us-east-1", "cold") == _cell(SUMMARY, "pkg50", "us-east-1", "cold")
    assert any("1 lane of 20 failed" in warning for warning in summary.warnings)
    assert any("51 of" in warning and "not issued" in warning for warning in summary.warnings)


def test_a_lane_without_outcome_is_no_success() -> None:
    summary = build_summary(PLAN, SAMPLES, made_up_lanes(PLAN)[1:])
    failed = [lane for lane in summary.lanes if lane.status == "failed"]
    assert [lane.reason for lane in failed] == ["no outcome was reported"]
    assert len(summary.lanes) == 20


def test_no_samples_at_all_is_said_and_not_zero() -> None:
    summary = build_summary(PLAN, [], [])

    assert summary.headline == "no cold start could be used: nothing to say about start-up"
    assert summary.accounting.not_issued == summary.accounting.planned == len(SAMPLES)
    assert all(not cell.metrics for cell in summary.cells)
    assert summary.imbalances == []


def test_one_target_alone_is_stated_with_its_interval() -> None:
    for rounds, said in ((4, r"95 % interval \S+ to \S+"), (2, r"\S+ to \S+ in these rounds")):
        plan = made_up_plan(targets=("default",), regions=("us-east-1",), cold=60, warm=10, rounds=rounds)
        summary = build_summary(plan, made_up_samples(plan), made_up_lanes(plan))
        assert summary.comparisons == []
        assert summary.headline.startswith("default starts in ")
        assert re.search(rf"\(median of 60, {said}\)", summary.headline)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("metric", ["init_duration_ms", "import_ms", "billed_duration_ms"])
def test_a_sample_whose_number_is_not_finite_is_unusable_and_the_others_are_summarized(
    metric: str, number: float
) -> None:
    place = next(i for i, s in enumerate(SAMPLES) if s.verdict == "used" and s.kind == "cold")
    spoils: dict[str, Any] = {metric: number}
    spoiled = [replace(s, **spoils) if i == place else s for i, s in enumerate(SAMPLES)]
    summary = build_summary(PLAN, spoiled, made_up_lanes(PLAN))

    assert summary.imbalances == []
    assert (summary.accounting.unusable, summary.accounting.used) == (1, SUMMARY.accounting.used - 1)
    without = build_summary(PLAN, [s for i, s in enumerate(SAMPLES) if i != place], made_up_lanes(PLAN))
    assert [cell.metrics for cell in summary.cells] == [cell.metrics for cell in without.cells]
    assert summary.headline == without.headline
    assert math.isfinite(summary.billed.gb_seconds)
    assert CampaignSummary.model_validate_json(summary.model_dump_json()) == summary
    assert "1 unusable" in accounting_line(summary.accounting)


def test_a_sample_of_a_stranger_is_counted_and_named() -> None:
    stranger = replace(SAMPLES[0], shot_id="x", target="nobody-asked")
    summary = build_summary(PLAN, [*SAMPLES, stranger], made_up_lanes(PLAN))
    assert summary.imbalances == [
        "nobody-asked in us-east-1, 128 MB, cold: planned 0 is not issued 1 + uncollected 0 + not issued 0 + spared 0"
    ]


def test_rounds_that_differ_are_warned_about_and_equal_ones_are_not() -> None:
    plan = made_up_plan(targets=("default", "pkg50"), regions=("us-east-1",), cold=100, warm=100, rounds=4)
    even = [replace(s, client_ms=100 + hash_noise(s)) for s in made_up_samples(plan)]
    shifted = [replace(s, client_ms=(s.client_ms or 0) + (40 if s.round == 2 else 0)) for s in even]

    assert not any("Rounds differ" in w for w in build_summary(plan, even, made_up_lanes(plan)).warnings)
    assert any("Rounds differ" in w for w in build_summary(plan, shifted, made_up_lanes(plan)).warnings)


def hash_noise(sample: Sample) -> float:
    """Noise of a sample that does not depend on its round's luck."""
    return float(np.random.default_rng(list(sample.shot_id.encode())).normal(0, 5))


def test_billed_time_is_the_reports_sum() -> None:
    billed = [s.billed_duration_ms for s in SAMPLES if s.billed_duration_ms is not None]
    assert SUMMARY.billed.reports == len(billed)
    assert SUMMARY.billed.billed_ms == pytest.approx(sum(billed))
    assert SUMMARY.billed.gb_seconds == pytest.approx(sum(billed) / 1000 * 128 / 1024)
    ran = sum(s.outcome not in ("throttled", "client_error") for s in SAMPLES)
    assert SUMMARY.billed.unreported == ran - len(billed)


@pytest.mark.parametrize("module", ["isotherm.analysis.summary", "isotherm.report.page.page"])
def test_what_the_page_needs_is_light(module: str) -> None:
    heavy = "{'numpy', 'scipy', 'rich', 'boto3'}"
    code = f"import sys, {module}; sys.exit(str({heavy} & set(sys.modules) or ''))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_cells_that_were_precise_early_say_so_and_the_accounts_agree() -> None:
    plan = made_up_plan(targets=("default", "pkg50"), regions=("us-east-1",), cold=210, warm=210, rounds=7)
    asked = plan.campaign.model_copy(update={"rounds": 5, "max_rounds": 7, "precision": Precision(median=0.12)})
    plan = plan.model_copy(update={"campaign": asked})
    spared = {lane.key for lane in plan.lanes.values() if lane.round >= 5 and lane.target == "pkg50"}
    lanes = [
        outcome.model_copy(update={"status": "spared"}) if outcome.lane_key in spared else outcome
        for outcome in made_up_lanes(plan)
    ]
    samples = [sample for sample in made_up_samples(plan) if sample.lane not in spared]
    # One cell stays wide: one round in two meets a slow host.
    samples = [
        replace(s, client_ms=200.0 if s.round % 2 else 20.0) if (s.target, s.kind) == ("default", "warm") else s
        for s in samples
    ]
    summary = build_summary(plan, samples, lanes)

    assert summary.imbalances == []
    assert summary.accounting.spared == 2 * (30 + 1 + 30)
    assert summary.accounting.not_issued == 0
    assert not any("not issued" in warning for warning in summary.warnings)
    early = _cell(summary, "pkg50", "us-east-1", "cold")
    assert early.precision is not None
    assert early.precision_reached is not None
    assert (early.precision_reached.met, early.precision_reached.rounds, early.precision_reached.metric) == (
        True,
        5,
        "init_duration_ms",
    )
    (width,) = early.precision_reached.intervals
    assert (width.quantile, width.n, width.wanted) == ("median", 150, 0.12)
    assert early.precision.startswith("precise enough after 5 of at most 7 rounds: interval of the median ")
    shown = early.metrics["init_duration_ms"]
    assert width.width == pytest.approx(((shown.median_high or 0) - (shown.median_low or 0)) / (shown.median or 1))
    wide = _cell(summary, "default", "us-east-1", "warm")
    assert wide.precision is not None
    assert wide.precision_reached is not None
    assert not wide.precision_reached.met
    assert wide.precision.startswith("not precise enough after 7 of at most 7 rounds: ")
    assert [w for w in summary.warnings if "precise" in w] == [f"default in us-east-1, 128 MB, warm: {wide.precision}."]
    assert _cell(summary, "pkg50", "us-east-1", "prime").precision is None


def test_nothing_is_said_of_precision_where_none_was_asked_for() -> None:
    assert {cell.precision for cell in SUMMARY.cells} == {None}


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_spoils_its_sample_alone(number: float) -> None:
    spoilt = next(s for s in SAMPLES if s.verdict == "used" and s.kind == "cold")
    samples = [replace(s, init_duration_ms=number) if s is spoilt else s for s in SAMPLES]
    summary = build_summary(PLAN, samples, made_up_lanes(PLAN))
    assert summary.accounting.unusable == 1
    assert summary.accounting.used == SUMMARY.accounting.used - 1
    assert Unusable(samples=1) in summary.cautions
    assert not summary.imbalances
    assert "NaN" not in render_page(summary, samples).partition('id="figure-data">')[2].partition("</script>")[0]
