"""`isotherm parse` as a person or a program uses it."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from isotherm.cli.app import run_command
from isotherm.cli.commands import parse as command
from isotherm.platform_log import BASE_FIELDS, parse_events

HERE = Path(__file__).parent
RECORD = HERE / "lambda-latency-by-package-size.md"
ID = "b92a770e-7c92-4a13-84e3-613428ff991f"
LINES = (
    f"START RequestId: {ID} Version: $LATEST\nhello\nEND RequestId: {ID}\n"
    f"REPORT RequestId: {ID}\tDuration: 3.10 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t\n"
)


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


Parse = Callable[..., Ran]


@pytest.fixture
def parse(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Parse:
    monkeypatch.setattr("isotherm.cli.app.signal.signal", lambda *_: None)

    def run(*arguments: str | Path, stdin: bytes | None = None) -> Ran:
        if stdin is not None:
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = run_command(["parse", *map(str, arguments)])
        said = capfd.readouterr()
        return Ran(code, said.out, said.err)

    return run


def test_jsonl_has_one_object_per_event_with_the_fields_of_the_reader(parse: Parse, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text(LINES)

    ran = parse(log, "--output", "jsonl")

    assert ran.code == 0
    assert ran.objects == [event.to_dict() for event in parse_events(LINES)]
    assert "read 3 events from 4 lines in 1 input" in ran.err


@pytest.mark.parametrize("arguments", [["-"], []])
def test_standard_input_is_read_where_asked_or_where_nothing_is(parse: Parse, arguments: list[str]) -> None:
    ran = parse(*arguments, "-o", "jsonl", stdin=LINES.encode())

    assert [each["event"] for each in ran.objects] == ["start", "end", "report"]


def test_csv_has_a_column_per_field_and_one_for_what_is_unknown(parse: Parse) -> None:
    line = LINES.replace("\t\n", "\tQueue Duration: 0.25 ms\n")

    ran = parse("-o", "csv", stdin=line.encode())

    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert set(BASE_FIELDS) < rows[0].keys()
    assert rows[2]["duration_ms"] == "3.1"
    assert rows[2]["init_duration_ms"] == ""
    assert json.loads(rows[2]["extra"]) == {"queue_duration_ms": 0.25}


@pytest.mark.parametrize("options", [(), ("--stats",)])
def test_no_cell_of_csv_is_a_formula_to_a_spreadsheet(
    parse: Parse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("=1+1").write_text(LINES.replace("$LATEST", "=1+1"))

    ran = parse("-o", "csv", *options, "=1+1")

    cells = [cell for row in csv.reader(io.StringIO(ran.out)) for cell in row]
    assert "'=1+1" in cells
    assert not [cell for cell in cells if cell.startswith("=")]


def test_the_table_shows_ids_whole_and_escapes_what_a_terminal_would_obey(parse: Parse) -> None:
    ran = parse(stdin=LINES.replace("$LATEST", "1\x07").encode())

    assert ran.out.count(ID) == 3
    assert "\x07" not in ran.out


@pytest.mark.parametrize(
    "pack", [lambda data: data, gzip.compress, lambda data: gzip.compress(data) + gzip.compress(data)]
)
def test_packed_files_are_read_like_plain_ones(parse: Parse, tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    log = tmp_path / "000000"
    log.write_bytes(pack(LINES.encode()))

    assert {each["event"] for each in parse(log, "-o", "jsonl").objects} == {"start", "end", "report"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_files_saved_on_windows_are_read(parse: Parse, tmp_path: Path, encoding: str) -> None:
    log = tmp_path / "app.log"
    log.write_text(LINES.replace("\n", "\r\n"), encoding=encoding)

    assert len(parse(log, "-o", "jsonl").objects) == 3


def test_the_record_of_2021_gives_its_table(parse: Parse) -> None:
    ran = parse("--stats", "-o", "jsonl", stdin=RECORD.read_bytes())

    table = {(row["function"], row["temperature"], row["metric"]): row for row in ran.objects}
    inits = {
        name: (row["n"], row["min"], row["max"])
        for name, row in ((key[0], row) for key, row in table.items() if key[1:] == ("cold", "init_duration_ms"))
    }
    assert inits == {
        "aws-default": (2, 111.64, 116.63),
        "aws-pkg20": (2, 163.20, 164.31),
        "aws-pkg50": (2, 432.06, 456.89),
        "aws-size20": (2, 112.33, 161.64),
        "aws-size50": (2, 110.23, 139.19),
    }
    memory = [table[name, "cold", "max_memory_used_mb"]["median"] for name in inits]
    assert memory == [35.5, 46, 72, 36, 36]
    assert all(table[name, "warm", "duration_ms"]["n"] == 1 for name in inits)
    assert table["aws-default", "warm", "duration_ms"]["sd"] is None
    assert table["aws-pkg50", "cold", "init_duration_ms"]["mean"] == pytest.approx(444.475)
    assert "1 x report has the request id of another function's" in ran.err


def test_the_same_file_twice_gives_the_same_statistics(parse: Parse) -> None:
    once, twice = (parse("--stats", "-o", "csv", *[RECORD] * times) for times in (1, 2))

    assert once.out == twice.out
    assert "15 x report came more than once" in twice.err


def test_the_statistics_can_be_read_as_a_table(parse: Parse) -> None:
    ran = parse("--stats", RECORD)

    assert "aws-size20" in ran.out
    assert "init duration, ms" in ran.out


def test_the_summary_says_what_was_not_read_and_why(parse: Parse) -> None:
    text = (
        "REPORT invalid report log line\n"
        f"REPORT RequestId: {ID}\tDuration: 12.3\n"
        "REPORT RequestID: 9ba2 Duration: 121.4 ms Billed Duration: 200 ms\n"
        '{"level":"INFO","message":"REPORT RequestId: x\\tDuration: 1 ms"}\n'
        "Duration: 2.05 ms\tInit Duration: 801.83 ms\n\xff\n"
    )

    ran = parse("-o", "jsonl", stdin=text.encode("latin-1"))

    for expected in ("begin with REPORT", "is cut", "another cloud", "inside what a function printed", "not UTF-8"):
        assert expected in ran.err
    assert "lost its beginning" in ran.err


def test_a_log_without_platform_lines_is_said_to_be_one(parse: Parse) -> None:
    ran = parse("-o", "jsonl", stdin=b"just words\n")

    assert (ran.code, ran.out) == (1, "")
    assert "nothing here was written by the Lambda platform" in ran.err


def test_an_empty_log_has_no_platform_lines_either(parse: Parse) -> None:
    ran = parse("-o", "jsonl", stdin=b"")

    assert (ran.code, ran.out) == (1, "")


@pytest.mark.parametrize("options", [("-o", "jsonl"), ("--stats", "-o", "jsonl")])
def test_what_is_readable_of_a_file_that_was_cut_is_read_and_so_are_the_files_after_it(
    parse: Parse, tmp_path: Path, options: tuple[str, ...]
) -> None:
    cut, whole = tmp_path / "cut.gz", tmp_path / "whole.gz"
    lines = "".join(LINES.replace(ID, f"b92a770e-7c92-4a13-84e3-{number:012}") for number in range(2000))
    packed = gzip.compress(lines.encode())
    cut.write_bytes(packed[: len(packed) * 3 // 4])
    whole.write_bytes(gzip.compress(LINES.encode()))

    ran = parse(*options, cut, whole)

    assert ran.code == 0
    assert f"{cut}: this gzip file is cut or damaged" in ran.err
    if "--stats" in options:
        assert {row["function"] for row in ran.objects} == {"cut.gz", "whole.gz"}
    else:
        assert 3000 < len(ran.objects) < 6003
        assert ran.objects[-1]["request_id"] == ID


def test_all_of_a_file_is_read_whose_last_bytes_alone_are_missing(parse: Parse, tmp_path: Path) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(LINES.encode())[:-9])

    ran = parse("-o", "jsonl", tmp_path / "cut.gz")

    assert (ran.code, len(ran.objects)) == (0, 3)
    assert "cut or damaged" in ran.err


@pytest.mark.parametrize("name", ["logs.zip", "renamed.log"])
def test_a_zip_file_is_refused_by_what_it_is_and_the_others_are_read(parse: Parse, tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("app.log", LINES)
    (tmp_path / "app.log").write_text(LINES)

    ran = parse("-o", "jsonl", tmp_path / name, tmp_path / "app.log")

    assert (ran.code, len(ran.objects)) == (2, 3)
    assert f"{tmp_path / name}: this is a zip file: unzip it first" in ran.err
    assert "read 3 events from 4 lines in 1 input" in ran.err


def test_lines_are_counted_once_however_a_large_file_is_cut(
    parse: Parse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_BLOCK", 1000)
    (tmp_path / "long.log").write_text("x" * 7000 + "\n" + "y" * 3000)
    (tmp_path / "more.log").write_text("z\n" * 2000)

    assert "from 2 lines in 1 input" in parse(tmp_path / "long.log").err
    assert "from 2,002 lines in 2 inputs" in parse(tmp_path / "long.log", tmp_path / "more.log").err
    assert "from 2,002 lines in 2 inputs" in parse("--stats", tmp_path / "long.log", tmp_path / "more.log").err


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda _: None, "no such file"),
        (lambda path: path.mkdir(), "is a directory"),
    ],
)
def test_what_cannot_be_read_ends_in_one_line_and_2(
    parse: Parse, tmp_path: Path, make: Callable[[Path], Any], told: str
) -> None:
    make(tmp_path / "odd.gz")

    ran = parse(tmp_path / "odd.gz", "-o", "jsonl")

    assert ran.code == 2
    assert told in ran.err
    assert ran.err.count("\n") == 1
    assert "Traceback" not in ran.err


def test_a_form_of_output_that_does_not_exist_is_bad_input(parse: Parse) -> None:
    assert parse("-o", "xml", RECORD).code == 2


def test_a_large_file_is_cut_only_between_invocations(
    parse: Parse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_BLOCK", 1000)
    traced = LINES.replace(
        "\t\n", "\t\nXRAY TraceId: 1-5e61292c-cc1229a4dfbeae1043928548\tSegmentId: 07a85e713f6302b2\t\n"
    )
    log = tmp_path / "large.log"
    log.write_text(traced * 50)

    reports = [each for each in parse(log, "-o", "jsonl").objects if each["event"] == "report"]

    assert len(reports) == 50
    assert all(report["xray_segment_id"] == "07a85e713f6302b2" for report in reports)


def test_reading_a_large_file_shows_progress_on_standard_error_only(
    parse: Parse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_SHOW_PROGRESS_FROM", 1)
    log = tmp_path / "large.log"
    log.write_text(LINES)

    assert len(parse(log, "-o", "jsonl").objects) == 3


def test_a_reader_that_leaves_early_leaves_no_traceback(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text(LINES * 20_000)
    program = f"{sys.executable} -m isotherm.cli parse {log} -o jsonl | head -1"
    if not (Path(command.__file__).parent / "__main__.py").exists():
        program = program.replace("-m isotherm.cli", "-c 'from isotherm.cli import main; main()'")

    ran = subprocess.run(["sh", "-c", program], capture_output=True, text=True, check=True)

    assert json.loads(ran.stdout)["event"] == "start"
    assert "Traceback" not in ran.stderr
