"""The style sheet and the scripts: each file is found and used, and nothing of the pages is left to be filled in."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.trend import build_trend
from isotherm.campaign.plan import Plan
from isotherm.measurement.sample import Sample
from isotherm.report.page import assets
from isotherm.report.page.page import render_page
from isotherm.report.page.trend import render_trend_page
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples
from unit.statistics.made_up_loads import closed_plan, results_of, summary_of
from unit.statistics.made_up_regions import clients_plan, crisscross_plan, http_plan, nested, remote, samples_of, staged
from unit.statistics.made_up_sessions import made_up_sessions

FOLDER = Path(assets.__file__).parent
FILES = {path.name: path.read_text("utf-8") for path in FOLDER.iterdir() if path.suffix in (".js", ".css")}


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """A page of every sort there is."""

    def page(plan: Plan, samples: list[Sample]) -> str:
        return render_page(build_summary(plan, samples, made_up_lanes(plan)), samples)

    calls, crisscross, clients, http = made_up_plan(cold=10, warm=10), crisscross_plan(), clients_plan(), http_plan()
    closed = closed_plan()
    return {
        "calls": page(calls, made_up_samples(calls)),
        "crisscross": page(crisscross, samples_of(crisscross, nested())),
        "clients": page(clients, samples_of(clients, remote())),
        "http": page(http, samples_of(http, staged())),
        "loads": render_page(summary_of(closed, results_of(closed, failed={"http": Counter(timeout=3)})), []),
        "trend": render_trend_page(build_trend(made_up_sessions(4), version="0.1.0")),
    }


def _kinds(script: str) -> set[str]:
    """Kinds of figures that a script says it draws."""
    (listed,) = re.findall(r"^  Object\.assign\(isotherm\.draw, \{(.*?)\}\);$", script, re.DOTALL | re.MULTILINE)
    lines = listed.strip().split("\n") if "\n" in listed else listed.split(",")
    return {line.partition(":")[0].strip(" ,") for line in lines}


def test_every_file_of_the_folder_is_named_once() -> None:
    assert sorted([assets.STYLE, *assets.SCRIPTS]) == sorted(FILES)
    others = {path.name for path in FOLDER.iterdir()} - set(FILES)
    assert others <= {"__init__.py", "__pycache__"}


def test_every_page_holds_every_file_as_it_is(pages: dict[str, str]) -> None:
    for page in pages.values():
        (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
        assert style == FILES[assets.STYLE]
        script = page.rpartition("<script>")[2].partition("</script>")[0]
        at = [script.index(FILES[name]) for name in assets.SCRIPTS]
        assert at == sorted(at)
        assert len(script.split()) == sum(len(FILES[name].split()) for name in assets.SCRIPTS)


def test_no_file_ends_the_element_that_it_is_put_in() -> None:
    for name, text in FILES.items():
        assert not re.search(r"</(script|style)|<!--", text, re.IGNORECASE), name


def test_scripts_share_one_name_alone() -> None:
    """Each is a closure: what it declares is its own."""
    first, *others = (FILES[name] for name in assets.SCRIPTS)
    assert re.findall(r"^[^\s/].*", first, re.MULTILINE) == ["const isotherm = (() => {", "})();"]
    for script in others:
        assert re.findall(r"^[^\s/].*", script, re.MULTILINE) == ["(() => {", "})();"]


def test_every_kind_of_figure_is_drawn_by_one_script_and_asked_for_by_a_page(pages: dict[str, str]) -> None:
    asked = {kind for page in pages.values() for kind in re.findall(r'data-figure="([a-z]+)', page)}
    drawn = {name: _kinds(FILES[name]) for name in assets.SCRIPTS[1:-1]}
    assert all(drawn.values())
    assert sorted(kind for kinds in drawn.values() for kind in kinds) == sorted(asked)


@pytest.mark.parametrize("name", ["calls", "crisscross", "clients", "http", "loads", "trend"])
def test_nothing_is_left_to_be_filled_in(pages: dict[str, str], name: str) -> None:
    page = pages[name].replace(get_plotlyjs(), "")
    assert "{{" not in page
    markup = re.sub(r"<(style|script)\b.*?</\1>", "", page, flags=re.DOTALL)
    assert not re.findall(r".{0,40}[{}].{0,40}", markup)
