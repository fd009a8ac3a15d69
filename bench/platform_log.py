"""How fast the platform log readers are, beside what people use instead, in one run of one process.

    python bench/platform_log.py [--lines 1000000]

Compares with (a) `grep -c REPORT` and (b) a Python loop that splits each line on tabs and colons into a dict, which is
what the fastest parsers of these lines in Python do. Exits with 1 if a goal is missed: columnar reader at least 3 times
(b), exact reader on log tails at least 1 time (b), no hostile megabyte over a second. Times are processor time: other
work on the machine does not count.
"""

from __future__ import annotations

import argparse
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from isotherm.platform_log import parse_events, parse_reports

RUNS = 5
TAILS = 400


def report_lines(count: int, seed: int) -> str:
    """REPORT lines in the mixture of a real archive: mostly warm, a fifth cold, some traced, restored or failed."""
    rng = random.Random(seed)  # noqa: S311 - chance, not secrecy
    lines = []
    for _ in range(count):
        duration = rng.lognormvariate(3.5, 1.5)
        size = rng.choice((128, 256, 512, 1024, 3008))
        line = (
            f"REPORT RequestId: {uuid.UUID(int=rng.getrandbits(128))}\tDuration: {duration:.2f} ms\t"
            f"Billed Duration: {int(duration) + 1} ms\tMemory Size: {size} MB\t"
            f"Max Memory Used: {rng.randint(30, size)} MB\t"
        )
        kind = rng.random()
        if kind < 0.20:
            line += f"Init Duration: {rng.lognormvariate(5.5, 0.6):.2f} ms\t"
        elif kind < 0.24:
            line += (
                f"Restore Duration: {rng.uniform(100, 900):.2f} ms\tBilled Restore Duration: {rng.randint(1, 200)} ms\t"
            )
        elif kind < 0.27:
            line += "Status: timeout"
        elif kind < 0.29:
            line += "Status: error\tError Type: Runtime.ExitError"
        elif kind < 0.37:
            trace = f"1-{rng.getrandbits(32):08x}-{rng.getrandbits(96):024x}"
            line += f"\nXRAY TraceId: {trace}\tSegmentId: {rng.getrandbits(64):016x}\tSampled: true\t"
        elif kind < 0.42:
            line = line.replace("\t", "  ")
        elif kind < 0.43:
            line = f"2024-05-20T16:29:45.022Z\t{line}"
        lines.append(line)
    return "\n".join(lines) + "\n"


def log_tail(rng: random.Random, printed: int) -> str:
    """The log of one invocation as `LogType=Tail` returns it, with that many lines of the function's own."""
    request_id = uuid.UUID(int=rng.getrandbits(128))
    own = "".join(
        f"2024-05-20T16:29:{rng.randint(10, 59)}.{rng.randint(100, 999)}Z\t{request_id}\tINFO\t"
        f"processed record {rng.randint(1, 999)} of customer {rng.randint(1, 9999)}, nothing left to do\n"
        for _ in range(printed)
    )
    line = report_lines(1, rng.getrandbits(32))
    report = "REPORT RequestId: " + str(request_id) + line[line.index("REPORT") + 54 :]
    return f"START RequestId: {request_id} Version: $LATEST\n{own}END RequestId: {request_id}\n{report}"


def split_lines(data: bytes) -> list[dict[str, str]]:
    """What others do: every line into a dict, split on tabs and each part at its colon."""
    records = []
    for line in data.decode().splitlines():
        record = {}
        for part in line.split("\t"):
            name, _, value = part.partition(":")
            record[name.strip()] = value.strip()
        records.append(record)
    return records


def best(work: Callable[[], Any]) -> float:
    """Seconds of processor time of the fastest of a few runs: what else the machine does can only slow a run down."""
    seconds = []
    for _ in range(RUNS):
        began = _processor_seconds()
        work()
        seconds.append(_processor_seconds() - began)
    return min(seconds)


