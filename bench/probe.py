"""What the probe adds to a measured function's start and to each of its calls, against the same function without it.

Every start is a fresh interpreter that has loaded what Lambda's runtime client has before it reaches a handler (`json`
among them). Both candidates run side by side in a random order, so that a busy machine slows both alike.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

TARGETS = Path(__file__).parents[1] / "functions" / "targets"
EMPTY = 'def handler(event, context):\n    return {"ok": True, "target": "default"}\n'
MEASURE = """
import importlib, json, sys, time
import collections, functools, logging, os, random, types  # what awslambdaric 4 has loaded by then
sys.stdout, line = open("/dev/null", "w"), sys.stdout
began = time.perf_counter()
handler = importlib.import_module(sys.argv[1]).handler
loaded = time.perf_counter()
handler({}, None)
first = time.perf_counter()
for _ in range(200):
    handler({}, None)
print((loaded - began) * 1000, (first - loaded) * 1000, (time.perf_counter() - first) * 5, file=line)
"""


def start(module: str, folder: Path) -> tuple[float, ...]:
    """Milliseconds to import a handler in a fresh interpreter, to call it first, and to call it again."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", MEASURE, module],
        env={**os.environ, "PYTHONPATH": str(folder)},
        check=True,
        capture_output=True,
        text=True,
    )
    return tuple(map(float, done.stdout.split()))


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50, help="starts of each candidate (default: 50)")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "empty.py").write_text(EMPTY)
        candidates = {"without": ("empty", Path(folder)), "with probe": ("default.app", TARGETS)}
        times: dict[str, list[tuple[float, ...]]] = {name: [] for name in candidates}
        for _ in range(rounds):
            for name in random.sample(list(candidates), len(candidates)):
                times[name].append(start(*candidates[name]))
    medians = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in times.items()}
    print(f"median of {rounds} starts, each in a fresh interpreter without bytecode ({sys.version.split()[0]}), ms")
    print(f"{'':12} {'import':>8} {'1st call':>9} {'a call':>8}")
    for name, columns in medians.items():
        print(f"{name:12} {columns[0]:8.3f} {columns[1]:9.3f} {columns[2]:8.4f}")
    added = [probe - bare for bare, probe in zip(medians["without"], medians["with probe"], strict=True)]
    print(f"{'added':12} {added[0]:8.3f} {added[1]:9.3f} {added[2]:8.4f}")


if __name__ == "__main__":
    main()
