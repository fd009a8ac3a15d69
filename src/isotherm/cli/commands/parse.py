"""`isotherm parse`: old logs, in whatever form they were kept, to events or to a table of statistics."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Protocol

import typer

from isotherm.cli.errors import BadInput, Failed
from isotherm.platform_log import BASE_FIELDS, OTHER_FIELDS, Event
from isotherm.printable import printable, spreadsheet_text

if TYPE_CHECKING:
    from rich.progress import Progress

    from isotherm.analysis.log_statistics import Measures

# A file up to this size is read as one text. A larger one is cut between lines where an invocation begins.
_BLOCK = 1 << 24
_SHOW_PROGRESS_FROM = 1 << 23
_BEGINNING = re.compile(rb"\n(?=START RequestId: |INIT_START |REPORT RequestId: |\{\"time\":|[0-9]{13},\"START )")
_PIECE = 1 << 16
_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_MOST_MARK = 4
_MOST_ROWS = 1000
_UNNAMED = "(no name)"
_STATISTICS = ("n", "min", "median", "mean", "sd", "p90", "p95", "p99", "max")
_REPORT = re.compile(r"REPORT\s+RequestId:")
_FOREIGN = re.compile(r"REPORT\s+RequestID:")


class Output(StrEnum):
    """Forms of output."""

    JSONL = "jsonl"
    CSV = "csv"
    TABLE = "table"


def parse(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE...|-]", help="Log files, gzip or plain; - or nothing for standard input."),
    ] = None,
    output: Annotated[
        Output, typer.Option("--output", "-o", help="One JSON object or CSV row per event, or a table to read.")
    ] = Output.TABLE,
    stats: Annotated[
        bool, typer.Option("--stats", help="Statistics per function, memory and temperature instead of events.")
    ] = False,
) -> None:
    """Read what the Lambda platform wrote in logs of any age and form.

    Text or JSON log format; copied from the console, from `aws logs tail`, `sam logs` or Logs Insights, exported as CSV
    or gzip, base64 log tails, escaped JSON. Events go to standard output, what was read and what was not to standard
    error. The exit code is 1 where the platform wrote nothing of all that, 2 where a file cannot be read at all.
    """
    sources = _sources(files or ["-"])
    census = Census()
    if stats:
        from isotherm.analysis.log_statistics import Measures

        measures = Measures()
        for source, text in _texts(sources, census):
            _measure(text, source.name, measures, census)
        _write_statistics(measures, output)
        census.duplicates, census.shared_ids = measures.duplicates, measures.shared_ids
    else:
        writers: dict[Output, type[Writer]] = {Output.JSONL: _JsonLines, Output.CSV: _Csv, Output.TABLE: _Table}
        writer = writers[output]()
        from isotherm.platform_log import parse_events

        for _, text in _texts(sources, census):
            events = parse_events(text)
            census.count(text, events)
            for event in events:
                writer.write(event)
        writer.close()
    for line in census.lines():
        print(printable(line), file=sys.stderr)
    if census.refused:
        raise BadInput("\n".join(f"{name}: {why}" for name, why in census.refused.items()))
    if not census.found:
        raise Failed("nothing here was written by the Lambda platform: it is the output of functions, or not a log")


@dataclass
class Census:
    """What was read, what was not, and why."""

    sources: int = 0
    size_bytes: int = 0
    text_lines: int = 0
    events: Counter[str] = field(default_factory=Counter)
    incomplete: int = 0
    quoted: int = 0
    foreign: int = 0
    undecodable: int = 0
    duplicates: int = 0
    shared_ids: int = 0
    damaged: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def found(self) -> int:
        """Events that say something."""
        return self.events.total() - self.events["invalid"]

    def count(self, text: str, events: list[Event]) -> None:
        """Count a text, which may end within a line, and its events."""
        self.text_lines += text.count("\n")
        self.undecodable += text.count("\ufffd")
        self.events.update(event.event for event in events)
        reports = 0
        for event in events:
            if event.event == "report":
                reports += 1
                self.incomplete += event.duration_ms is None or (
                    event.memory_size_mb is None and event.billed_duration_ms is None
                )
        self.quoted += max(0, len(_REPORT.findall(text)) - reports)
        self.foreign += len(_FOREIGN.findall(text))

    def lines(self) -> Iterator[str]:
        """The summary, a line at a time."""
        from isotherm.numbers import count, data_size

        yield (
            f"read {count(self.found, 'event')} from {count(self.text_lines, 'line')} "
            f"in {count(self.sources, 'input')}, {data_size(self.size_bytes)}"
        )
        kinds = [f"{number:,} {kind}" for kind, number in self.events.most_common() if kind != "invalid"]
        if kinds:
            yield "  " + ", ".join(kinds)
        for number, what in (
            (self.events["invalid"], "begin with REPORT, but have none of a report's fields"),
            (self.quoted, "REPORT inside what a function printed, or with nothing behind it: not read"),
            (self.foreign, "report of another cloud (RequestID, not RequestId): not read"),
            (self.incomplete, "report is cut or lacks units: kept, with nulls"),
            (self.events["report_fragment"], "report lost its beginning: kept without its request id"),
            (self.duplicates, "report came more than once: counted once"),
            (self.shared_ids, "report has the request id of another function's: counted for both"),
            (self.undecodable, "character is not UTF-8: replaced"),
        ):
            if number:
                yield f"  {number:,} x {what}"
        for name, problem in self.damaged.items():
            yield f"  {name}: this gzip file is cut or damaged ({problem}): read as far as it goes"


@dataclass(frozen=True)
class Source:
    """One input: a file, or standard input."""

    name: str
    path: Path | None

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The bytes as they are, compressed or not."""
        if self.path is None:
            yield sys.stdin.buffer
            return
        with self.path.open("rb") as file:
            yield file

    def size(self) -> int | None:
        """Bytes, None where that is not known before reading."""
        return self.path.stat().st_size if self.path and self.path.is_file() else None


