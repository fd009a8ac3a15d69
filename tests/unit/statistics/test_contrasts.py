"""Clients and protocols: what differs is found, what does not is bounded, and neither is mistaken for the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.contrasts import comparisons_across
from isotherm.analysis.summary import CampaignSummary, ClientFinding
from isotherm.analysis.words.cells import cell_name, row_name, varying
from isotherm.campaign.cell import CellKey, cell_key
from isotherm.measurement.sample import Sample
from isotherm.statistics.two_samples import compare, middle_difference

from .made_up import made_up_lanes, made_up_plan, made_up_samples
from .made_up_regions import SIX, between, clients_plan, http_plan, plan_of, remote, samples_of, staged

PLAN = clients_plan(warm=100, rounds=5)
SAMPLES = samples_of(PLAN, remote())
SUMMARY = build_summary(PLAN, SAMPLES, made_up_lanes(PLAN))


def _finding(summary: CampaignSummary, operation: str = "get") -> ClientFinding:
    return next(f for f in summary.client_findings if f.operation == operation and f.kind == "warm")


def _of(samples: list[Sample], client: str, operation: str) -> list[Sample]:
    return [s for s in samples if (s.client_region, s.operation, s.kind) == (client, operation, "warm")]


def test_every_client_is_compared_with_the_functions_own_region() -> None:
    across = [c for c in SUMMARY.cell_comparisons if c.across == "client_region"]
    assert {c.baseline for c in across} == {SIX[0]}
    assert {(c.other, c.operation, c.metric) for c in across} == {
        (client, operation, metric)
        for client in SIX[1:5]
        for operation in ("post", "get")
        for metric in ("billed_duration_ms", "duration_ms", "client_ms")
    }
    for c in across:
        assert c.client_region == c.other
        if c.metric == "client_ms":
            assert c.difference == pytest.approx(between(SIX[0], c.other), rel=0.05, abs=2)
        assert c.middle == ("mean" if c.metric == "billed_duration_ms" else "median")
        assert c.rounds == 5
        ours, theirs = (_by_round(client, c.operation or "", c.metric, c.middle) for client in (SIX[0], c.other))
        expected = stats.ttest_rel(theirs, ours)
        # The interval is of the same test as the corrected p.
        family = sum(other.metric == c.metric for other in across)
        factor = (c.p_holm or 0.0) / (c.p_value or 1.0) if c.is_sure else family
        ends = expected.confidence_interval(1 - 0.05 / factor)
        assert c.difference == pytest.approx(np.mean(theirs - ours))
        assert c.is_sure == (not (c.low or 0.0) <= 0 <= (c.high or 0.0))
        if c.metric != "billed_duration_ms":  # whose rounding may be wider
            assert (c.low, c.high, c.p_value) == pytest.approx((ends.low, ends.high, expected.pvalue))
    for metric in {c.metric for c in across}:
        raw = [c.p_value or 0.0 for c in across if c.metric == metric]
        assert [c.p_holm for c in across if c.metric == metric] == pytest.approx(_holm(raw))


def test_clients_of_fewer_than_three_rounds_are_not_told_apart() -> None:
    plan = clients_plan(warm=60, rounds=2)
    summary = build_summary(plan, samples_of(plan, remote(billed_from={SIX[3]: 30.0})), made_up_lanes(plan))
    across = [c for c in summary.cell_comparisons if c.across == "client_region"]
    assert {(c.rounds, c.low, c.high, c.p_holm, c.is_sure) for c in across} == {(2, None, None, None, False)}
    assert all("cannot be told from 2 rounds" in c.sentence for c in across)
    assert {found.verdict for found in summary.client_findings} == {"unclear"}


def _by_round(client: str, operation: str, metric: str, middle: str) -> np.ndarray:
    averages: dict[str, Callable[[list[float]], Any]] = {"mean": np.mean, "median": np.median}
    of = averages[middle]
    samples = _of(SAMPLES, client, operation)
    return np.array([of([getattr(s, metric) for s in samples if s.round == number]) for number in range(5)])


def _holm(p_values: list[float]) -> list[float]:
    """By the book: the running maximum of the ordered p-values times what is left."""
    order = np.argsort(p_values, kind="stable")
    steps = np.maximum.accumulate([min(1.0, (len(order) - i) * p_values[at]) for i, at in enumerate(order)])
    found = np.empty(len(order))
    found[order] = steps
    return found.tolist()


def test_without_the_functions_own_region_the_first_client_is_the_baseline() -> None:
    document = {"targets": ["customers"], "regions": [SIX[0]], "clients": list(SIX[2:5]), "cold": {"samples": 0}}
    plan = plan_of({**document, "warm": {"samples": 10}})
    summary = build_summary(plan, samples_of(plan, remote()), made_up_lanes(plan))
    assert {c.baseline for c in summary.cell_comparisons} == {SIX[2]}


def test_no_difference_found_is_stated_with_the_largest_that_is_still_allowed() -> None:
    found = _finding(SUMMARY)
    assert found.verdict == "independent"
    assert found.differing == []
    # As wide as it is for the pair that is known least, or as its rounding leaves it.
    rounding = stats.t.ppf(0.975, 4) * np.sqrt(2 / 100 / 12)
    means = {client: _by_round(client, "get", "billed_duration_ms", "mean") for client in SIX[:5]}
    ends = []
    for one in means.values():
        for other in means.values():
            if one is not other:
                margin = max(stats.t.ppf(0.975, 4) * np.std(other - one, ddof=1) / np.sqrt(5), rounding)
                ends += [abs(np.mean(other - one)) + margin]
    assert found.within_ms == pytest.approx(max(ends))
    assert found.sentence.endswith("between any two of 5 clients (95 %)")
    assert SUMMARY.headline.startswith(
        f"Billed time of customers (post) in {SIX[0]} does not depend on where the client"
    )
    assert f"; seen from {SIX[3]} a call takes 25" in SUMMARY.headline


def test_a_client_that_is_billed_more_is_named() -> None:
    samples = samples_of(PLAN, remote(billed_from={SIX[3]: 3.0}))
    summary = build_summary(PLAN, samples, made_up_lanes(PLAN))
    found = _finding(summary)
    assert (found.verdict, found.differing) == ("differs", [SIX[3]])
    assert f"depends on where the client is: from {SIX[3]} it is " in found.sentence
    assert f"ms more than from {SIX[0]} (means; 95 % interval " in found.sentence
    assert "depends on where the client is" in summary.headline


def test_few_noisy_calls_rule_little_out_and_one_call_nothing() -> None:
    plan = clients_plan(warm=8)
    noisy = samples_of(plan, remote(luck_ms=4.0))
    found = _finding(build_summary(plan, noisy, made_up_lanes(plan)))
    assert found.verdict == "unclear"
    assert found.within_ms is not None
    assert found.within_ms > 4
    assert "little is ruled out" in found.sentence
    plan = clients_plan(warm=1, rounds=1)
    found = _finding(build_summary(plan, samples_of(plan, remote()), made_up_lanes(plan)))
    assert (found.verdict, found.within_ms) == ("unclear", None)
    assert "cannot be told: too few calls from" in found.sentence


def test_equal_bills_are_not_taken_for_certainty() -> None:
    equal = [replace(s, billed_duration_ms=2.0) for s in SAMPLES]
    found = _finding(build_summary(PLAN, equal, made_up_lanes(PLAN)))
    assert found.verdict == "independent"
    assert found.within_ms is not None
    assert 0.05 < found.within_ms < 0.3


@pytest.mark.parametrize(("sizes", "spreads"), [((30, 30), (1, 1)), ((12, 40), (3, 1)), ((8, 8), (1, 4))])
def test_without_rounds_a_difference_of_means_is_welchs(sizes: tuple[int, int], spreads: tuple[int, int]) -> None:
    rng = np.random.default_rng(9)
    x, y = (rng.normal(50, spread, size) for spread, size in zip(spreads, sizes, strict=True))
    ours, theirs = middle_difference(x, y), stats.ttest_ind(y, x, equal_var=False)
    ends = theirs.confidence_interval(0.95)
    assert (ours.low, ours.high, ours.p_value) == pytest.approx((ends.low, ends.high, theirs.pvalue))
    assert ours.blocks is None
    one_round = middle_difference(x, y, (np.zeros(x.size), np.zeros(y.size)))
    assert one_round.value == pytest.approx(ours.value)
    assert one_round[1:] == (None, None, None, 1)


def test_without_rounds_a_difference_of_medians_is_that_of_samples() -> None:
    rng = np.random.default_rng(9)
    x, y = rng.lognormal(3, 0.2, 30), rng.lognormal(3.1, 0.2, 25)
    ours, theirs = middle_difference(x, y, middle="median"), compare(x, y)
    assert (ours.value, ours.low, ours.high, ours.p_value) == (
        theirs.shift,
        theirs.shift_low,
        theirs.shift_high,
        theirs.p_value,
    )


def test_only_rounds_that_both_have_enter() -> None:
    x, y = [1.0, 1.2, 5.0, 5.2, 3.0, 90.0], [2.0, 2.2, 6.5, 6.7, 3.8, 70.0]
    found = middle_difference(x, y, ([0, 0, 1, 1, 2, 3], [0, 0, 1, 1, 2, 4]))
    assert found.blocks == 3
    assert found.value == pytest.approx((1.0 + 1.5 + 0.8) / 3)
    expected = stats.ttest_1samp([1.0, 1.5, 0.8], 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_the_edges_of_a_difference() -> None:
    assert middle_difference([1.0], [2.0, 3.0])[1:] == (None, None, None, None)
    equal = middle_difference([2.0, 2.0], [2.0, 2.0])
    assert (equal.low, equal.high, equal.p_value) == (0.0, 0.0, 1.0)
    tied = middle_difference([2.0, 2.0], [3.0, 3.0])
    assert (tied.low, tied.high, tied.p_value) == (None, None, None)
    two_rounds = middle_difference([2.0, 2.0], [3.0, 3.0], ([0, 1], [0, 1]), middle="median", unit=1.0)
    assert two_rounds == (1.0, None, None, None, 2)
    apart = middle_difference([2.0, 3.0], [4.0, 5.0], ([0, 0], [1, 1]))
    assert apart == (2.0, None, None, None, 0)
    same_step = middle_difference([2.0] * 9, [3.0] * 9, ([0, 1, 2] * 3, [0, 1, 2] * 3), middle="median", unit=1.0)
    assert same_step.low == pytest.approx(1 - stats.t.ppf(0.975, 2) * np.sqrt(2 / 12))
    rounded = middle_difference([2.0] * 12, [2.0] * 12, unit=1.0)
    assert rounded.high == pytest.approx(stats.t.ppf(0.975, 22) * np.sqrt(2 / 144))
    by_round = middle_difference([2.0] * 12, [2.0] * 12, ([1, 2, 3] * 4, [1, 2, 3] * 4), unit=1.0)
    assert by_round.high == pytest.approx(stats.t.ppf(0.975, 2) * np.sqrt(2 / 144))
    with pytest.raises(ValueError, match="confidence"):
        middle_difference([1, 2], [1, 2], confidence=1.5)
    with pytest.raises(ValueError, match="no values on a side"):
        middle_difference([], [1, 2])


def test_what_api_gateway_adds_is_the_difference_of_client_times() -> None:
    plan = http_plan(warm=60)
    summary = build_summary(plan, samples_of(plan, staged(gateway_ms=6.0)), made_up_lanes(plan))
    across = {(c.operation, c.metric): c for c in summary.cell_comparisons}
    assert {c.across for c in across.values()} == {"protocol"}
    assert {(c.baseline, c.other) for c in across.values()} == {("invoke", "http")}
    for operation in ("post", "get"):
        assert across[operation, "client_ms"].difference == pytest.approx(6.2, abs=0.7)
        low, high = (getattr(across[operation, "work_ms"], end) for end in ("low", "high"))
        assert low <= 0 <= high
    assert " through API Gateway answers 6." in summary.headline
    assert f" later than by invoke in {SIX[0]} (95 % interval " in summary.headline


def test_stages_add_up_to_the_whole_and_statuses_are_counted() -> None:
    plan = http_plan(warm=60)
    samples = samples_of(plan, staged())
    samples = [
        replace(s, outcome="throttled", verdict="failed", http_status=429, total_ms=None, error_message="Too Many")
        if s.protocol == "http" and s.index == 3 and s.kind == "warm"
        else s
        for s in samples
    ]
    summary = build_summary(plan, samples, made_up_lanes(plan))
    assert [(cell.protocol, cell.operation) for cell in summary.http] == [("http", "post"), ("http", "get")]
    for cell in summary.http:
        of_cell = [s for s in samples if cell_key(s) == cell_key(cell) and s.verdict == "used"]
        for stages, new in ((cell.new, True), (cell.reused, False)):
            theirs = [s for s in of_cell if (s.connect_ms is not None) == new]
            assert stages is not None
            assert stages.calls == len(theirs)
            assert stages.total == pytest.approx(np.mean([s.total_ms or 0 for s in theirs]))
            parts = (stages.dns, stages.connect, stages.tls, stages.wait, stages.work, stages.body)
            assert sum(part or 0.0 for part in parts) == pytest.approx(stages.total)
            assert (stages.tls is not None) == new
        assert cell.statuses == {"201" if cell.operation == "post" else "200": 56, "429": 4}
    assert {(f.reason, f.outcome, f.calls, f.example) for f in summary.failures} == {
        ("HTTP 429", "throttled", 4, "Too Many")
    }
    assert summary.imbalances == []


def test_calls_over_http_alone_have_a_headline_of_their_own() -> None:
    plan = http_plan(protocols=("http",))
    summary = build_summary(plan, samples_of(plan, staged()), made_up_lanes(plan))
    assert summary.headline.startswith("customers (post) answers in ")
    assert f" ms through API Gateway in {SIX[0]} (median of 40, 95 % interval " in summary.headline


def test_names_mention_what_varies_and_nothing_else() -> None:
    plain = CellKey("default", "us-east-1", 128, "cold")
    assert cell_name(plain) == "default in us-east-1, 128 MB, cold"
    key = CellKey("customers", "us-east-1", 128, "warm", "eu-west-2", "http", "get")
    assert cell_name(key) == "customers (get) in us-east-1 through API Gateway from eu-west-2, 128 MB, warm"
    clients = [replace(key, client_region=name) for name in SIX]
    assert varying(clients) == {"client_region"}
    assert cell_name(key, varying(clients)) == "customers in us-east-1 from eu-west-2, 128 MB, warm"
    assert row_name(key, varying(clients)) == "from eu-west-2"
    assert row_name(plain, frozenset()) == "default"
    assert row_name(key, {"target", "operation", "protocol"}) == "customers (get) through API Gateway"
    nested = CellKey("outer", SIX[0], 128, "warm", None, "invoke", None, "inner_db", SIX[1])
    assert cell_name(nested) == f"outer in {SIX[0]} calling inner_db in {SIX[1]}, 128 MB, warm"
    assert row_name(nested, {"inner_region"}) == f"calling inner_db in {SIX[1]}"


def test_plain_campaigns_have_none_of_it() -> None:
    plan = made_up_plan(cold=20, warm=20)
    summary = build_summary(plan, made_up_samples(plan), made_up_lanes(plan))
    assert (summary.cell_comparisons, summary.client_findings, summary.http, summary.failures) == ([], [], [], [])
    used: dict[CellKey, list[Sample]] = {}
    for sample in made_up_samples(plan):
        used.setdefault(cell_key(sample), []).append(sample)
    assert comparisons_across("client_region", used) == comparisons_across("protocol", used) == []
