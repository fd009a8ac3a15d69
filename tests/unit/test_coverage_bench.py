"""The simulation that holds intervals and verdicts against a known truth: what it draws, and how it judges."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from bench.coverage import BEGIN, END, cells_of, groups, main, markdown, simulated, write_into
from bench.known_truth.campaigns import EqualTargets, SlowerTarget, by_blocks, tells_apart
from bench.known_truth.claims import Case, Claim, Experiment, Goal, row_of
from bench.known_truth.gate import BeforeAndAfter, SideBySide, exit_code, session_of
from bench.known_truth.loads import EveryFifthSlow
from bench.known_truth.samples import FIRST, analysed
from bench.known_truth.shapes import SHAPES, times_in_rounds, true_values
from bench.known_truth.slopes import CostlyImports
from bench.known_truth.stopping import Stopped
from bench.known_truth.trends import EqualSessions

ROOT = Path(__file__).parents[2]


def judged(experiment: Experiment, trials: int = 1) -> dict[str, list[Case]]:
    """The cases of so many trials, by claim."""
    rng = np.random.default_rng(experiment.key)
    found: dict[str, list[Case]] = {}
    for case in [case for _ in range(trials) for case in experiment.trial(rng)]:
        found.setdefault(case.claim.name, []).append(case)
    return found


def first(cases: dict[str, list[Case]], part: str) -> Case:
    """The first case whose claim holds these words."""
    return next(case for name, of in cases.items() if part in name for case in of)


@pytest.mark.parametrize("shape", list(SHAPES))
@pytest.mark.parametrize("icc", [0.0, 0.3])
def test_the_truth_does_not_depend_on_how_rounds_differ(shape: str, icc: float) -> None:
    drawn = times_in_rounds(shape, (300, 5, 100), icc, np.random.default_rng(1))
    truths, mean = true_values(shape)
    # 1,500 rounds with an ICC of 0.3: the share below the median has a standard error of about 0.008.
    below = float(np.mean(drawn < truths["median"])) + float(np.mean(drawn == truths["median"])) / 2
    assert below == pytest.approx(0.5, abs=0.04)
    assert float(np.mean(drawn <= truths["p95"])) == pytest.approx(0.95, abs=0.025)
    assert float(np.mean(drawn)) == pytest.approx(mean, rel=0.05)


def test_rounds_and_sessions_share_as_much_as_is_said() -> None:
    logs = np.log(times_in_rounds("lognormal", (300, 5, 100), 0.3, np.random.default_rng(2)))
    between = logs.mean(axis=2).var() - logs.var(axis=2).mean() / 100
    # 1,500 rounds: a variance is known to 2 sqrt(2 / 1,500), or 7 % of it.
    assert between / logs.var() == pytest.approx(0.3, abs=0.03)

    before = BeforeAndAfter(factor=2.18)
    times = times_in_rounds("lognormal", (2000, 5, 10), 0.0, np.random.default_rng(3), session=before.session)
    logs = np.log(times).reshape(2000, 50)
    factor = logs.mean(axis=1).std() / np.sqrt(logs.var(axis=1, ddof=1).mean() / 50)
    assert factor == pytest.approx(2.18, rel=0.06)


def test_what_is_judged_is_the_summary_of_those_samples() -> None:
    times = times_in_rounds("two modes", (5, 5, 10), 0.1, np.random.default_rng(4))
    times[-1] *= 1.3
    summary = analysed(times).summary
    assert summary is not None
    medians = [cell.metrics["init_duration_ms"].median for cell in summary.cells]
    assert medians == pytest.approx(np.median(times.reshape(5, -1), axis=1).tolist())
    assert tells_apart(summary.headline)
    assert "size50" in summary.headline


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
    ("goal", "held", "of", "verdict"),
    [
        ("covers", 950, 1000, "held"),
        ("covers", 925, 1000, "held"),  # .925 + .017 reaches .93
        ("covers", 900, 1000, "missed"),
        ("covers", 999, 1000, "missed"),
        ("covers at least", 999, 1000, "wide"),
        ("covers at least", 800, 1000, "missed"),
        ("seldom", 70, 1000, "held"),  # .07 - .016 is below .06
        ("seldom", 100, 1000, "missed"),
        ("seldom", 0, 1000, "held"),
        ("", 300, 1000, ""),
    ],
)
def test_a_goal_is_missed_where_chance_does_not_explain_it(goal: Goal, held: int, of: int, verdict: str) -> None:
    claim = Claim("something", goal, 0.95)
    cases = [Case(claim, None, number < held) for number in range(of)]
    row = row_of(EqualTargets(), cases)
    assert (row.new, row.stated, row.verdict) == (held / of, 1.0, verdict)
    unclaimed = row_of(EqualTargets(), [*cases, *[Case(claim, True, None)] * of])
    assert (unclaimed.stated, unclaimed.old) == (0.5, 1.0)
    assert row_of(EqualTargets(), [Case(claim, True, None)]).verdict == "not claimed"


def test_power_is_held_against_the_best_method_on_the_same_samples() -> None:
    claim = Claim("told apart", "as the best")

    def row(found: Sequence[bool]) -> str:
        return row_of(EqualTargets(), [Case(claim, None, new, best=n < 60) for n, new in enumerate(found)]).verdict

    assert row([n < 55 for n in range(100)]) == "held"  # nine tenths of 60 are 54
    assert row([n < 30 for n in range(100)]) == "missed"


@pytest.mark.parametrize(("ms", "verdict"), [(3000, "held"), (2975, "held"), (2900, "missed"), (28, "missed")])
def test_a_time_has_to_be_within_a_hundredth_of_the_true_one(ms: float, verdict: str) -> None:
    row = row_of(EqualTargets(), [Case(Claim("p95", "as long", 3000), 28.0, ms)])
    assert (row.verdict, row.unit) == (verdict, "ms")
    assert cells_of(row)[5:7] == ["28 ms", f"{ms:,.0f} ms"]


def test_blocks_are_dunnett_s_where_rounds_do_nothing() -> None:
    """With no effect of rounds a two-way residual is a one-way one with fewer degrees of freedom: near scipy's p."""
    times = times_in_rounds("lognormal", (5, 40, 3), 0.0, np.random.default_rng(5))
    times[-1] *= 1.1
    logs = np.log(np.median(times, axis=2))
    assert by_blocks(times) == pytest.approx(float(stats.dunnett(*logs[1:], control=logs[0]).pvalue[-1]), abs=0.02)


