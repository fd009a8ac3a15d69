"""Counts of values within 0.1 %, in HdrHistogram's layout and wire format. Knows nothing of what the values are.

The PyPI package `hdrhistogram` is not used where load is made: it has no wheels for arm64, which half of our Lambda
functions may run on, and it needs setuptools at run time. The tests hold this one against it.
"""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Iterator

from isotherm.statistics.order_statistics import place_of_quantile

#: HdrHistogram's parameters: whole numbers from 1 to a day's microseconds.
_LOWEST, _HIGHEST = 1, 86_400_000_000

# Version 2 of the encoding: AbstractHistogram.java and ZigZagEncoding.java of https://github.com/HdrHistogram/HdrHistogram
_PAYLOAD_COOKIE = 0x1C849303 | 0x10
_COMPRESSED_COOKIE = 0x1C849304 | 0x10
_ENVELOPE = struct.Struct(">II")
_HEADER = struct.Struct(">IIIIQQd")
_LAST_VARINT_BYTE = 8  # the ninth byte carries eight bits


class Histogram:
    """Counts of whole numbers, each kept to `digits` significant decimal digits, in a bucket of HdrHistogram's.

    Only buckets that hold something take memory. Two histograms of the same values are equal whatever the order in
    which those were recorded or added.

    Parameters
    ----------
    digits : int
        1 to 5.
    """

    __slots__ = ("_counts", "_half_bits", "digits")

    def __init__(self, digits: int = 3) -> None:
        if not 1 <= digits <= 5:
            raise ValueError(f"digits: {digits} is outside 1 to 5")
        self.digits = digits
        # Each power of two is cut into this many buckets (as a power of two itself).
        self._half_bits = math.ceil(math.log2(2 * 10**digits)) - 1
        self._counts: dict[int, int] = {}

    def record(self, value: int, count: int = 1) -> None:
        """Count a value, not below 0."""
        bucket = value.bit_length() - self._half_bits - 1
        index = value if bucket <= 0 else (bucket << self._half_bits) + (value >> bucket)
        counts = self._counts
        counts[index] = counts.get(index, 0) + count

    def add(self, other: Histogram) -> None:
        """Count all that another one counted; afterwards this is the histogram of both.

        Raises
        ------
        ValueError
            The other one keeps another number of digits.
        """
        if other.digits != self.digits:
            raise ValueError(f"digits: {other.digits} cannot be added to {self.digits}")
        counts = self._counts
        for index, count in other._counts.items():
            counts[index] = counts.get(index, 0) + count

    @property
    def total(self) -> int:
        """How many values were recorded."""
        return sum(self._counts.values())

    @property
    def highest(self) -> int | None:
        """The highest value, to the digits kept; None where nothing was recorded."""
        return self._range(max(self._counts))[1] if self._counts else None

    @property
    def mean(self) -> float | None:
        """The mean, each value taken as the middle of its bucket; None where nothing was recorded."""
        total = self.total
        if not total:
            return None
        # In whole numbers, so that no order of buckets gives another sum.
        twice = sum(sum(self._range(index)) * count for index, count in self._counts.items())
        return twice / (2 * total)

    def quantile(self, q: float) -> int | None:
        """Hyndman and Fan's definition 8, as quantiles of samples are stated, to the digits kept.

        Each value is taken as the upper end of its bucket; the answer is rounded to a whole number. None where nothing
        was recorded.

        Raises
        ------
        ValueError
            `q` outside 0 to 1.
        """
        if not 0 <= q <= 1:
            raise ValueError(f"q: {q} is outside 0 to 1")
        total = self.total
        if not total:
            return None
        below, above, share = place_of_quantile(total, q)
        low, high = self._at(below), self._at(above)
        return low + round((high - low) * share)

    def middles(self) -> Iterator[tuple[float, int]]:
        """The middle of each bucket that holds something, in order, with how many values it holds."""
        for index, count in sorted(self._counts.items()):
            yield sum(self._range(index)) / 2, count

    def above(self, value: int) -> int:
        """How many values lie in buckets that are wholly above `value`."""
        return sum(count for index, count in self._counts.items() if self._range(index)[0] > value)

    def encode(self) -> str:
        """HdrHistogram's compressed text, which its tools read (base64 of version 2)."""
        packed = bytearray()
        before = -1
        for index, count in sorted(self._counts.items()):
            if gap := index - before - 1:
                _put(packed, -gap if gap > 1 else 0)
            _put(packed, count)
            before = index
        header = _HEADER.pack(_PAYLOAD_COOKIE, len(packed), 0, self.digits, _LOWEST, _HIGHEST, 1.0)
        compressed = zlib.compress(header + packed)
        return base64.b64encode(_ENVELOPE.pack(_COMPRESSED_COOKIE, len(compressed)) + compressed).decode()

    @classmethod
    def decode(cls, text: str) -> Histogram:
        """Read what `encode` wrote, or what another HdrHistogram of unit 1 wrote.

        Raises
        ------
        ValueError
            It is none.
        """
        try:
            envelope = base64.b64decode(text, validate=True)
            cookie, length = _ENVELOPE.unpack_from(envelope)
            payload = zlib.decompress(envelope[_ENVELOPE.size : _ENVELOPE.size + length])
            inner, size, offset, digits, lowest, _, _ = _HEADER.unpack_from(payload)
        except (ValueError, struct.error, zlib.error) as problem:
            raise ValueError(f"this is not an encoded histogram: {problem}") from None
        if (cookie, inner, offset, lowest) != (_COMPRESSED_COOKIE, _PAYLOAD_COOKIE, 0, _LOWEST):
            raise ValueError("this is not a histogram of HdrHistogram's version 2 with unit 1")
        decoded, index = cls(digits), 0
        for number in _numbers(payload[_HEADER.size : _HEADER.size + size]):
            if number < 0:
                index -= number
                continue
            if number:
                decoded._counts[index] = number
            index += 1
        return decoded

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Histogram):
            return NotImplemented
        return self.digits == other.digits and self._counts == other._counts

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Histogram({self.total} values, {self.digits} digits)"

    def _at(self, rank: int) -> int:
        """The value of a rank, counted from 1, as the upper end of its bucket."""
        below = 0
        for index in sorted(self._counts):
            below += self._counts[index]
            if below >= rank:
                return self._range(index)[1]
        raise ValueError(f"rank: {rank} is above the {below} values recorded")

    def _range(self, index: int) -> tuple[int, int]:
        """The lowest and the highest value of a bucket."""
        bucket = (index >> self._half_bits) - 1
        if bucket <= 0:
            return index, index
        low = (index - (bucket << self._half_bits)) << bucket
        return low, low + (1 << bucket) - 1


def _put(packed: bytearray, number: int) -> None:
    """Append a number, zigzag and in groups of seven bits (LEB128, at most nine bytes)."""
    rest = number << 1 if number >= 0 else (-number << 1) - 1
    for _ in range(_LAST_VARINT_BYTE):
        if rest < 0x80:
            packed.append(rest)
            return
        packed.append(rest & 0x7F | 0x80)
        rest >>= 7
    packed.append(rest)


def _numbers(packed: bytes) -> Iterator[int]:
    value = place = 0
    for byte in packed:
        if place == _LAST_VARINT_BYTE or byte < 0x80:
            value |= byte << (7 * place)
            yield value >> 1 if value & 1 == 0 else -(value >> 1) - 1
            value = place = 0
        else:
            value |= (byte & 0x7F) << (7 * place)
            place += 1
    if place:
        raise ValueError("this is not an encoded histogram: it ends within a number")
