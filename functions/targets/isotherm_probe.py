"""Stamps what a measured function knows of its own start. Knows nothing of who reads it, nor of any other package.

It prints one line of JSON per call, with what the function notes of that call (`note`). Times ending in `_at_ms` are
epoch milliseconds, the other `_ms` are durations on a monotonic clock. Imports are kept to what every Lambda runtime
has loaded before it reaches a handler (`__future__` and `typing` are not), so that the probe adds next to nothing to
the start it measures (`bench/probe.py`).
"""

import _thread
import itertools
import json
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Handler = Callable[[Any, Any], Any]

MAX_HOLD_MS = 10_000
SHOT_HEADER = "x-isotherm-shot"
MANIFEST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "isotherm-package.json")  # noqa: PTH100, PTH118, PTH120

# A function's folder is read-only on Lambda, so no import is ever cached there. Elsewhere it may be writable: without
# this, only the first cold start of a deployment would pay for compiling what it imports.
sys.dont_write_bytecode = True


def process_start_ms() -> float | None:
    """When the kernel started this process, in epoch milliseconds.

    Returns
    -------
    float or None
        Lower edge of a clock tick (`SC_CLK_TCK`, 10 ms on Lambda): the true start lies up to one tick later. None where
        there is no Linux `/proc`.

    References
    ----------
    proc_pid_stat(5), field 22, `starttime`: ticks after boot, suspended time included, hence CLOCK_BOOTTIME.
    """
    try:
        with open("/proc/self/stat", "rb") as stat:  # noqa: PTH123
            # The second field is the program's name in parentheses and may hold anything, spaces and ")" included.
            ticks = int(stat.read().rpartition(b")")[2].split()[19])
        since_boot_s = ticks / os.sysconf("SC_CLK_TCK")
        return round((time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + since_boot_s) * 1000, 3)
    except (OSError, AttributeError, ValueError, IndexError):
        return None


class _ImportStamps:
    """Begin and end of the imports that are measured: `with probe.imports:` around them, at module level."""

    def __init__(self) -> None:
        self.__enter__()  # a function that measures no imports has begun and ended them here
        self.took_ns = 0

    def __enter__(self) -> None:
        self.begin_at_ns = time.time_ns()
        self._begin_ns = time.perf_counter_ns()

    def __exit__(self, *_error: object) -> None:
        self.took_ns = time.perf_counter_ns() - self._begin_ns


environment_id = os.urandom(8).hex()
process_start_at_ms = process_start_ms()
imports = _ImportStamps()
_calls = itertools.count()
# Lambda makes one call at a time in an environment; a server of the same handlers makes several, each in a thread.
_call = _thread._local()


def note(**facts: object) -> None:
    """Put facts of the call under way into its line, below `notes`; what is noted twice is kept as noted last."""
    _call.notes.update(facts)


def invocation_index() -> int:
    """How many calls this environment has had before the one under way."""
    return int(_call.index)


def observe(handler: "Handler") -> "Handler":
    """Wrap a Lambda handler: stamp it, hold the call as its event asks, and print one line, also when it raises.

    The event may carry `{"isotherm": {"shot_id": ..., "hold_until_ms": <epoch ms>}}`. The hold begins after the work
    was stamped and is capped at `MAX_HOLD_MS`, so the function's timeout has to be longer than that. The event of an
    HTTP API says which shot it is in the header `x-isotherm-shot`.

    Parameters
    ----------
    handler : callable
        Takes the event and the Lambda context; its answer and its exceptions pass through untouched.

    Returns
    -------
    callable
        The handler to name in the function's configuration.
    """

    def observed(event: "Any", context: "Any") -> "Any":
        _call.index = index = next(_calls)
        notes: dict[str, Any] = {}
        _call.notes = notes
        begin_at_ns = time.time_ns()
        begin_ns = time.perf_counter_ns()
        try:
            return handler(event, context)
        finally:
            end_ns = time.perf_counter_ns()
            asked = event.get("isotherm") if isinstance(event, dict) else None
            if not isinstance(asked, dict):
                asked = {}
            line = {
                "isotherm_probe": 1,
                "shot_id": asked["shot_id"] if "shot_id" in asked else _shot_header(event),
                "request_id": getattr(context, "aws_request_id", None),
                "environment_id": environment_id,
                "invocation_index": index,
                "process_start_at_ms": process_start_at_ms,
                "import_begin_at_ms": imports.begin_at_ns / 1e6,
                "import_ms": imports.took_ns / 1e6,
                "handler_begin_at_ms": begin_at_ns / 1e6,
                "work_ms": (end_ns - begin_ns) / 1e6,
            }
            if notes:
                line["notes"] = notes
            if index == 0:
                line["package"] = _manifest()
            # What a held call spends between its work and its answer, reading the manifest included, is not latency.
            line["hold_ms"] = (time.perf_counter_ns() - end_ns) / 1e6 if _hold(asked.get("hold_until_ms")) else 0.0
            tell(line)

    return observed


def tell(line: "dict[str, Any]") -> None:
    """Print a call's line; a server that runs handlers puts in this place what takes the line into its own log."""
    # One write: the runtime flushes each, and a line in two pieces can become two log events.
    # A note that is not JSON must not cost the call its answer.
    sys.stdout.write(json.dumps(line, default=repr) + "\n")
    sys.stdout.flush()


def _shot_header(event: object) -> object:
    """The shot's id in the headers of an HTTP API's event (payload format 2.0: their names are in lower case)."""
    headers = event.get("headers") if isinstance(event, dict) else None
    return headers.get(SHOT_HEADER) if isinstance(headers, dict) else None


def _hold(until_ms: object) -> bool:
    """Wait until `until_ms` (epoch milliseconds), at most `MAX_HOLD_MS`; say whether there was anything to wait for."""
    if not isinstance(until_ms, (int, float)) or isinstance(until_ms, bool):
        return False
    now_ms = time.time() * 1000
    if not until_ms > now_ms:
        return False
    time.sleep((min(until_ms, now_ms + MAX_HOLD_MS) - now_ms) / 1000)
    return True


def _manifest() -> object:
    """Read what the build wrote beside this module; None where the function was not built (run from its sources)."""
    try:
        with open(MANIFEST, "rb") as manifest:  # noqa: PTH123
            return json.load(manifest)
    except (OSError, ValueError):
        return None
