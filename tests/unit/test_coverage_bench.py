"""The simulation that holds intervals and verdicts against a known truth: what it draws, and how it judges."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.coverage import (
    BEGIN,
    END,
    SHAPES,
    Scenario,
    analysed,
    cells_of,
    made,
    markdown,
    row_of,
    simulated,
    tells_apart,
    true_values,
    write_into,
)

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("shape", list(SHAPES))
@pytest.mark.parametrize("icc", [0.0, 0.3])
def test_the_truth_does_not_depend_on_how_rounds_differ(shape: str, icc: float) -> None:
    rng = np.random.default_rng(1)
    drawn = np.concatenate([made(Scenario(shape, icc, 5, calls=500), rng).ravel() for _ in range(60)])
    truths, mean = true_values(shape)
    # 1,500 rounds with an ICC of 0.3: the share below the median has a standard error of about 0.008.
    below = float(np.mean(drawn < truths["median"])) + float(np.mean(drawn == truths["median"])) / 2
    assert below == pytest.approx(0.5, abs=0.04)
    assert float(np.mean(drawn <= truths["p95"])) == pytest.approx(0.95, abs=0.025)
    assert float(np.mean(drawn)) == pytest.approx(mean, rel=0.05)


def test_rounds_share_as_much_as_the_icc_says() -> None:
    rng = np.random.default_rng(2)
    logs = np.log(np.concatenate([made(Scenario("lognormal", 0.3, 5, calls=500), rng) for _ in range(60)]))
    between = logs.mean(axis=2).var() - logs.var(axis=2).mean() / 100
    # 1,500 rounds: a variance is known to 2 sqrt(2 / 1,500), or 7 % of it.
    assert between / logs.var() == pytest.approx(0.3, abs=0.03)


def test_a_slower_target_is_slower_by_that_share() -> None:
    alike, slower = (made(Scenario("heavy tail", 0.1, 5, slower=s), np.random.default_rng(3)) for s in (0.0, 0.3))
    assert np.array_equal(alike[:-1], slower[:-1])
    assert slower[-1] == pytest.approx(alike[-1] * 1.3)


def test_what_is_judged_is_the_summary_of_those_samples() -> None:
    times = made(Scenario("two modes", 0.1, 5, slower=0.3), np.random.default_rng(4))
    document = analysed(times)
    medians = [cell["metrics"]["init_duration_ms"]["median"] for cell in document["cells"]]
    assert medians == pytest.approx(np.median(times.reshape(5, -1), axis=1).tolist())
    assert tells_apart(document["headline"])
    assert "size50" in document["headline"]


@pytest.mark.parametrize(
    ("headline", "told"),
    [
        ("b starts 3.7 ms later than a in here (95 % interval 1 to 5); c cannot be told apart from a", True),
        ("b starts 3.7 ms earlier than a in here (95 % interval 1 to 5)", True),
        ("b and a cannot be told apart with these samples in here (difference 1 ms)", False),
        ("b starts about 3 ms later than a; 2 and 2 samples are too few for a 95 % interval", False),
        ("a starts in 90 ms in here (median of 50)", False),
    ],
)
def test_a_verdict_is_read_from_the_headline_s_finding(headline: str, told: bool) -> None:
    assert tells_apart(headline) is told


@pytest.mark.parametrize(
    ("claim", "held", "of", "verdict"),
    [
        ("median", 950, 1000, "held"),
        ("median", 925, 1000, "held"),  # .925 + .017 reaches .93
        ("median", 900, 1000, "missed"),
        ("median", 999, 1000, "missed"),
        ("p95", 999, 1000, "wide"),
        ("p95", 800, 1000, "missed"),
        ("headline", 70, 1000, "held"),  # .07 - .016 is below .06
        ("headline", 100, 1000, "missed"),
        ("comparisons", 0, 1000, "held"),
        ("power", 300, 1000, ""),
    ],
)
def test_a_goal_is_missed_where_chance_does_not_explain_it(claim: str, held: int, of: int, verdict: str) -> None:
    cases: list[tuple[bool | None, bool | None]] = [(None, number < held) for number in range(of)]
    row = row_of(Scenario("lognormal", 0.1, 5), claim, cases)
    assert (row.new, row.stated, row.verdict) == (held / of, 1.0, verdict)
    unclaimed = row_of(Scenario("lognormal", 0.1, 5), "median", [*cases, *[(True, None)] * of])
    assert (unclaimed.stated, unclaimed.old) == (0.5, 1.0)
    assert row_of(Scenario("lognormal", 0.1, 5), "median", [(True, None)]).verdict == "not claimed"


def test_the_same_seed_gives_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    few = [(Scenario("two modes", 0.3, 2, calls=8), 3), (Scenario("lognormal", 0.0, 5, calls=10, slower=0.3), 2)]
    monkeypatch.setattr("bench.coverage.scenarios", lambda *, quick: few if quick else [])
    once = simulated(7, quick=True)
    assert once == simulated(7, quick=True, processes=1)
    assert once != simulated(8, quick=True)
    assert {row.claim.partition(":")[0] for row in once} > {"interval of a median", "five equal targets"}
    assert all(len(cells_of(row)) == 9 for row in once)


def test_the_table_goes_between_the_marks_and_nowhere_else(tmp_path: Path) -> None:
    row = row_of(Scenario("lognormal", 0.1, 5), "median", [(True, True), (False, True)])
    table = markdown([row, replace(row, icc=0.3, new=0.25)], 1, quick=True)
    document = tmp_path / "d.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    for _ in range(2):
        write_into(document, table)
        assert document.read_text() == f"before\n{BEGIN}\n{table}\n{END}\nafter\n"
    assert "| 0.500, 1.000 | 0.500, 0.250 |" in table
    document.write_text("no marks")
    with pytest.raises(SystemExit, match="no marks"):
        write_into(document, table)


def test_its_answer_is_one_object_and_its_exit_code_says_whether_goals_are_met() -> None:
    program = (
        "import bench.coverage as b; s = b.Scenario('two modes', 0.0, 5, calls=10);"
        "b.scenarios = lambda *, quick: [(s, 2)]; b.main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, "--json", "--quick", "--seed", "3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(run.stdout)
    assert run.returncode == (1 if found["missed"] else 0)
    assert (found["seed"], found["quick"]) == (3, True)
    assert {row["claim"] for row in found["rows"]} >= {"interval of a median", "interval of a p95"}
