"""What the probe says of a start is true, is said once per call, and does not change what the function does."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

PROBE = Path(__file__).parents[2] / "functions" / "targets" / "isotherm_probe.py"
TICK_MS = 10
FIELDS = {
    "isotherm_probe",
    "shot_id",
    "request_id",
    "environment_id",
    "invocation_index",
    "process_start_at_ms",
    "import_begin_at_ms",
    "import_ms",
    "handler_begin_at_ms",
    "work_ms",
    "hold_ms",
}
CONTEXT = SimpleNamespace(aws_request_id="8f5c2a9e-0000-4000-8000-000000000001")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def load(path: Path = PROBE) -> Any:
    """Give a probe as a new environment has it."""
    spec = importlib.util.spec_from_file_location("isotherm_probe", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = sys.dont_write_bytecode
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module


class Output(io.StringIO):
    """Counts the writes: on Lambda each is flushed and can become a log event of its own."""

    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


def call(handler: Callable[[Any, Any], Any], event: object = None, context: object = CONTEXT) -> dict[str, Any]:
    """Call a wrapped handler, whatever becomes of it, and give the one line it printed."""
    with contextlib.redirect_stdout(Output()) as output, contextlib.suppress(ZeroDivisionError):
        handler(event, context)
    assert output.writes == 1
    assert output.getvalue().count("\n") == 1
    assert output.getvalue().endswith("\n")
    line = json.loads(output.getvalue())
    assert isinstance(line, dict)
    return line


def test_line_has_the_fields_that_are_agreed_on() -> None:
    line = call(load().observe(lambda _event, _context: None), {"isotherm": {"shot_id": "s-7"}})
    assert set(line) == FIELDS | {"package"}
    assert (line["isotherm_probe"], line["shot_id"], line["request_id"]) == (1, "s-7", CONTEXT.aws_request_id)


def test_index_counts_within_an_environment_and_ids_differ_across() -> None:
    one, other = (load().observe(lambda _event, _context: None) for _ in range(2))
    lines = [call(one) for _ in range(3)]
    assert [line["invocation_index"] for line in lines] == [0, 1, 2]
    assert len({line["environment_id"] for line in lines}) == 1
    assert call(other)["environment_id"] != lines[0]["environment_id"]


def test_notes_are_those_of_the_call_they_were_made_in() -> None:
    probe = load()

    def work(event: Any, _context: object) -> None:
        probe.note(**event)
        probe.note(twice="later")

    handler = probe.observe(work)
    assert call(handler, {"twice": "sooner", "database_ms": 1.5})["notes"] == {"database_ms": 1.5, "twice": "later"}
    assert call(handler, {"other": None})["notes"] == {"other": None, "twice": "later"}
    assert "notes" not in call(probe.observe(lambda _event, _context: None))


def test_notes_of_a_call_that_fails_are_told() -> None:
    probe = load()

    def work(_event: object, _context: object) -> None:
        probe.note(sent=True)
        raise ZeroDivisionError

    assert call(probe.observe(work))["notes"] == {"sent": True}


def test_a_note_that_is_no_json_costs_the_call_nothing() -> None:
    probe = load()
    line = call(probe.observe(lambda _event, _context: probe.note(where=Path("/x"), known={1})))
    assert line["notes"] == {"where": "PosixPath('/x')", "known": "{1}"}


def test_calls_made_side_by_side_keep_their_notes_and_numbers_apart() -> None:
    """Lambda makes one call at a time; the server of the same handlers does not."""
    probe = load()
    together = threading.Barrier(4, timeout=30)

    def work(event: Any, _context: object) -> None:
        probe.note(mine=event)
        together.wait()
        probe.note(number=probe.invocation_index())

    handler = probe.observe(work)
    with contextlib.redirect_stdout(io.StringIO()) as output:
        threads = [threading.Thread(target=handler, args=(index, CONTEXT)) for index in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    lines = [json.loads(line) for line in output.getvalue().splitlines()]
    assert sorted(line["notes"]["mine"] for line in lines) == [0, 1, 2, 3]
    assert all(line["notes"]["number"] == line["invocation_index"] for line in lines)


def test_a_function_can_tell_which_call_it_is_in() -> None:
    probe = load()
    seen: list[int] = []
    handler = probe.observe(lambda _event, _context: seen.append(probe.invocation_index()))
    lines = [call(handler) for _ in range(3)]
    assert seen == [line["invocation_index"] for line in lines] == [0, 1, 2]


@pytest.mark.parametrize(
    ("event", "shot_id"),
    [
        ({"version": "2.0", "headers": {"x-isotherm-shot": "s-9"}}, "s-9"),
        ({"isotherm": {"hold_until_ms": 0}, "headers": {"x-isotherm-shot": "s-9"}}, "s-9"),
        ({"isotherm": {"shot_id": "s-1"}, "headers": {"x-isotherm-shot": "s-9"}}, "s-1"),
        ({"headers": {"host": "x"}}, None),
        ({"headers": ["x-isotherm-shot"]}, None),
    ],
    ids=["by header", "beside a hold", "the event itself goes first", "no such header", "no headers"],
)
def test_a_web_request_says_by_a_header_which_shot_it_is(event: object, shot_id: str | None) -> None:
    assert call(load().observe(lambda _event, _context: None), event)["shot_id"] == shot_id


def test_package_is_told_once_and_as_the_build_wrote_it(tmp_path: Path) -> None:
    (tmp_path / PROBE.name).write_bytes(PROBE.read_bytes())
    (tmp_path / "isotherm-package.json").write_text('{"archive": "pkg20", "filler_bytes": 12}')
    handler = load(tmp_path / PROBE.name).observe(lambda _event, _context: None)
    assert call(handler)["package"] == {"archive": "pkg20", "filler_bytes": 12}
    assert set(call(handler)) == FIELDS


def test_a_function_run_from_its_sources_has_no_package() -> None:
    assert call(load().observe(lambda _event, _context: None))["package"] is None


@given(event=json_values, asked=st.none() | json_values)
def test_no_event_troubles_the_handler(event: object, asked: object) -> None:
    if isinstance(event, dict):
        event["isotherm"] = asked
    probe = load()
    probe.MAX_HOLD_MS = 1
    seen: list[object] = []
    answer = object()

    def work(got: object, context: object) -> object:
        seen.append((got, context))
        return answer

    handler = probe.observe(work)
    with contextlib.redirect_stdout(io.StringIO()):
        assert handler(event, CONTEXT) is answer
    assert seen[0][0] is event  # type: ignore[index]
    assert call(handler, event)["invocation_index"] == 1


class Clock:
    """Stands for the module `time`: time passes where somebody sleeps and nowhere else."""

    def __init__(self) -> None:
        self.now_ns = 1_800_000_000_000_000_000

    def time(self) -> float:
        return self.now_ns / 1e9

    def time_ns(self) -> int:
        return self.now_ns

    def perf_counter_ns(self) -> int:
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)


def load_with_clock() -> tuple[Any, Clock]:
    """A probe whose time is the clock's."""
    probe, clock = load(), Clock()
    probe.time = clock
    return probe, clock


