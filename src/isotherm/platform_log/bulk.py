"""Reads reports in bulk, a field of many lines at a time; what it is not sure of it leaves to the exact reader."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from isotherm.platform_log.events import Event
from isotherm.platform_log.reader import parse_piece

QUANTITIES: Final = (
    "duration_ms",
    "billed_duration_ms",
    "memory_size_mb",
    "max_memory_used_mb",
    "init_duration_ms",
    "restore_duration_ms",
    "billed_restore_duration_ms",
    "xray_sampled",
)
"""Columns of float: milliseconds, MB, and 1.0 or 0.0 for whether a trace was sampled."""

WORDS: Final = ("event", "request_id", "status", "error_type", "xray_trace_id", "xray_segment_id")
"""Columns of str."""

_REPORTS = frozenset(("report", "platform.report"))
_BLOCK = 1 << 22
# A line that starts nearer to the end of the data than this is left to the exact reader, so that no window of bytes
# taken from a line can reach beyond the data. No line read here is longer.
_MARGIN = 1024
_LONGEST = _MARGIN - 128

_WIDEST_GAP = 40

Index = NDArray[np.int64]
Eights = NDArray[np.uint64]
Mask = NDArray[np.bool_]
_U64 = np.uint64


@cache
def _code(text: str) -> np.uint64:
    """The first eight characters as the number that eight bytes of the data are read as."""
    return _U64(int.from_bytes(text.encode()[:8].ljust(8, b"\0"), "little"))


_ZEROS = _code("00000000")
_LOW7, _HIGH, _NOT_DIGIT = (_U64(int.from_bytes(bytes([byte]) * 8, "little")) for byte in (0x7F, 0x80, 0x76))
_BELOW_DASH, _ABOVE_F = (_U64(int.from_bytes(bytes([byte]) * 8, "little")) for byte in (0x80 - 0x2D, 0x7F - 0x66))
_POWERS = 10.0 ** np.arange(8)
_PAIRS, _QUADS = _U64(0x00FF00FF00FF00FF), _U64(0x0000FFFF0000FFFF)
_UNIT_MASK = _U64(0xFFFFFF)
_ONE, _BYTE, _DOT = _U64(1), _U64(0xFF), _U64(ord("."))
_NEWLINE, _DASH, _BACKSLASH = 10, 45, 92
_ID_START, _ID_LENGTH, _TRACE_LENGTH, _SEGMENT_LENGTH = len("REPORT RequestId: "), 36, 35, 16
_MS, _MB = _code(" ms"), _code(" MB")
_WHITE = np.zeros(256, dtype=bool)
_WHITE[[9, 13, 32]] = True

_OF_TIME = np.zeros(256, dtype=bool)
_OF_TIME[[ord(letter) for letter in "0123456789-+:.TZ"]] = True
# What the console copies in front of a line: nothing, a time in UTC, a time with an offset, and a tab.
_TIME_LENGTHS = (0, len("2024-05-20T16:29:45.022Z\t"), len("2021-01-16T17:26:43.137+01:00\t"))
_STATUSES: Final = ("timeout", "error", "failure", "success")
_STATUS_WORDS = np.array([b"", *(status.encode() for status in _STATUSES)])
_ERROR_TYPE = re.compile(rb"([A-Za-z]{1,40}\.[A-Za-z]{1,40})[\t\r\n ]")
# Only behind such a line begins is it certain that the report before it has no more lines.
_NEXT_LINES = ("REPORT R", "START Re", "END Requ", "INIT_STA", "INIT_REP")


class ReportTable:
    """Reports as columns: one row per report, in the order of the log.

    A column is an attribute and an item: ``table.duration_ms``, ``table["duration_ms"]``. Columns of `QUANTITIES` are
    arrays of float with NaN where the report has no such field; columns of `WORDS` are arrays of str with None there.

    Parameters
    ----------
    quantities : dict of str to (n,) array of float
        One array per name in `QUANTITIES`.
    words : dict of str to callable
        For each name in `WORDS` what makes its array, called when the column is first asked for: making a million
        strings takes longer than reading the million lines they are in.
    """

    def __init__(
        self, quantities: dict[str, NDArray[np.float64]], words: dict[str, Callable[[], NDArray[Any]]]
    ) -> None:
        self._columns: dict[str, NDArray[Any]] = dict(quantities)
        self._words = words

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns."""
        return (*WORDS, *QUANTITIES)

    def __len__(self) -> int:
        return len(self._columns["duration_ms"])

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._columns and name in self._words:
            self._columns[name] = self._words[name]()
        return self._columns[name]

    def __getattr__(self, name: str) -> NDArray[Any]:
        if name in WORDS or name in QUANTITIES:
            return self[name]
        raise AttributeError(name)

    def __repr__(self) -> str:
        return f"ReportTable({len(self)} reports)"

    def rows(self) -> Iterator[dict[str, Any]]:
        """Reports one by one, for what needs them so.

        Yields
        ------
        dict
            Value by column, None where there is none.
        """
        columns = [self[name].tolist() for name in self.names]
        for values in zip(*columns, strict=True):
            yield {
                name: None if value is None or value != value else value
                for name, value in zip(self.names, values, strict=True)
            }


