"""Numbers as people read them, and the tables of the terminal."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.summary import CampaignSummary
from isotherm.numbers import NOTHING, count, data_size, digits, dollars, interval, listed, probability
from isotherm.report.metrics import METRIC_LABELS, accounting_line, how_adjusted
from isotherm.report.terminal.campaign import campaign_tables
from isotherm.report.terminal.comparisons import comparison_tables
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, NOTHING),
        (float("nan"), NOTHING),
        (0, "0"),
        (0.0312, "0.03"),
        (3.125, "3.12"),
        (31.25, "31.2"),
        (99.96, "100"),
        (310.4, "310"),
        (1234.5, "1,230"),
        (-5.5, "\N{MINUS SIGN}5.50"),
        (-0.0004, "0.00"),
        (999.6, "1,000"),
        (1234567.0, "1,230,000"),
    ],
)
def test_digits(value: float | None, text: str) -> None:
    assert digits(value) == text


@given(value=st.floats(0.1, 1e9))
def test_digits_are_within_half_a_percent_and_never_an_exponent(value: float) -> None:
    text = digits(value)
    assert "e" not in text
    assert float(text.replace(",", "")) == pytest.approx(value, rel=0.0051, abs=0.0051)


def test_words_for_numbers() -> None:
    assert interval(296.2, 325.1) == "296 to 325"
    assert interval(44.0, None) == "over 44.0"
    assert interval(None, 44.0) == "under 44.0"
    assert interval(None, None) == NOTHING
    assert [data_size(n) for n in (169, 22_700_000, 44_100_000, 3.2e9)] == ["169 B", "22.7 MB", "44.1 MB", "3.20 GB"]
    assert [dollars(d) for d in (0, 0.0123, 4.1, 0.00001234)] == ["0 USD", "0.0123 USD", "4.10 USD", "0.0000123 USD"]
    assert [probability(p) for p in (None, 0.0001, 0.0312, 1.0)] == [NOTHING, "< 0.001", "0.031", "1"]
    assert [count(n, "lane") for n in (1, 0, 20)] == ["1 lane", "0 lanes", "20 lanes"]
    assert [listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


def _printed(summary: CampaignSummary, width: int) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(campaign_tables(summary))
    return console.export_text()


@pytest.mark.parametrize("platform", ["aws", "emulated"])
def test_tables_show_every_cell_with_its_accounting(platform: str) -> None:
    plan = made_up_plan(cold=60, warm=40, platform=platform)  # type: ignore[arg-type]
    samples = made_up_samples(plan, mishaps=0.03)
    dead = "r01-pkg20-eu-west-1"
    summary = build_summary(plan, samples, made_up_lanes(plan, {dead: "LaneAborted: stopped by a person"}))
    text = _printed(summary, 400)

    for cell in summary.cells:
        if cell.kind == "prime":
            continue
        lead = "client_ms" if cell.kind == "warm" else summary.start_metric
        assert lead is not None
        found = cell.metrics[lead]
        row = rf"{cell.target} +{cell.accounting.used} +{digits(found.median)} +{digits(found.median_low)} … "
        assert re.search(row, text), row
    assert "All calls: " + accounting_line(summary.accounting) in text
    assert f"Lane {dead} failed: LaneAborted: stopped by a person" in text
    assert text.count("emulated") >= (4 if platform == "emulated" else 0)
    assert ("emulated" in text) == (platform == "emulated")


def test_tables_fit_an_ordinary_terminal() -> None:
    plan = made_up_plan(cold=60, warm=40, platform="emulated")
    summary = build_summary(plan, made_up_samples(plan), made_up_lanes(plan))
    assert "…" not in _printed(summary, 80).replace(" … ", "")


def test_long_names_leave_the_numbers_of_an_ordinary_terminal_whole() -> None:
    names = {"size20": "the-team-of-payments-checks-out-a-basket-in-java", "pkg50": "x" * 47}
    plan = made_up_plan(cold=60, warm=40, platform="emulated")
    summary = build_summary(plan, made_up_samples(plan), made_up_lanes(plan))
    cells = [cell.model_copy(update={"target": names.get(cell.target, cell.target)}) for cell in summary.cells]
    shown = _printed(summary.model_copy(update={"cells": cells}), 80)

    assert "…" not in shown.replace(" … ", "")
    (cold, *_) = (cell for cell in cells if cell.target == "x" * 47 and cell.kind == "cold")
    assert summary.start_metric is not None
    assert re.search(
        rf"^ *x+ +{cold.accounting.used} +{digits(cold.metrics[summary.start_metric].median)} ", shown, re.M
    )


def test_names_from_input_are_no_markup() -> None:
    plan = made_up_plan(cold=10, warm=10)
    dead = "r00-default-us-east-1"
    reason = "[bold]really[/bold] [/nothing]"
    summary = build_summary(plan, made_up_samples(plan), made_up_lanes(plan, {dead: reason}))
    assert reason in _printed(summary, 200)


def test_the_accounting_line_adds_up() -> None:
    plan = made_up_plan(cold=60, warm=40)
    summary = build_summary(plan, made_up_samples(plan, mishaps=0.2), made_up_lanes(plan))
    line = accounting_line(summary.accounting)
    planned, issued = (int(n.replace(",", "")) for n in re.findall(r"planned ([\d,]+) = issued ([\d,]+)", line)[0])
    answered, failed = (int(n.replace(",", "")) for n in re.findall(r"= ([\d,]+) answered \+ ([\d,]+) failed", line)[0])
    parts = line.partition("answered = ")[2].partition(";")[0]
    assert planned == issued == answered + failed
    assert sum(int(n.replace(",", "")) for n in re.findall(r"[\d,]+", parts)) == answered


def test_targets_stand_beside_the_baseline_and_sure_differences_are_in_colour() -> None:
    """On a terminal of 80 columns no number of them is cut."""
    plan = made_up_plan(targets=("default", "pkg50", "size50"), regions=("us-east-1",), cold=60, warm=60, rounds=6)
    summary = build_summary(plan, made_up_samples(plan), made_up_lanes(plan))
    console = Console(width=80, force_terminal=True, color_system="standard", record=True, file=io.StringIO())
    for part in comparison_tables(summary):
        console.print(part)
    coloured = console.export_text(styles=True, clear=False).splitlines()
    plain = [line.split() for line in console.export_text().splitlines()]
    sure = {"yes": 0, "no": 0}
    for c in summary.comparisons:
        result = c.result
        label = METRIC_LABELS[c.metric].split()
        medians = [(result.baseline_median, result.baseline_p95), (result.other_median, result.other_p95)]
        sides = [text for median, p95 in medians for text in (digits(median), f"({digits(p95)})")]
        row = [c.other, *label, *sides, digits(result.shift)]
        (at,) = [i for i, line in enumerate(plain) if line[: len(row)] == row]
        assert plain[at][-1] == probability(c.p_holm).split()[-1]
        colour = "\x1b[31m" if (result.shift or 0) > 0 else "\x1b[32m"
        assert (colour in coloured[at]) == c.is_sure
        sure["yes" if c.is_sure else "no"] += 1
    assert min(sure.values()) > 0
    assert "(Dunnett)" in how_adjusted(summary)