def test_line_is_printed_when_the_handler_fails_and_the_failure_passes() -> None:
    probe, clock = load_with_clock()
    handler = probe.observe(lambda _event, _context: 1 / 0)
    line = call(handler, {"isotherm": {"shot_id": "s-1", "hold_until_ms": clock.time() * 1000 + 30}})
    assert line["shot_id"] == "s-1"
    assert line["hold_ms"] == pytest.approx(30, abs=0.01)
    with contextlib.redirect_stdout(io.StringIO()), pytest.raises(ZeroDivisionError):
        handler({}, CONTEXT)


def test_call_is_held_until_the_time_it_was_told_and_the_hold_is_not_work() -> None:
    probe, clock = load_with_clock()
    handler = probe.observe(lambda _event, _context: clock.sleep(0.02))
    begin_ms = clock.time() * 1000
    line = call(handler, {"isotherm": {"hold_until_ms": begin_ms + 150}})
    assert clock.time() * 1000 == pytest.approx(begin_ms + 150, abs=0.01)
    assert line["handler_begin_at_ms"] == pytest.approx(begin_ms, abs=0.01)
    # The hold begins where the work ended.
    assert [line["work_ms"], line["hold_ms"]] == pytest.approx([20, 130], abs=0.01)


@pytest.mark.parametrize("until_ms", [math.inf, 10**400, 4e12], ids=["infinite", "huge", "year 2096"])
def test_hold_is_capped(until_ms: float) -> None:
    probe, _ = load_with_clock()
    line = call(probe.observe(lambda _event, _context: None), {"isotherm": {"hold_until_ms": until_ms}})
    assert probe.MAX_HOLD_MS == 10_000
    assert line["hold_ms"] == pytest.approx(10_000, abs=0.01)


