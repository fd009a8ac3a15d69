"""Import time of each control function, as a ratio to `import boto3` alone in the same run.

Each import runs in a fresh interpreter, the candidates in a new random order each round, so that a busy machine slows
all of them alike; a ratio is taken within a round, and the median of the rounds is what is judged. Everything is
compiled beforehand, as it is on Lambda: the runtime's boto3 has its bytecode, and the layer ships its own. Aims: at
most 1.5, save aggregate and publish; those that run between a campaign's calls load neither pydantic nor numpy. Exit
code 1 where an aim is missed.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import random
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

CONTROL = Path(__file__).parents[1] / "functions" / "control"
EXEMPT = {"aggregate", "publish"}
LIMIT = 1.5
#: What the handlers must not load that stand between a campaign's calls; plan reads the input with pydantic.
HEAVY = ("numpy", "pydantic", "scipy")
MAY_BE_HEAVY = {*EXEMPT, "plan"}
BASELINE = "boto3"
MEASURE = (
    "import sys, time; began = time.perf_counter(); import {module}; "
    "print((time.perf_counter() - began) * 1000, *sorted({heavy} & set(sys.modules)))"
)


def import_once(module: str, folder: Path | None) -> tuple[float, list[str]]:
    """Milliseconds that one fresh interpreter takes to import a module, and which of `HEAVY` came along."""
    environment = {**os.environ, "PYTHONPATH": str(folder or ""), "POWERTOOLS_SERVICE_NAME": "isotherm"}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE.format(module=module, heavy=set(HEAVY))],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    time_ms, *heavy = done.stdout.split()
    return float(time_ms), heavy


def main() -> int:
    """Measure, print the table, and say whether all aims are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="imports of each candidate (default: 15)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    asked = parser.parse_args()
    candidates: dict[str, tuple[str, Path | None]] = {BASELINE: ("boto3", None)}
    candidates |= {folder.name: ("app", folder) for folder in sorted(CONTROL.iterdir()) if (folder / "app.py").exists()}
    for folder in (CONTROL, CONTROL.parents[1] / "src"):
        compileall.compile_dir(folder, quiet=1)
    times: dict[str, list[float]] = {name: [] for name in candidates}
    loaded: dict[str, list[str]] = {}
    for _ in range(asked.rounds):
        for name in random.sample(list(candidates), len(candidates)):
            time_ms, loaded[name] = import_once(*candidates[name])
            times[name].append(time_ms)
    found: list[dict[str, Any]] = []
    for name, of_name in times.items():
        ratio = statistics.median(ours / base for ours, base in zip(of_name, times[BASELINE], strict=True))
        missed = []
        if name not in EXEMPT and ratio > LIMIT:
            missed.append(f"above {LIMIT} x")
        if name not in MAY_BE_HEAVY and loaded[name]:
            missed.append(f"loads {', '.join(loaded[name])}")
        median_ms = statistics.median(of_name)
        found.append({"name": name, "median_ms": median_ms, "ratio": ratio, "loads": loaded[name], "missed": missed})
    failed = [entry["name"] for entry in found if entry["missed"]]
    if asked.json:
        print(json.dumps({"rounds": asked.rounds, "limit": LIMIT, "imports": found, "failed": failed}))
        return 1 if failed else 0
    print(f"median of {asked.rounds} imports, each in a fresh interpreter ({sys.version.split()[0]})")
    for entry in found:
        verdict = "; ".join(entry["missed"]) or ("exempt" if entry["name"] in EXEMPT else "ok")
        print(f"{entry['name']:12} {entry['median_ms']:8.1f} ms  {entry['ratio']:5.2f} x  {verdict}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