def parse_reports(data: bytes) -> ReportTable:
    r"""All reports of a log, as columns.

    Gives the same reports as `parse_events`, many times faster where the lines are as the service writes them.

    Parameters
    ----------
    data : bytes
        Log text in UTF-8, whole; other bytes do no harm.

    Returns
    -------
    ReportTable
        One row for every ``report`` and ``platform.report`` event.

    Examples
    --------
    >>> table = parse_reports(b"REPORT RequestId: 1d4e\tDuration: 1.48 ms\tInit Duration: 111.64 ms\n")
    >>> float(table.init_duration_ms[0])
    111.64
    """
    data = bytes(data)
    blocks: list[_Block] = []
    offsets: list[int] = []
    exact: list[Event] = []
    read_to = 0
    for block in _blocks(data):
        for start, end in block.unsure(read_to):
            _read_exactly(data, start, end, offsets, exact)
        read_to = block.read_to(read_to)
        if len(block.starts):
            blocks.append(block)
    _read_exactly(data, read_to, len(data), offsets, exact)
    return _merge(blocks, offsets, exact)


def _read_exactly(data: bytes, start: int, end: int, offsets: list[int], events: list[Event]) -> None:
    piece = data[start:end]
    if not piece.strip():
        return
    for event in parse_piece(piece.decode("utf-8", "replace"), first=start == 0):
        if event.event in _REPORTS:
            offsets.append(start)
            events.append(event)


def _merge(blocks: list[_Block], offsets: list[int], exact: list[Event]) -> ReportTable:
    where = np.concatenate([*(block.starts for block in blocks), np.asarray(offsets, dtype=np.int64)])
    # Stable, so that reports found in one stretch of text keep their order.
    order = np.argsort(where, kind="stable") if blocks and exact else slice(None)
    quantities = {}
    for name in QUANTITIES:
        values = [_float(event.get(name)) for event in exact]
        quantities[name] = np.concatenate([*(block.numbers[name] for block in blocks), np.asarray(values, float)])[
            order
        ]
    return ReportTable(quantities, {name: partial(_join_words, blocks, exact, order, name) for name in WORDS})


def _join_words(blocks: list[_Block], exact: list[Event], order: Index | slice, name: str) -> NDArray[Any]:
    columns = []
    for block in blocks:
        raw = block.words[name]
        text = raw.astype(str).astype(object)
        text[raw == b""] = None
        columns.append(text)
    rest = np.empty(len(exact), dtype=object)
    rest[:] = [event.get(name) for event in exact]
    return np.concatenate([*columns, rest])[order]


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _blocks(data: bytes) -> Iterator[_Block]:
    """The data in blocks that end with a line and are small enough for their columns to stay in the cache."""
    last = len(data) - _MARGIN
    start = 0
    while start < last:
        end = data.rfind(b"\n", start, min(start + _BLOCK, last)) + 1
        if end <= start:
            # One line longer than a block: step over it.
            end = data.find(b"\n", start) + 1
            if end <= 0:
                return
            start = end
            continue
        yield _Block(data, start, end)
        start = end


def _is_next(word: Eights) -> Mask:
    found: Mask = word == _code(_NEXT_LINES[0])
    for text in _NEXT_LINES[1:]:
        found |= word == _code(text)
    return found