@pytest.mark.parametrize("until_ms", [None, 0, -5, 1.5e12, math.nan, True, "9999999999999", [1]])
def test_what_is_no_time_to_come_holds_nothing(until_ms: object) -> None:
    line = call(load().observe(lambda _event, _context: None), {"isotherm": {"hold_until_ms": until_ms}})
    assert line["hold_ms"] == 0


APP = """
import isotherm_probe as probe

with probe.imports:
    import heavy

@probe.observe
def handler(event, context):
    return {}
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / PROBE.name).write_bytes(PROBE.read_bytes())
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "heavy.py").write_text("import time\ntime.sleep(0.08)\n")
    return tmp_path


def run(folder: Path, code: str) -> tuple[float, float, str]:
    """Run code in a fresh interpreter; give the epoch milliseconds between which it was started, and its output."""
    before = time.time() * 1000
    process = subprocess.Popen([sys.executable, "-c", code], cwd=folder, stdout=subprocess.PIPE, text=True)
    after = time.time() * 1000
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    return before, after, output


@pytest.mark.skipif(sys.platform != "linux", reason="the start of a process is read from Linux's /proc")
def test_process_start_is_when_the_process_was_started(app: Path) -> None:
    before, after, output = run(app, "import time; time.sleep(0.1); import app; app.handler({}, None)")
    start = json.loads(output)["process_start_at_ms"]
    # The kernel counts in ticks and cuts off, and the two clocks are read one after the other.
    assert before - TICK_MS - 1 <= start <= after + 1


def test_imports_are_stamped_where_they_begin_and_end(app: Path) -> None:
    _, _, output = run(app, "import app, time; app.handler({}, None); print(time.time() * 1000)")
    printed, answered_at_ms = output.splitlines()
    line = json.loads(printed)
    assert line["import_ms"] >= 80
    assert line["process_start_at_ms"] is None or line["process_start_at_ms"] <= line["import_begin_at_ms"]
    assert line["import_begin_at_ms"] + line["import_ms"] <= line["handler_begin_at_ms"] + 1
    assert line["handler_begin_at_ms"] + line["work_ms"] <= float(answered_at_ms) + 1


def test_a_function_that_imports_nothing_says_so() -> None:
    line = call(load().observe(lambda _event, _context: None))
    assert line["import_ms"] == 0
    assert line["import_begin_at_ms"] <= line["handler_begin_at_ms"]


def test_imports_are_not_cached_beside_the_function(app: Path) -> None:
    run(app, "import sys; sys.dont_write_bytecode = False; import app")
    assert not list(app.rglob("heavy*.pyc"))


def test_probe_loads_nothing_that_a_runtime_has_not_loaded_before_it() -> None:
    code = (
        "import sys, json, os, time; before = set(sys.modules); sys.path.insert(0, '.'); import isotherm_probe; "
        "print(sorted(set(sys.modules) - before))"
    )
    _, _, output = run(PROBE.parent, code)
    assert output.strip() in ("['isotherm_probe']", "['isotherm_probe', 'itertools']")


@pytest.mark.parametrize("name", ["default", "size20", "size50"])
def test_targets_that_carry_without_importing_run_from_their_sources(name: str) -> None:
    _, _, output = run(PROBE.parent, f"from {name}.app import handler; print(handler({{}}, None), flush=True)")
    line, answer = output.splitlines()
    assert json.loads(line)["import_ms"] == 0
    assert answer == f"{{'ok': True, 'target': '{name}'}}"