def _processor_seconds() -> float:
    """Of this process, which has one thread, and of those it has started."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def bench_bulk(count: int) -> float:
    """Columnar reader against grep and the loop; the ratio to the loop."""
    data = report_lines(count, seed=1).encode()
    print(f"{count:,} REPORT lines, {len(data) / 1e6:,.0f} MB")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reports.log"
        path.write_bytes(data)
        grep = shutil.which("grep") or "grep"
        grep_seconds = best(lambda: subprocess.run([grep, "-c", "REPORT", str(path)], check=True, capture_output=True))
    loop_seconds = best(lambda: split_lines(data))
    bulk_seconds = best(lambda: parse_reports(data))
    words_seconds = best(lambda: parse_reports(data).request_id)
    assert len(parse_reports(data)) == count
    for name, seconds in (
        ("(a) grep -c REPORT", grep_seconds),
        ("(b) split on tabs and colons", loop_seconds),
        ("parse_reports", bulk_seconds),
        ("parse_reports, ids as str too", words_seconds),
    ):
        speed = f"{count / seconds / 1e6:6.2f} million lines/s"
        beside = f"{loop_seconds / seconds:5.1f} x (b)  {grep_seconds / seconds:5.2f} x (a)"
        print(f"  {name:31}{seconds:7.3f} s  {speed}  {beside}")
    return loop_seconds / bulk_seconds


def bench_tails() -> float:
    """Exact reader against the loop on log tails; the ratio over all of them."""
    rng = random.Random(2)  # noqa: S311 - chance, not secrecy
    print(f"\nlog tails, {TAILS} of each kind, exact reader (parse_events)")
    total_loop = total_exact = 0.0
    for name, printed in (("no output of its own", 0), ("1 KB", 8), ("2.5 KB", 20), ("4 KB", 32)):
        tails = [log_tail(rng, printed) for _ in range(TAILS)]
        lines = sum(tail.count("\n") for tail in tails)
        loop = best(partial(_each, split_lines, [tail.encode() for tail in tails]))
        exact = best(partial(_each, parse_events, tails))
        used = best(partial(_each, _report_of, tails))
        total_loop += loop
        total_exact += exact
        speed = f"{lines / exact / 1e6:6.2f} million lines/s, (b) {lines / loop / 1e6:5.2f}"
        print(f"  {name:21}{speed}: {loop / exact:4.2f} x (b); {loop / used:4.2f} x with the report's fields read too")
    print(f"  all{'':18}{total_loop / total_exact:4.2f} x (b)")
    return total_loop / total_exact


def _each(read: Callable[[Any], Any], tails: list[Any]) -> None:
    for tail in tails:
        read(tail)


def _report_of(tail: str) -> tuple[float | None, ...]:
    report = next(event for event in parse_events(tail) if event.event == "report")
    return report.duration_ms, report.billed_duration_ms, report.init_duration_ms, report.max_memory_used_mb


HOSTILE = {
    "objects never closed": '{"a":',
    "escaped objects": '{\\"a\\":',
    "backslashes": "\\",
    "REPORT labels": "REPORT RequestId: ",
    "reports without end": "REPORT RequestId: x Duration: 1 ",
    "log records cut": '{"level":"INFO","message":"REPORT RequestId: ',
    "extensions": "EXTENSION Name: a ",
    "base64": "ZXF1ZXN0SWQ6",
    "labels": "A A ",
}


def bench_hostile() -> float:
    """Growth of the time hostile text takes; the seconds of the slowest megabyte."""
    print("\nhostile text, ms for 1/4, 1/2, 1, 2 MB (linear: each doubles)")
    slowest = 0.0
    for name, piece in HOSTILE.items():
        times = []
        for size in (250_000, 500_000, 1_000_000, 2_000_000):
            text = piece * (size // len(piece))
            times.append(min(_timed(text), _timed(text)))
        slowest = max(slowest, times[2])
        print(f"  {name:22}" + "".join(f"{seconds * 1e3:8.0f}" for seconds in times))
    return slowest


def _timed(text: str) -> float:
    began = time.process_time()
    parse_events(text)
    return time.process_time() - began


def main() -> None:
    """Run everything, say which goals are met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lines", type=int, default=1_000_000)
    count = parser.parse_args().lines
    goals = (
        ("columnar reader at least 3 x (b)", bench_bulk(count) >= 3),
        ("exact reader on log tails at least 1 x (b)", bench_tails() >= 1),
        ("hostile megabyte under 1 s", bench_hostile() < 1),
    )
    print()
    for goal, met in goals:
        print(f"{'met   ' if met else 'MISSED'}  {goal}")
    sys.exit(0 if all(met for _, met in goals) else 1)


if __name__ == "__main__":
    main()
