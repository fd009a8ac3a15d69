"""Import time of each control function, as a ratio to `import boto3` alone in the same run.

Each import runs in a fresh interpreter, the candidates in a new random order each round, so that a busy machine slows
all of them alike. Everything is compiled beforehand, as it is on Lambda: the runtime's boto3 has its bytecode, and the
layer ships its own. Prints the median of each and its ratio; aim: at most 1.5, save aggregate and publish.
"""

from __future__ import annotations

import argparse
import compileall
import os
import random
import statistics
import subprocess
import sys
from pathlib import Path

CONTROL = Path(__file__).parents[1] / "functions" / "control"
EXEMPT = {"aggregate", "publish"}
LIMIT = 1.5
MEASURE = "import time; began = time.perf_counter(); import {module}; print((time.perf_counter() - began) * 1000)"


def import_ms(module: str, folder: Path | None) -> float:
    """Milliseconds that one fresh interpreter takes to import a module from a folder."""
    environment = {**os.environ, "PYTHONPATH": str(folder or ""), "POWERTOOLS_SERVICE_NAME": "isotherm"}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE.format(module=module)],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="imports of each candidate (default: 15)")
    rounds = parser.parse_args().rounds
    candidates: dict[str, tuple[str, Path | None]] = {"boto3 alone": ("boto3", None)}
    candidates |= {folder.name: ("app", folder) for folder in sorted(CONTROL.iterdir()) if (folder / "app.py").exists()}
    for folder in (CONTROL, CONTROL.parents[1] / "src"):
        compileall.compile_dir(folder, quiet=1)
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name in random.sample(list(candidates), len(candidates)):
            times[name].append(import_ms(*candidates[name]))
    baseline = statistics.median(times["boto3 alone"])
    print(f"median of {rounds} imports, each in a fresh interpreter ({sys.version.split()[0]})")
    for name, values in times.items():
        ratio = statistics.median(values) / baseline
        verdict = "exempt" if name in EXEMPT else "" if name == "boto3 alone" else "ok" if ratio <= LIMIT else "ABOVE"
        print(f"{name:12} {statistics.median(values):8.1f} ms  {ratio:5.2f} x  {verdict}")


if __name__ == "__main__":
    main()
