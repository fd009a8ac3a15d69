"""What a function said reaches nobody as a command: not a terminal, not a browser, not a reader of Markdown."""

from __future__ import annotations

import io
import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plotly.offline import get_plotlyjs

from isotherm.analysis.aggregate import build_summary
from isotherm.analysis.summary import CampaignSummary, Failure
from isotherm.cli.app import run_command
from isotherm.cli.console import PrintableConsole
from isotherm.printable import printable
from isotherm.report.markdown import render_markdown
from isotherm.report.page.page import render_page
from isotherm.report.terminal.campaign import campaign_tables
from unit.statistics.made_up import made_up_lanes, made_up_plan, made_up_samples

PLAN = made_up_plan(cold=6, warm=6, rounds=1)
SAMPLES = made_up_samples(PLAN)
SUMMARY = build_summary(PLAN, SAMPLES, made_up_lanes(PLAN))

BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
MARKS = "\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}\N{ARABIC LETTER MARK}"
EVIL = "\x1b[31mred\x1b]0;title\x07\x00\x9b2J\r\x7f\N{RIGHT-TO-LEFT OVERRIDE}txt.exe\N{LEFT-TO-RIGHT ISOLATE}"

controls = st.characters(categories=["Cc", "Cf", "Zl", "Zp", "Cs"])
evil_texts = st.lists(controls | st.characters(), min_size=1, max_size=30).map("".join) | st.just(EVIL)


def obeyed(text: str) -> set[str]:
    """Characters that control whoever shows the text."""
    return {
        letter
        for letter in text
        if (
            letter not in "\n\t"
            and (unicodedata.category(letter) in ("Cc", "Cs") or unicodedata.bidirectional(letter) in BIDI)
        )
        or letter in MARKS
    }


def told_by_functions(evil: str) -> CampaignSummary:
    """A summary with that text wherever a text of others comes into one."""
    of_cell = {
        name: getattr(SUMMARY.cells[0], name) for name in Failure.model_fields if hasattr(SUMMARY.cells[0], name)
    }
    failure = Failure.model_construct(**of_cell, outcome="function_error", reason=evil, calls=3, example=evil)
    lanes = [SUMMARY.lanes[0].model_copy(update={"status": "failed", "reason": evil}), *SUMMARY.lanes[1:]]
    cells = [SUMMARY.cells[0].model_copy(update={"target": evil}), *SUMMARY.cells[1:]]
    changed = {"lanes": lanes, "cells": cells, "failures": [failure], "headline": evil, "warnings": [evil]}
    return SUMMARY.model_copy(update=changed)


@given(text=evil_texts)
def test_text_keeps_its_length_and_all_that_nobody_obeys(text: str) -> None:
    shown = printable(text)
    assert not obeyed(shown)
    assert len(shown) == len(text)
    changed = {letter for letter, now in zip(text, shown, strict=True) if letter != now}
    assert changed <= obeyed(text) | {"\N{LINE SEPARATOR}", "\N{PARAGRAPH SEPARATOR}"}


@settings(max_examples=50, deadline=None)
@given(evil=evil_texts, width=st.integers(60, 200))
def test_a_terminal_is_shown_nothing_that_it_obeys(evil: str, width: int) -> None:
    shown = io.StringIO()
    console = PrintableConsole(file=shown, width=width, color_system=None)
    console.print(campaign_tables(told_by_functions(evil)))
    console.print(f"lane failed: {evil}", markup=False, soft_wrap=True)
    assert not obeyed(shown.getvalue())


@settings(max_examples=50, deadline=None)
@given(evil=evil_texts)
def test_markdown_has_nothing_that_is_obeyed(evil: str) -> None:
    assert not obeyed(render_markdown(told_by_functions(evil)))


@settings(max_examples=10, deadline=None)
@given(evil=evil_texts)
def test_the_page_has_nothing_that_is_obeyed(evil: str) -> None:
    ours = render_page(told_by_functions(evil), SAMPLES).replace(get_plotlyjs(), "")
    assert not obeyed(ours)
    data = ours.partition('<script type="application/json" id="figure-data">')[2].partition("</script>")[0]
    assert not obeyed(json.dumps(json.loads(data), ensure_ascii=False).replace("\\n", ""))
    assert "\\u001b" not in data


def test_a_message_has_nothing_that_is_obeyed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("isotherm.cli.app.signal.signal", lambda *_: None)
    assert run_command(["plan", f"no-such-file-{EVIL.replace(chr(0), '')}"]) == 2
    said = capsys.readouterr().err
    assert "no-such-file-\N{REPLACEMENT CHARACTER}[31mred" in said
    assert not obeyed(said)
