"""Throws damaged logs at both readers: neither may raise, and both must find the same reports.

python tests/fuzz/fuzz_platform_log.py --inputs 1000000
python tests/fuzz/fuzz_platform_log.py --inputs 1000000 --engine atheris    (coverage-guided, if atheris is installed)
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import sys
import tempfile
import time
import uuid
from pathlib import Path

from isotherm.platform_log import BASE_FIELDS, parse_events, parse_reports

CORPUS = Path(__file__).parent.parent / "unit" / "platform_log" / "corpus.jsonl"
_ATHERIS_BEGINS_WITH, _ATHERIS_LONGEST = 2000, 4096
REPORTS = ("report", "platform.report")
TIMES = ("2024-02-02T20:11:04.919Z\t", "2021-01-16T17:26:43.137+01:00\t", "2024-02-02 20:11:04.919Z\t", "20T1-Z1:Z ")
# The columnar reader leaves the last kilobyte to the exact one; without this it would never be tried on small inputs.
AFTERWARDS = b"\nSTART RequestId: 0 Version: 1\n" + b" " * 1100
WORDS = (
    "REPORT RequestId: ", "START RequestId: ", "END RequestId: ", "RequestId: ", "Duration: ", "Billed Duration: ",
    "Memory Size: ", "Max Memory Used: ", "Init Duration: ", "Restore Duration: ", " ms", " MB", "\t", "\n", " ",
    "\r\n", "XRAY TraceId: ", "SegmentId: ", "Sampled: true", "Status: error", "Error Type: Runtime.ExitError",
    "Version: $LATEST", "INIT_START Runtime Version: ", "INIT_REPORT ", "EXTENSION\tName: ",
    "Task timed out after 3.00 seconds", '"', "'", "\\", "{", "}", "[", "]", ",", ":", '{"time":',
    '"type":"platform.report"', '"record":', '\\"', '""', "\x1b[32m", "?[0m", "| ", "# ", "0", "9", "12.34",
    "2024-02-02T20:11:04.919Z ", "\x00", "\u2028", "é", "NaN", "-1", "INIT REPORT(durationMs: 1.0)",
    '{"field":"@message","value":', '"LogResult":"', "ZXF1ZXN0SW", "platform.", '{"level":"INFO","message":',
)  # fmt: skip


def exercise(data: bytes) -> None:
    """Read one input with both readers and compare.

    Raises
    ------
    AssertionError
        If an event is not whole, or if the readers disagree.
    """
    data += AFTERWARDS
    events = parse_events(data.decode("utf-8", "replace"))
    for event in events:
        whole = event.to_dict()
        assert whole["event"]
        assert set(BASE_FIELDS) <= whole.keys()
        json.dumps(whole, allow_nan=False)
    expected = [event for event in events if event.event in REPORTS]
    rows = list(parse_reports(data).rows())
    assert len(rows) == len(expected), (len(rows), len(expected))
    for row, event in zip(rows, expected, strict=True):
        assert all(event[name] == value for name, value in row.items()), (row, event)


class Damage:
    """Makes logs and damages them.

    Parameters
    ----------
    seed : int
        The same seed makes the same inputs.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - chance, not secrecy
        self._raws: list[str] = [json.loads(line)["raw"] for line in CORPUS.read_text(encoding="utf-8").splitlines()]

    def next(self) -> bytes:
        """One input."""
        rng = self._random
        text = "".join(self._piece() for _ in range(rng.choice((1, 1, 2, 3, 6))))
        for _ in range(rng.choice((0, 0, 1, 1, 2, 3, 5))):
            text = self._damaged(text)
        if rng.random() < 0.25:
            text = self._wrapped(text)
        data = text.encode("utf-8", "surrogatepass")
        if rng.random() < 0.1 and data:
            place = rng.randrange(len(data))
            data = data[:place] + rng.randbytes(rng.randint(1, 4)) + data[place + rng.randint(0, 2) :]
        return data

    def _piece(self) -> str:
        rng = self._random
        kind = rng.random()
        if kind < 0.35:
            return rng.choice(self._raws) + rng.choice(("", "\n", "\n", "\n\n"))
        if kind < 0.85:
            return self._report()
        return "".join(rng.choice(WORDS) for _ in range(rng.randint(1, 8)))

    def _report(self) -> str:
        rng = self._random
        gap = rng.choice(("\t", "\t", "\t", "\t", " ", "  ", "\t ", " \t"))
        fields = [f"Duration: {self._number()} ms", f"Billed Duration: {rng.randint(0, 10 ** rng.randint(1, 8))} ms"]
        fields += [f"Memory Size: {rng.choice((128, 1024, 0))} MB", f"Max Memory Used: {rng.randint(0, 4000)} MB"]
        if rng.random() < 0.4:
            fields.append(f"Init Duration: {self._number()} ms")
        if rng.random() < 0.1:
            fields += [f"Restore Duration: {self._number()} ms", f"Billed Restore Duration: {rng.randint(0, 999)} ms"]
        if rng.random() < 0.2:
            fields.append(f"Status: {rng.choice(('timeout', 'error', 'failure', 'success', 'odd'))}")
            if rng.random() < 0.5:
                fields.append(
                    f"Error Type: {rng.choice(('Runtime.ExitError', 'Extension.Crash', 'PermissionDenied', 'a.b'))}"
                )
        if rng.random() < 0.1:
            rng.shuffle(fields)
        if rng.random() < 0.1:
            del fields[rng.randrange(len(fields))]
        if rng.random() < 0.2:
            trace = f"XRAY TraceId: 1-{rng.randbytes(4).hex()}-{rng.randbytes(12).hex()}"
            fields[-1] += rng.choice(("\t\n", "\n", gap)) + trace
            fields += [f"SegmentId: {rng.randbytes(8).hex()}", f"Sampled: {rng.choice(('true', 'false'))}"]
        request_id = (
            uuid.UUID(int=rng.getrandbits(128)) if rng.random() < 0.9 else rng.choice(("xxx", "", "1d4e...", "a,b"))
        )
        time = "" if rng.random() < 0.8 else rng.choice(TIMES)
        return (
            time
            + gap.join((f"REPORT RequestId: {request_id}", *fields))
            + rng.choice(("\n", "\t\n", "\t\n", "\r\n", ""))
        )

    def _number(self) -> str:
        rng = self._random
        return f"{rng.random() * 10 ** rng.randint(0, 7):.{rng.choice((2, 2, 2, 2, 0, 1, 3, 4, 6))}f}"

    def _damaged(self, text: str) -> str:
        rng = self._random
        if not text:
            return text
        start = rng.randrange(len(text))
        end = min(len(text), start + int(rng.expovariate(1 / 12)) + 1)
        how = rng.randrange(7)
        if how == 0:
            return text[:start] + text[end:]
        if how == 1:
            return text[:start]
        if how == 2:
            return text[start:]
        if how == 3:
            return text[:start] + rng.choice(WORDS) + text[start:]
        if how == 4:
            return text[:end] + text[start:]
        if how == 5:
            return text[:start] + rng.choice(WORDS) + text[end:]
        return text.replace(rng.choice(("\t", " ", "\n", "ms", ":")), rng.choice(WORDS), rng.randint(1, 3))

    def _wrapped(self, text: str) -> str:
        rng = self._random
        how = rng.randrange(7)
        if how == 0:
            return json.dumps({"message": text}, ensure_ascii=rng.random() < 0.5)
        if how == 1:
            return json.dumps(text)[1:-1] if rng.random() < 0.5 else json.dumps(json.dumps(text))
        if how == 2:
            packed = base64.b64encode(text.encode("utf-8", "replace")).decode()
            width = rng.choice((0, 20, 64, 76))
            return "\n".join(packed[at : at + width] for at in range(0, len(packed), width)) if width else packed
        if how == 3:
            return '1700000000000,"' + text.replace('"', '""') + '"\n'
        if how == 4:
            prefix = rng.choice(("# ", "> ", " * ", "fn  | ", "2024-02-02T20:11:04.919Z\t", "- `01:49:44`  ", "// "))
            return "".join(prefix + line for line in text.splitlines(keepends=True))
        if how == 5:
            return repr({"Payload": 1, "LogResult": text})
        return "\x1b[32m" + text + "\x1b[0m"