def test_a_load_that_gives_up_has_the_p95_of_one_that_is_slow() -> None:
    answered, gave_up = (
        first(judged(EveryFifthSlow(rounds=1, calls=500, status=of)), f"answered {of} after 3 s") for of in (200, 504)
    )
    assert answered.new == pytest.approx(3000, rel=0.002)
    assert gave_up.new == pytest.approx(3000, rel=0.002)
    assert answered.old == pytest.approx(3000, rel=0.002)
    assert gave_up.old is not None
    assert gave_up.old < 50


def test_a_build_fails_where_everything_takes_twice_as_long_and_not_where_all_is_the_same() -> None:
    rng = np.random.default_rng(6)
    times = [times_in_rounds("two modes", (2, 5, 10), 0.0, rng) for _ in range(8)]
    sides = [analysed(of, began=FIRST.replace(day=FIRST.day + n)) for n, of in enumerate(times)]
    others = [session_of(side) for side in sides[:6]]
    twice = analysed(times[7] * 2, began=FIRST.replace(day=FIRST.day + 9))
    assert exit_code(sides[6], sides[7], others) != 99
    assert exit_code(sides[6], twice, others) == 99


def test_every_experiment_says_something_of_each_of_its_claims() -> None:
    small: list[Experiment] = [
        EqualTargets(rounds=3, calls=9),
        SlowerTarget(rounds=5, calls=15, slower=1.0),
        Stopped(rounds=6, calls=30, width=0.5),
        SideBySide(rounds=4, calls=12, slower=0.05),
        SideBySide(rounds=4, calls=12, slower=0.0),
        EqualSessions(rounds=3, calls=9, sessions=4),
        CostlyImports(shape="two modes", rounds=5),
    ]
    for experiment in small:
        cases = judged(experiment)
        assert cases
        for name, of in cases.items():
            assert row_of(experiment, of).claim == name
    assert first(judged(small[1]), "slower").new
    assert first(judged(small[2]), "stopped").claim.nominal == 0.95


def test_the_same_seed_gives_the_same_rows() -> None:
    few: list[tuple[Experiment, int]] = [
        (EqualTargets(shape="two modes", icc=0.3, rounds=2, calls=8), 3),
        (SlowerTarget(rounds=5, calls=10, slower=0.3), 2),
    ]
    once = simulated(few, 7)
    assert once == simulated(few, 7, processes=1)
    assert once != simulated(few, 8)
    assert once[-1] == simulated(few[1:], 7)[0]
    assert {row.claim.partition(":")[0] for row in once} > {"interval of a median", "five equal targets"}
    assert all(len(cells_of(row)) == 10 for row in once)


def test_the_quick_experiments_are_a_selection_of_all() -> None:
    quick, full = groups(quick=True), groups(quick=False)
    assert list(quick) == list(full)
    for name, asked in quick.items():
        every = dict(full[name])
        assert all(trials <= every[experiment] for experiment, trials in asked)


def test_the_table_goes_between_the_marks_and_nowhere_else(tmp_path: Path) -> None:
    claim = Claim("interval of a median", "covers", 0.95)
    row = row_of(EqualTargets(icc=0.1), [Case(claim, True, True), Case(claim, False, True)])
    unclaimed = row_of(EqualTargets(), [Case(Claim("interval of a mean"), None, None)])
    table = markdown([row, replace(row, icc=0.3, new=0.25, best=0.75), unclaimed], 1, quick=True)
    document = tmp_path / "d.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    for _ in range(2):
        write_into(document, table)
        assert document.read_text() == f"before\n{BEGIN}\n{table}\n{END}\nafter\n"
    assert "| 0.500, 1.000 | 0.500, 0.250, 0.750 |" in table
    assert "mean" not in table
    document.write_text("no marks")
    with pytest.raises(SystemExit, match="no marks"):
        write_into(document, table)


def test_its_answer_is_one_object_and_its_exit_code_says_whether_goals_are_met() -> None:
    program = (
        "import bench.coverage as b; e = b.EqualTargets(rounds=5, calls=10);"
        "b.groups = lambda *, quick: {'campaigns': [(e, 2)], 'loads': []}; b.main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, "--json", "--quick", "--seed", "3", "--only", "campaigns"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(run.stdout)
    assert run.returncode == (1 if found["missed"] else 0)
    assert (found["seed"], found["quick"]) == (3, True)
    assert {row["claim"] for row in found["rows"]} >= {"interval of a median", "interval of a p95"}


def test_a_group_that_there_is_not_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["coverage", "--quick", "--only", "trends,nothing"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert (
        "'nothing' is none of campaigns, power, stopping, compare, trends, drift, slopes, loads"
        in capsys.readouterr().err
    )
