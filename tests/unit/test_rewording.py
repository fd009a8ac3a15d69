"""Sentences say what was decided and decide nothing: with all of them reworded, every verdict stays what it was."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.summary import CampaignSummary
from isotherm.analysis.trend import build_trend
from isotherm.campaign.model import Precision
from isotherm.campaign.parsing import parse_campaign
from isotherm.campaign.planner import make_plan
from isotherm.cli.app import run_command
from isotherm.report.files.samples_csv import write_csv
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples
from unit.statistics.made_up_loads import closed_plan, open_plan, results_of, summary_of
from unit.statistics.made_up_regions import (
    SIX,
    clients_plan,
    crisscross_plan,
    http_plan,
    nested,
    remote,
    samples_of,
    staged,
)
from unit.statistics.made_up_sessions import made_up_sessions

REWORDED = "Said in quite another way."

#: Fields of a document that are for people.
SAID = frozenset({"sentence", "warnings", "headline", "imbalances", "findings", "missing", "late", "precision"})


def _reworded(function: Callable[..., Any]) -> Callable[..., Any]:
    def say(*arguments: Any, **named: Any) -> Any:
        said = function(*arguments, **named)
        if isinstance(said, list):
            return [REWORDED] * len(said)
        return None if said is None else REWORDED

    return say


def _sentence_makers() -> Iterator[Callable[..., Any]]:
    """All functions that answer with sentences, and with nothing else."""
    folder = importlib.import_module("isotherm.analysis.words")
    names = [f"{folder.__name__}.{found.name}" for found in pkgutil.iter_modules(folder.__path__)]
    for module in (importlib.import_module(name) for name in (*names, "isotherm.campaign.cautions")):
        for _, function in inspect.getmembers(module, inspect.isfunction):
            answer = inspect.get_annotations(function).get("return")
            if function.__module__ == module.__name__ and answer in ("str", "list[str]", "str | None"):
                yield function


@pytest.fixture
def reword() -> Iterator[Callable[[], None]]:
    """Has every sentence made from now on say something else."""
    with pytest.MonkeyPatch.context() as patch:

        def all_of_them() -> None:
            others = {function: _reworded(function) for function in _sentence_makers()}
            for name, module in list(sys.modules.items()):
                if name.partition(".")[0] == "isotherm":
                    for key, value in list(vars(module).items()):
                        if inspect.isfunction(value) and value in others:
                            patch.setattr(module, key, others[value])

        yield all_of_them


def _facts(document: Any) -> Any:
    """A document without what is for people."""
    if isinstance(document, dict):
        return {name: _facts(value) for name, value in document.items() if name not in SAID}
    return [_facts(value) for value in document] if isinstance(document, list) else document


def _imprecise() -> CampaignSummary:
    plan = made_up_plan(targets=("default", "pkg50"), regions=("us-east-1",), cold=60, warm=60, rounds=5)
    asked = plan.campaign.model_copy(update={"rounds": 2, "max_rounds": 5, "precision": Precision(median=0.04)})
    plan = plan.model_copy(update={"campaign": asked})
    samples = [sample for sample in made_up_samples(plan, mishaps=0.05) if sample.lane != "r01-pkg50-us-east-1"]
    stranger = replace(samples[0], shot_id="x", target="nobody-asked")
    return build_summary(plan, [*samples, stranger], made_up_lanes(plan)[1:])


def _crisscross(**truth: Any) -> CampaignSummary:
    plan = crisscross_plan(regions=SIX[:4], warm=10)
    silent = {key for key, lane in plan.lanes.items() if lane.region == SIX[3]}
    samples = [sample for sample in samples_of(plan, nested(**truth)) if sample.lane not in silent]
    return build_summary(plan, samples, made_up_lanes(plan, dict.fromkeys(silent, "RegionSilent: no answer")))


def _one_machine() -> CampaignSummary:
    plan = crisscross_plan(regions=SIX[:3], warm=10, platform="emulated")
    return build_summary(plan, samples_of(plan, nested(distance=lambda *_: 3.0)), made_up_lanes(plan))


def _clients() -> CampaignSummary:
    plan = clients_plan(clients=SIX[:3], warm=30)
    return build_summary(plan, samples_of(plan, remote(billed_from={SIX[2]: 3.0})), made_up_lanes(plan))


def _over_http() -> CampaignSummary:
    plan = http_plan(warm=20)
    return build_summary(plan, samples_of(plan, staged()), made_up_lanes(plan))


def _lost_load() -> CampaignSummary:
    results = results_of(plan := closed_plan(), lost=[("http", "peak", 1)], failed={"server": Counter(timeout=2)})
    for (_, step), shards in results.items():
        shards[0].succeeded += step == 1
    return summary_of(plan, results)


def _late_load() -> CampaignSummary:
    return summary_of(plan := open_plan(), results_of(plan, late=["server"]))


@pytest.mark.parametrize(
    "made",
    [
        _imprecise,
        _crisscross,
        lambda: _crisscross(per_network_ms=0.0, inner_per_network_ms=0.4),
        _one_machine,
        _clients,
        _over_http,
        _lost_load,
        _late_load,
    ],
)
def test_no_sentence_decides_what_a_campaign_found(
    made: Callable[[], CampaignSummary], reword: Callable[[], None]
) -> None:
    before = made()
    reword()
    after = made()
    assert after.headline == REWORDED != before.headline
    assert before.cautions
    assert _facts(after.model_dump(mode="json")) == _facts(before.model_dump(mode="json"))


def test_no_sentence_decides_what_a_plan_warns_of(reword: Callable[[], None]) -> None:
    def made() -> Any:
        plan = crisscross_plan(regions=SIX[:3], warm=10, platform="emulated")
        return make_plan(
            parse_campaign({"targets": ["inner"], "cold": {"samples": 20}, "warm": {"samples": 60}, "rounds": 1}),
            plan.inventory[:1],
            campaign_id="id",
            platform="emulated",
            home_region=SIX[0],
            stack="isotherm",
            version="0.1.0",
            created_at="2026-11-21T03:00:00Z",
            cores=2,
        )

    before = made()
    reword()
    after = made()
    assert [caution.kind for caution in before.cautions] == [
        "emulated",
        "queueing",
        "few_samples_planned",
        "few_samples_planned",
        "few_rounds",
    ]
    assert len(before.warnings) == len(before.cautions)
    assert set(after.warnings) == {REWORDED}
    assert _facts(after.model_dump(mode="json")) == _facts(before.model_dump(mode="json"))


def test_no_sentence_decides_what_a_trend_found(reword: Callable[[], None]) -> None:
    sessions = made_up_sessions(5, between=0.1, platform="emulated", finished_at="2026-12-01T00:00:00+00:00")
    before = build_trend(sessions, version="0.1.0")
    reword()
    after = build_trend(sessions, version="0.1.0")
    assert after.headline == REWORDED
    assert {caution.kind for caution in before.cautions} >= {"emulated", "overlaps", "long_sessions"}
    assert len(before.warnings) == len(before.cautions)
    assert after.cautions == before.cautions
    assert [series.spread for series in after.series] == [series.spread for series in before.series]


@pytest.mark.parametrize(
    ("slower", "limit", "code"), [(3.0, "5%", 99), (3.0, "400%", 0), (1.0, "5%", 0), (1.0, "1%", 3)]
)
def test_no_sentence_decides_how_compare_ends(
    slower: float,
    limit: str,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reword: Callable[[], None],
) -> None:
    for number in range(6):  # the last one is the one after
        plan = made_up_plan(
            targets=("default", "pkg50"),
            regions=("us-east-1",),
            cold=30,
            warm=30,
            rounds=3,
            campaign_id=f"night-{number}",
        )
        plan = plan.model_copy(update={"created_at": f"2026-11-2{number}T03:00:00Z"})
        folder = tmp_path / plan.campaign_id
        folder.mkdir()
        factor = (slower if number == 5 else 1.0) * (1 + number % 3 / 500)
        samples = [replace(s, client_ms=(s.client_ms or 0) * factor) for s in made_up_samples(plan)]
        (folder / "samples.csv.gz").write_bytes(write_csv(samples))
        (folder / "summary.json").write_text(build_summary(plan, samples, made_up_lanes(plan)).model_dump_json())
    monkeypatch.setattr("isotherm.cli.app.signal.signal", lambda *_: None)
    command = ["compare", str(tmp_path / "night-4"), str(tmp_path / "night-5"), "--on", "aws"]
    command += ["--reports", str(tmp_path), "--fail-on-regression", limit]
    assert run_command(command) == code
    reword()
    assert run_command(command) == code