def _sources(names: list[str]) -> list[Source]:
    sources = []
    for name in names:
        if name == "-":
            if sys.stdin.isatty():
                raise BadInput("name a log file, or pipe one in (isotherm parse app.log)")
            sources.append(Source("standard input", None))
            continue
        path = Path(name)
        if path.is_dir():
            raise BadInput(f"{name} is a directory: name the files in it ({name.rstrip('/')}/*)")
        if not path.exists():
            raise BadInput(f"{name}: no such file")
        sources.append(Source(name, path))
    return sources


def _texts(sources: list[Source], census: Census) -> Iterator[tuple[Source, str]]:
    """All inputs as text, large ones in parts."""
    sizes = [source.size() for source in sources]
    known = sum(size or 0 for size in sizes)
    with _progress(known) as progress:
        task = progress.add_task("reading", total=known) if progress else None
        for source in sources:
            text = ""
            for block, read in _blocks(source, census):
                census.size_bytes += len(block)
                text = _decoded(block)
                yield source, text
                if progress and task is not None:
                    progress.update(task, advance=read)
            census.sources += source.name not in census.refused
            census.text_lines += not text.endswith("\n") and text != ""


@contextmanager
def _progress(size: int) -> Iterator[Progress | None]:
    if size < _SHOW_PROGRESS_FROM:
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from isotherm.cli.console import remarks

    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    with Progress(*columns, console=remarks(), transient=True) as progress:
        yield progress


def _blocks(source: Source, census: Census) -> Iterator[tuple[bytes, int]]:
    """The input in parts that end where an invocation does, with how many bytes of the file each took.

    What is not read of it is noted in the census, with the reason.
    """
    try:
        with source.open() as raw:
            counted = _Counted(raw)
            buffered = io.BufferedReader(counted)
            stream: BinaryIO = buffered
            beginning = buffered.peek(_MOST_MARK)
            if beginning.startswith(_ZIP):
                census.refused[source.name] = "this is a zip file: unzip it first, and give the logs in it"
                return
            if beginning.startswith(_GZIP):
                stream = gzip.GzipFile(fileobj=buffered)  # type: ignore[assignment]
            rest = bytearray()
            while part := _readable(stream, source, census):
                rest += part
                if len(rest) < _BLOCK:
                    continue
                cut = _last_beginning(rest)
                yield bytes(rest[:cut]), counted.taken()
                del rest[:cut]
            if rest:
                yield bytes(rest), counted.taken()
    except OSError as problem:
        raise BadInput(f"{source.name}: {problem.strerror or problem}") from None


def _readable(stream: BinaryIO, source: Source, census: Census) -> bytes:
    """The next bytes; none at the end, nor where a gzip file is damaged."""
    try:
        # Not more at once: what was unpacked before the damage would be lost with it.
        return stream.read1(min(_BLOCK, _PIECE))  # type: ignore[attr-defined, no-any-return]
    except (gzip.BadGzipFile, EOFError, zlib.error) as problem:
        census.damaged[source.name] = str(problem)
        return b""


