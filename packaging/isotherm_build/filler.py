"""Bytes that no compression makes smaller, the same on every machine, as many as bring an archive to its size."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from isotherm_build.errors import BuildRefused

SEED = b"isotherm filler 1"


def filler(size: int) -> bytes:
    """The first `size` bytes of SHAKE-256 over the seed (FIPS 202), a standard that fixes every bit."""
    return hashlib.shake_256(SEED).digest(size)


def fit(total_size: Callable[[int], int], wanted: int, *, tolerance: float = 0.001) -> int:
    """Find how much filler brings an archive to its size.

    Parameters
    ----------
    total_size : callable
        From bytes of filler to bytes of archive. Nearly their sum with a constant, but not exactly: deflate wraps what
        it cannot compress in blocks, and the number of filler bytes is itself written down in the archive.
    wanted : int
        Bytes of archive.
    tolerance : float
        Relative error that is accepted.

    Returns
    -------
    int
        Bytes of filler; the archive is exact to the byte where that can be had, else as near as was found.

    Raises
    ------
    BuildRefused
        The archive without filler is larger than wanted, or nothing within the tolerance was found.
    """
    bare = total_size(0)
    if bare > wanted * (1 + tolerance):
        raise BuildRefused(f"the archive has {bare:,} bytes without any filler, more than the {wanted:,} it is to have")
    best, best_miss = 0, abs(bare - wanted)
    amount = max(wanted - bare, 0)
    for _ in range(8):
        miss = wanted - total_size(amount)
        if abs(miss) < best_miss:
            best, best_miss = amount, abs(miss)
        if miss == 0:
            break
        amount = max(amount + miss, 0)
    if best_miss > wanted * tolerance:
        raise BuildRefused(f"no amount of filler brings the archive within {tolerance:.1%} of {wanted:,} bytes")
    return best
