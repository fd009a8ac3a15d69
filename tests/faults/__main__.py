"""Runs the faults, prints what became of each, and writes docs/reliability.md.

python -m tests.faults
python -m tests.faults --quick --json
python -m tests.faults --only 'outsider-*' --seed 7
python -m tests.faults --merge all.json; python -m tests.faults --merge all.json --only 'lease-*'
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parents[2]
# What pytest does for the tests: their folders are imported by name.
sys.path.insert(0, str(ROOT / "tests"))

import pytest  # noqa: E402 - after the path
from rich.console import Console  # noqa: E402

from integration.embedded import deployed_stack  # noqa: E402

from .driver import Results, chosen, throw_all  # noqa: E402
from .faults import FAULTS  # noqa: E402
from .page import table, write_page  # noqa: E402


def main() -> int:
    """Carry out the command line; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of it, in under three minutes")
    parser.add_argument("--seed", type=int, default=1, help="of every moment that is chosen (default: 1)")
    parser.add_argument("--only", nargs="+", default=["*"], metavar="NAME", help="faults of these names or patterns")
    parser.add_argument("--times", type=int, metavar="N", help="throw each so often (default: as each says, 1 or 2)")
    parser.add_argument("--list", action="store_true", help="name the faults and end")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON, and nothing else")
    parser.add_argument("--merge", type=Path, metavar="FILE", help="put the rows into FILE, made by an earlier --merge")
    asked = parser.parse_args()
    if asked.list:
        for fault in FAULTS:
            print(f"{fault.name:28} {fault.what}")
        return 0
    faults = chosen(asked.only, quick=asked.quick, times=asked.times)
    if not faults:
        print(f"--only: no fault is called {' or '.join(asked.only)}; --list names them", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _leave)
    begun = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - begun:4.0f} s] {text}", file=sys.stderr, flush=True)

    results = Results(asked.seed)
    earlier = Results(asked.seed)
    if asked.merge is not None and asked.merge.exists():
        earlier = Results.of(json.loads(asked.merge.read_text()))

    def keep() -> None:
        if asked.merge is not None:
            together = results.over(earlier)
            asked.merge.write_text(json.dumps(together.document(), indent=1) + "\n")
            write_page(together)

    say("starting a stack of its own")
    try:
        with deployed_stack("faults") as embedded:
            embedded.shorten_waits()
            throw_all(embedded, faults, results, say, keep)
    except pytest.skip.Exception as missing:
        print(missing, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("interrupted; the stack is down")
        if results.rows and not asked.json:
            Console().print(table(results))
        return 130
    if asked.json:
        print(json.dumps(results.document(), indent=1))
    else:
        Console().print(table(results))
    if asked.merge is None and asked.only == ["*"] and not asked.quick:
        write_page(results)
    return 0 if results.good else 1


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