def run(inputs: int, seed: int) -> int:
    """Exercise so many inputs; the seed and number of one that fails are printed.

    Returns
    -------
    int
        How many failed.
    """
    damage, failed, began, size = Damage(seed), 0, time.monotonic(), 0
    for number in range(1, inputs + 1):
        data = damage.next()
        size += len(data)
        try:
            exercise(data)
        except Exception as problem:  # noqa: BLE001 - whatever it is, it is what this looks for
            failed += 1
            print(f"input {number} of seed {seed}: {type(problem).__name__}: {problem}\n  {data!r}", flush=True)
        if number % 100_000 == 0:
            spent = time.monotonic() - began
            print(f"{number:,} inputs, {size / 1e6:,.1f} MB, {failed} failed, {spent:,.0f} s", flush=True)
    return failed


def run_atheris(inputs: int, seed: int) -> int:
    """The same with atheris choosing the inputs by the code they reach, beginning with damaged logs."""
    import atheris  # type: ignore[import-untyped]

    damage = Damage(seed)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(_ATHERIS_BEGINS_WITH):
            Path(folder, str(number)).write_bytes(damage.next()[:_ATHERIS_LONGEST])
        atheris.instrument_all()
        limits = [f"-atheris_runs={inputs}", f"-seed={seed}", f"-max_len={_ATHERIS_LONGEST}"]
        atheris.Setup([sys.argv[0], *limits, folder], exercise)
        atheris.Fuzz()  # leaves the process when it is done, with 77 if an input failed
    return 0


def main() -> None:
    """Read the command line and leave with 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=("random", "atheris"), default="random")
    chosen = parser.parse_args()
    engine = run_atheris if chosen.engine == "atheris" else run
    sys.exit(1 if engine(chosen.inputs, chosen.seed) else 0)


if __name__ == "__main__":
    main()