class _Counted(io.RawIOBase):
    """Passes bytes through and counts them, so that progress is that of the file, not of what it unpacks to."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._raw.read(len(buffer))
        buffer[: len(data)] = data
        self._count += len(data)
        return len(data)

    def taken(self) -> int:
        """Bytes read since last asked."""
        count, self._count = self._count, 0
        return count


def _last_beginning(data: bytearray) -> int:
    """Where to cut: before the last line that begins an invocation, else behind the last line."""
    tail = max(0, len(data) - (1 << 16))
    places = [found.end() for found in _BEGINNING.finditer(data, tail)]
    return places[-1] if places else data.rfind(b"\n") + 1 or len(data)


def _decoded(data: bytes) -> str:
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    return data.decode("utf-8", "replace")


def _measure(text: str, source: str, measures: Measures, census: Census) -> None:
    from isotherm.platform_log.functions import events_by_function

    unnamed = _UNNAMED if source == "standard input" else Path(source).name
    events = []
    for function, event in events_by_function(text):
        measures.add(function or unnamed, event)
        events.append(event)
    census.count(text, events)


class Writer(Protocol):
    """Puts events on standard output."""

    def write(self, event: Event) -> None:
        """Put one event out."""

    def close(self) -> None:
        """Put out what was held back."""


class _JsonLines:
    def write(self, event: Event) -> None:
        sys.stdout.write(json.dumps(event.to_dict()) + "\n")

    def close(self) -> None:
        sys.stdout.flush()


class _Csv:
    def __init__(self) -> None:
        self._writer = csv.writer(sys.stdout, lineterminator="\n")
        self._writer.writerow((*BASE_FIELDS, *OTHER_FIELDS, "extra"))

    def write(self, event: Event) -> None:
        values = [event.get(name) for name in (*BASE_FIELDS, *OTHER_FIELDS)]
        extra = event.extra
        cells = (json.dumps(value) if isinstance(value, (list, dict, bool)) else value for value in values)
        self._writer.writerow([*map(_writable, cells), json.dumps(extra) if extra else None])

    def close(self) -> None:
        sys.stdout.flush()


class _Table:
    """The first events as a table to read; machines and the rest of a large log take one of the other forms."""

    _COLUMNS = (
        ("init", "init_duration_ms"),
        ("restore", "restore_duration_ms"),
        ("duration", "duration_ms"),
        ("billed", "billed_duration_ms"),
        ("memory", "memory_size_mb"),
        ("used", "max_memory_used_mb"),
    )
    _SHOWN = frozenset(("event", "request_id", "status", "error_type", *(name for _, name in _COLUMNS)))

    def __init__(self) -> None:
        from rich import box
        from rich.table import Table

        self._left_out = 0
        self._table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        self._table.add_column("event")
        self._table.add_column("request id", no_wrap=True)
        for title, name in self._COLUMNS:
            self._table.add_column(f"{title}\n{name[-2:].replace('mb', 'MB')}", justify="right")
        self._table.add_column("status")
        self._table.add_column("else", overflow="fold")

    def write(self, event: Event) -> None:
        if self._table.row_count >= _MOST_ROWS:
            self._left_out += 1
            return
        cells = [event.event, event.request_id or ""]
        for _, name in self._COLUMNS:
            value = event.get(name)
            cells.append("" if value is None else f"{value:,}")
        cells.append(" ".join(filter(None, (event.status, event.error_type))))
        rest = (f"{name}={value}" for name, value in event.items() if name not in self._SHOWN and value is not None)
        cells.append(" ".join(rest))
        from rich.text import Text

        self._table.add_row(*(Text(" ".join(cell.split())) for cell in cells))

    def close(self) -> None:
        _print(self._table)
        if self._left_out:
            print(f"... {self._left_out:,} more: use --output jsonl or csv")


def _write_statistics(measures: Measures, output: Output) -> None:
    rows = [
        {
            "function": group.function,
            "memory_size_mb": group.memory_size_mb,
            "temperature": group.temperature,
            "metric": metric,
            **{name: getattr(summary, name) for name in _STATISTICS},
        }
        for group, metric, summary in measures.summaries()
    ]
    if output is Output.JSONL:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
    elif output is Output.CSV:
        names = ("function", "memory_size_mb", "temperature", "metric", *_STATISTICS)
        writer = csv.DictWriter(sys.stdout, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "function": _writable(row["function"])} for row in rows)
    else:
        _print(_statistics_table(rows))


def _statistics_table(rows: list[dict[str, Any]]) -> Any:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("function", "memory", "", "metric"):
        table.add_column(title)
    for title in _STATISTICS:
        table.add_column(title, justify="right", no_wrap=True)
    before: tuple[Any, ...] = ()
    for row in rows:
        group = (row["function"], row["memory_size_mb"], row["temperature"])
        memory = "" if group[1] is None else f"{group[1]:g} MB"
        head = (escape(group[0]), memory, group[2]) if group != before else ("", "", "")
        if before and group[:2] != before[:2]:
            table.add_section()
        before = group
        metric = row["metric"].rpartition("_")
        cells = ("" if row[name] is None else f"{row[name]:,.2f}" for name in _STATISTICS[1:])
        unit = metric[2].replace("mb", "MB")
        table.add_row(*head, f"{metric[0].replace('_', ' ')}, {unit}", f"{row['n']:,}", *cells)
    return table


def _print(table: Any) -> None:
    """Print a table whole, even where the terminal is narrower or there is none."""
    from isotherm.cli.console import wide_results

    wide_results(200).print(table)


def _writable(cell: Any) -> Any:
    # Half of a surrogate pair, from an escape that was cut, has no encoding.
    return spreadsheet_text(cell.encode("utf-8", "replace").decode()) if isinstance(cell, str) else cell