class _Block:
    """Lines of one block that are reports beyond doubt, read a column at a time.

    Parameters
    ----------
    data : bytes
        All data.
    start, end : int
        Where the block begins and ends in it, at line starts.
    """

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self._data = data
        self._bytes: NDArray[np.uint8] = np.frombuffer(data, dtype=np.uint8)
        # Eight bytes from any position on as one number: a whole label or value is compared or converted at once.
        self._eights: Eights = np.ndarray((len(data) - 7,), dtype="<u8", buffer=data, strides=(1,))
        lines = np.flatnonzero(self._bytes[start : end - 1] == _NEWLINE) + (start + 1)
        lines, reports = self._reports(np.concatenate([np.array([start]), lines]))
        self._reports_at = reports
        self.numbers = {name: np.full(len(reports), np.nan) for name in QUANTITIES}
        self._status = np.zeros(len(reports), dtype=np.int8)
        self._traced = np.zeros(len(reports), dtype=np.int64)
        self._segments = np.zeros(len(reports), dtype=np.int64)
        self._error_types: dict[int, bytes] = {}
        ends = self._read(reports)
        if len(reports) and data.find(b"\\", start, end) >= 0:
            # The exact reader takes a backslash for an escape.
            backslashes = np.flatnonzero(self._bytes[start:end] == _BACKSLASH) + start
            ends[np.searchsorted(backslashes, lines) < np.searchsorted(backslashes, ends)] = 0
        self._keep(lines, ends)
        self.words = self._word_columns()

    def _keep(self, lines: Index, ends: Index) -> None:
        sure = ends > 0
        if sure.all():
            self.starts, self.ends = lines, ends
            return
        self.starts, self.ends, self._reports_at = lines[sure], ends[sure], self._reports_at[sure]
        self.numbers = {name: column[sure] for name, column in self.numbers.items()}
        self._status, self._traced, self._segments = self._status[sure], self._traced[sure], self._segments[sure]
        if self._error_types:
            row_after = np.cumsum(sure) - 1
            self._error_types = {int(row_after[row]): kind for row, kind in self._error_types.items() if sure[row]}

    def unsure(self, read_to: int) -> Iterator[tuple[int, int]]:
        """Stretches of the data between the sure reports, from where reading has come to."""
        starts, ends = self.starts, np.concatenate([np.array([read_to]), self.ends])
        for gap in np.flatnonzero(starts > ends[:-1]).tolist():
            yield int(ends[gap]), int(starts[gap])

    def read_to(self, read_to: int) -> int:
        """Where reading has come to behind this block."""
        return int(self.ends[-1]) if len(self.ends) else read_to

    def _word_columns(self) -> dict[str, NDArray[np.bytes_]]:
        """The columns of text as bytes, b"" for none."""
        error_types = np.zeros(len(self.starts), dtype="S81" if self._error_types else "S1")
        for row, kind in self._error_types.items():
            error_types[row] = kind
        return {
            "event": np.full(len(self.starts), b"report"),
            "request_id": self._strings(self._reports_at + _ID_START, _ID_LENGTH),
            "status": _STATUS_WORDS[self._status],
            "error_type": error_types,
            "xray_trace_id": self._strings(self._traced, _TRACE_LENGTH),
            "xray_segment_id": self._strings(self._segments, _SEGMENT_LENGTH),
        }

    def _strings(self, at: Index, length: int) -> NDArray[np.bytes_]:
        if not at.any():
            return np.zeros(len(at), dtype="S1")
        windows: NDArray[np.bytes_] = np.ndarray(
            (len(self._data) - length + 1,), dtype=f"S{length}", buffer=self._data, strides=(1,)
        )
        column = windows[at]
        column[at == 0] = b""
        return column

    def _reports(self, lines: Index) -> tuple[Index, Index]:
        """Lines that hold the report of a request with a UUID, behind a time or at once, and where that begins."""
        get, eights = self._bytes, self._eights
        lines_found, reports = [], []
        for prefix in _TIME_LENGTHS:
            report = eights[lines + prefix] == _code("REPORT R")
            if not report.any():
                continue
            found = lines[report]
            if prefix:
                found = found[self._is_time(found, prefix - 1)]
            lines_found.append(found)
            reports.append(found + prefix)
        if not reports:
            return lines[:0], lines[:0]
        starts, at = np.concatenate(lines_found), np.concatenate(reports)
        if len(reports) > 1:
            order = np.argsort(starts)
            starts, at = starts[order], at[order]
        right = (eights[at + 8] == _code("equestId")) & (eights[at + 10] == _code("uestId: "))
        right &= self._is_id(at + _ID_START, _ID_LENGTH) & _WHITE[get[at + _ID_START + _ID_LENGTH]]
        for dash in (8, 13, 18, 23):
            right &= get[at + _ID_START + dash] == _DASH
        return starts[right], at[right]

    def _is_time(self, at: Index, length: int) -> Mask:
        """Whether there is a time as the console writes it, which only its signs and its end tell from other words."""
        get = self._bytes
        right: Mask = (get[at + 4] == _DASH) & (get[at + 10] == ord("T")) & _WHITE[get[at + length]]
        for place in range(length):
            right &= _OF_TIME[get[at + place]]
        return right

    def _begins_message(self, lines: Index) -> Mask:
        """Whether a line begins another message of the platform, behind a time or at once."""
        begins = _is_next(self._eights[lines])
        for prefix in _TIME_LENGTHS[1:]:
            other = np.flatnonzero(~begins)
            other = other[_is_next(self._eights[lines[other] + prefix])]
            if len(other):
                begins[other] = self._is_time(lines[other], prefix - 1)
        return begins

    def _is_id(self, at: Index, length: int) -> Mask:
        """Whether all characters are from dash to f: hexadecimal digits are, while space, quote and comma are not."""
        outside = np.zeros(len(at), dtype=np.uint64)
        for offset in (*range(0, length - 8, 8), length - 8):
            word = self._eights[at + offset]
            low = word & _LOW7
            outside |= word | (low + _ABOVE_F) | ~(low + _BELOW_DASH)
        inside: Mask = (outside & _HIGH) == 0
        return inside

    def _read(self, starts: Index) -> Index:
        """Read all lines side by side, one field a round.

        Returns
        -------
        array of int
            For each line where the next begins, 0 if it is not certain that the line was read whole.
        """
        get, eights = self._bytes, self._eights
        ends = np.zeros(len(starts), dtype=np.int64)
        seen = np.zeros(len(starts), dtype=np.uint16)
        rows, at = np.arange(len(starts)), starts + (_ID_START + _ID_LENGTH)
        turn = 0
        while len(rows):
            byte = get[at]
            white = _WHITE[byte]
            right = white | (byte == _NEWLINE)
            for _ in range(_WIDEST_GAP):
                if not white.any():
                    break
                at = at + white
                white = _WHITE[get[at]]
            right &= ~white & (at < starts[rows] + _LONGEST)
            ended = get[at] == _NEWLINE
            if ended.any():
                following = eights[at + 1]
                traced = ended & (following == _code("XRAY Tra"))
                at = at + traced
                ended &= ~traced
                last = np.flatnonzero(right & ended & (seen[rows] != 0))
                last = last[self._begins_message(at[last] + 1)]
                ends[rows[last]] = at[last] + 1
                right &= ~ended
            rows, at = rows[right], at[right]
            rows, at = self._read_field(rows, at, seen, turn)
            turn += 1
        return ends

    def _read_field(self, rows: Index, at: Index, seen: NDArray[np.uint16], turn: int) -> tuple[Index, Index]:
        """Read the field at each position; the rows and positions behind it of the lines where that went well."""
        word = self._eights[at]
        behind = np.zeros(len(rows), dtype=np.int64)
        waiting = len(rows)
        for place in range(len(_FIELDS)):
            # Most lines have their fields in this order, so that the first guess is right for most of them.
            bit = (turn + place) % len(_FIELDS)
            label, read = _FIELDS[bit]
            chosen = np.flatnonzero(word == _code(label))
            if not len(chosen):
                continue
            waiting -= len(chosen)
            mine, value = rows[chosen], at[chosen] + len(label)
            right = self._is_label(at[chosen], label) & ((seen[mine] >> bit) & 1 == 0)
            seen[mine] |= np.uint16(1 << bit)
            behind[chosen] = np.where(right, read(self, mine, value), 0)
            if not waiting:
                break
        good = behind > 0
        return rows[good], behind[good]

    def _is_label(self, at: Index, label: str) -> Mask:
        right = np.ones(len(at), dtype=bool)
        for offset in (*range(8, len(label) - 8, 8), len(label) - 8):
            if offset > 0:
                right &= self._eights[at + offset] == _code(label[offset:])
        return right

    def _digits(self, word: Eights) -> tuple[Eights, Eights]:
        """Value and count of the digits a word begins with."""
        digits = word ^ _ZEROS
        other = (((digits & _LOW7) + _NOT_DIGIT) | digits) & _HIGH
        count = np.bitwise_count((other & (~other + _ONE)) - _ONE).astype(np.uint64) >> _U64(3)
        # Leading zeros instead of what follows; then pairs, fours and eights of digits become one number each.
        digits = digits << ((_U64(64) - (count << _U64(3))) & _U64(63))
        digits = ((digits * _U64(2561)) >> _U64(8)) & _PAIRS
        digits = ((digits * _U64(6553601)) >> _U64(16)) & _QUADS
        return (digits * _U64(42949672960001)) >> _U64(32), count

    def _read_number(self, column: str, unit: np.uint64, rows: Index, at: Index) -> Index:
        whole, count = self._digits(self._eights[at])
        at = at + count.astype(np.int64)
        rest = self._eights[at]
        right = (count > 0) & (count < 8)
        value = whole.astype(np.float64)
        fractional = (rest & _BYTE) == _DOT
        if fractional.any():
            fraction, places = self._digits(rest >> _U64(8))
            right &= ~fractional | ((places > 0) & (places < 4))
            places = np.where(fractional, np.minimum(places, _U64(7)), _U64(0))
            power = _POWERS[places]
            # Exact integers divided once: the same float as the text of the number gives.
            value = np.where(fractional, (value * power + fraction) / power, value)
            skipped = np.where(fractional, places + _ONE, _U64(0))
            rest = rest >> (skipped << _U64(3))
            at = at + skipped.astype(np.int64)
        right &= (rest & _UNIT_MASK) == unit
        self.numbers[column][rows] = value
        return np.where(right, at + 3, 0)

    def _read_status(self, rows: Index, at: Index) -> Index:
        word = self._eights[at]
        behind = np.zeros(len(rows), dtype=np.int64)
        for code, status in enumerate(_STATUSES, start=1):
            chosen = (word & _U64((1 << 8 * len(status)) - 1)) == _code(status)
            self._status[rows[chosen]] = code
            behind[chosen] = at[chosen] + len(status)
        return behind

    def _read_error_type(self, rows: Index, at: Index) -> Index:
        behind = np.zeros(len(rows), dtype=np.int64)
        for index, (row, start) in enumerate(zip(rows.tolist(), at.tolist(), strict=True)):
            found = _ERROR_TYPE.match(self._data, start)
            if found:
                self._error_types[row] = found.group(1)
                behind[index] = found.end(1)
        return behind

    def _read_trace(self, rows: Index, at: Index) -> Index:
        get = self._bytes
        right = self._is_id(at, _TRACE_LENGTH) & (get[at] == ord("1")) & (get[at + 1] == _DASH)
        right &= _WHITE[get[at + _TRACE_LENGTH]]
        self._traced[rows] = at
        return np.where(right, at + _TRACE_LENGTH, 0)

    def _read_segment(self, rows: Index, at: Index) -> Index:
        right = self._is_id(at, _SEGMENT_LENGTH) & _WHITE[self._bytes[at + _SEGMENT_LENGTH]]
        self._segments[rows] = at
        return np.where(right, at + _SEGMENT_LENGTH, 0)

    def _read_sampled(self, rows: Index, at: Index) -> Index:
        word = self._eights[at]
        yes = (word & _U64(0xFFFFFFFF)) == _code("true")
        no = (word & _U64(0xFFFFFFFFFF)) == _code("false")
        self.numbers["xray_sampled"][rows] = yes
        return np.where(yes, at + 4, np.where(no, at + 5, 0))


_Read = Callable[[_Block, Index, Index], Index]


def _number(column: str, unit: np.uint64) -> _Read:
    return lambda block, rows, at: block._read_number(column, unit, rows, at)


# In the order of the line, though any order is read. Each label differs from the others in its first eight letters.
_FIELDS: Final[tuple[tuple[str, _Read], ...]] = (
    ("Duration: ", _number("duration_ms", _MS)),
    ("Billed Duration: ", _number("billed_duration_ms", _MS)),
    ("Memory Size: ", _number("memory_size_mb", _MB)),
    ("Max Memory Used: ", _number("max_memory_used_mb", _MB)),
    ("Init Duration: ", _number("init_duration_ms", _MS)),
    ("Restore Duration: ", _number("restore_duration_ms", _MS)),
    ("Billed Restore Duration: ", _number("billed_restore_duration_ms", _MS)),
    ("Status: ", _Block._read_status),
    ("Error Type: ", _Block._read_error_type),
    ("XRAY TraceId: ", _Block._read_trace),
    ("SegmentId: ", _Block._read_segment),
    ("Sampled: ", _Block._read_sampled),
)
