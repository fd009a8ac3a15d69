"""Truth of the load generator: against wrk and hey on the same server in the same run, and against its own limits.

Every generator gets one processor and the server another one, where there are two; runs alternate, and medians over
rounds are compared, so that a busy machine slows all alike. Parts:

throughput  closed loop, equal connections: requests per second, p50 and p99 of `isotherm load` and of `wrk -t1`. Both
            are closed, so both hide the same delays: like against like. On a server that answers at once, and on the
            real one (server/, HTTPS, customers in memory).
latency     equal fixed rate: p50 and p99 of `isotherm load --rate` and of `hey -q`. hey's -q is by worker: each waits
            for its own tick, drops ticks that it misses, and counts from its send. So ours is given twice, from the
            intended start and from the send (service), and the latter is compared. Workers' ticks coincide, so hey
            sends in small bursts; one worker where the answer is quick enough. On a server that takes 10 ms, since hey
            prints tenths of a millisecond, and on the real one.
rate        the highest open-loop rate that the generator sustains, over what `wrk -t1` reaches: with all sent and
            answered in their time, and without once calling itself late. The latter only a quiet machine can show:
            where others have the processor for some milliseconds, sends are late at any rate.
stall       coordinated omission: a server that stalls for a second, closed loop and open loop side by side.
million     a million requests in open loop: resident memory after 10 % and after all (only with --million).

autocannon is not a witness here: a connection spends its share of a second at that second's start, and it keeps
milliseconds. Aims: latencies within 5 %, the sustained rate at least half of wrk's, flat memory.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import csv
import io
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from isotherm.load.histogram import Histogram

PROJECT = Path(__file__).parents[1]
ISOTHERM = str(Path(sys.executable).parent / "isotherm")
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'
SLOW_S = 0.010
PARTS = ("throughput", "latency", "rate", "stall")
WITHIN, AT_LEAST = 0.05, 0.5
TELLS_FROM_MS = 2.0


@dataclass(frozen=True)
class Measured:
    """What one generator saw in one run; milliseconds."""

    per_s: float
    p50_ms: float
    p99_ms: float
    latency_p50_ms: float = 0.0
    latency_p99_ms: float = 0.0
    late: tuple[str, ...] = ()
    requests: int = 0


# The servers


class Answering(asyncio.Protocol):
    """Answers each GET at once; /slow after 10 ms; nothing for a second from request number `stall_at` on."""

    stall_at: int | None = None
    seen = 0
    resumes_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer; requests are small and come whole."""
        loop = asyncio.get_running_loop()
        delay_s = SLOW_S if data.startswith(b"GET /slow") else 0.0
        for _ in range(data.count(b"\r\n\r\n")):
            Answering.seen += 1
            if Answering.seen == Answering.stall_at:
                Answering.resumes_at = loop.time() + 1.0
            wait_s = max(delay_s, Answering.resumes_at - loop.time())
            if wait_s > 0:
                loop.call_later(wait_s, self.transport.write, ANSWER)  # type: ignore[attr-defined]
            else:
                self.transport.write(ANSWER)  # type: ignore[attr-defined]


def serve(port: int, stall_at: int | None) -> None:
    """Be the server that answers at once."""
    import uvloop

    Answering.stall_at = stall_at

    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", port, backlog=1024)
        await server.serve_forever()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, contextlib.suppress(KeyboardInterrupt):
        runner.run(forever())


def pinned(processor: int) -> list[str]:
    """What to put before a command to have it on one processor; nothing where there is only one."""
    if (os.cpu_count() or 1) < 2 or not shutil.which("taskset"):
        return []
    return ["taskset", "-c", str(processor)]


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    """A server's process on processor 0, from when it accepts connections to the end of the block."""
    process = subprocess.Popen([*pinned(0), *command], cwd=PROJECT, stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        else:
            sys.exit(f"{command} does not listen on port {port}")
        yield
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def quick_server(stall_at: int | None = None) -> Iterator[str]:
    """The server that answers at once."""
    port = free_port()
    command = [sys.executable, str(Path(__file__)), "--serve", str(port)]
    with running(command + (["--stall-at", str(stall_at)] if stall_at else []), port):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def real_server() -> Iterator[tuple[str, str]]:
    """The server of server/, over HTTPS; its URL and the certificate to trust."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        cafile = str(Path(folder) / "ca.pem")
        command = [
            sys.executable,
            "-m",
            "server",
            "--self-signed",
            "--memory",
            "--port",
            str(port),
            "--ca-file",
            cafile,
        ]
        with running(command, port):
            yield f"https://127.0.0.1:{port}", cafile


# The generators


def isotherm(url: str, *options: str) -> Measured:
    """One phase of `isotherm load`."""
    command = [*pinned(1), ISOTHERM, "load", url, *options, "--phases", "peak:1", "--arrivals", "constant", "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    document = json.loads(done.stdout)
    row = document["rows"][-1]
    if row["failed"]:
        print(f"  isotherm: {row['failed']} of {row['planned']} failed")
    return Measured(
        row["throughput_per_s"] or 0.0,
        row["service_median_ms"],
        row["service_p99_ms"],
        row["median_ms"],
        row["p99_ms"],
        tuple(document["phases"][-1]["late"]),
        row["succeeded"],
    )


def wrk(url: str, connections: int, seconds: int) -> Measured:
    """Run wrk with one thread."""
    command = [*pinned(1), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = {name: _ms(re.search(rf"{name}%\s+([\d.]+)(us|ms|s)", said)) for name in ("50", "99")}
    per_s = re.search(r"Requests/sec:\s+([\d.]+)", said)
    requests = re.search(r"(\d+) requests in", said)
    if per_s is None or requests is None:
        sys.exit(f"wrk said: {said}")
    return Measured(float(per_s[1]), found["50"], found["99"], requests=int(requests[1]))


def hey(url: str, rate: float, workers: int, seconds: int) -> Measured:
    """Run hey at a fixed rate, shared by its workers."""
    command = [
        *pinned(1),
        "hey",
        "-z",
        f"{seconds}s",
        "-c",
        str(workers),
        "-q",
        f"{rate / workers:g}",
        "-o",
        "csv",
        url,
    ]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    times = sorted(float(line["response-time"]) * 1000 for line in csv.DictReader(io.StringIO(said)))
    if not times:
        sys.exit(f"hey said: {said}")
    p50, p99 = (times[min(len(times) - 1, int(q * len(times)))] for q in (0.5, 0.99))
    return Measured(len(times) / seconds, p50, p99, requests=len(times))


def _ms(found: re.Match[str] | None) -> float:
    if found is None:
        return float("nan")
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]


def median(runs: list[Measured], of: Callable[[Measured], float]) -> float:
    """Median over rounds."""
    return statistics.median(of(run) for run in runs)


# The parts


def throughput(url: str, path: str, extra: list[str], connections: int, rounds: int, seconds: int) -> None:
    """Print one line: requests per second and latencies at equal connections."""
    theirs, ours = [], []
    for _ in range(rounds):
        theirs.append(wrk(url + path, connections, seconds))
        iterations = max(1, theirs[-1].requests // (2 * connections))
        options = ["--threads", str(connections), "--iterations", str(iterations), "--get", path]
        ours.append(isotherm(url, *options, *extra))
    print(
        f"  {connections:3} connections  wrk {median(theirs, lambda run: run.per_s):9,.0f}/s "
        f"p50 {median(theirs, lambda run: run.p50_ms):7.3f} p99 {median(theirs, lambda run: run.p99_ms):7.3f} ms   "
        f"isotherm {median(ours, lambda run: run.per_s):9,.0f}/s "
        f"p50 {median(ours, lambda run: run.p50_ms):7.3f} p99 {median(ours, lambda run: run.p99_ms):7.3f} ms   "
        f"throughput {median(ours, lambda run: run.per_s) / median(theirs, lambda run: run.per_s):.2f} x"
    )


def latency(url: str, path: str, extra: list[str], rate: int, workers: int, rounds: int, seconds: int) -> None:
    """Print one line: latencies at an equal rate."""
    theirs, ours = [], []
    for _ in range(rounds):
        theirs.append(hey(url + path, rate, workers, seconds))
        ours.append(isotherm(url, "--rate", str(rate), "--duration", str(seconds), "--get", path, *extra))
    p50, p99 = median(theirs, lambda run: run.p50_ms), median(theirs, lambda run: run.p99_ms)
    our_p50, our_p99 = median(ours, lambda run: run.p50_ms), median(ours, lambda run: run.p99_ms)
    verdict = "within 5 %" if max(abs(our_p50 / p50 - 1), abs(our_p99 / p99 - 1)) <= WITHIN else "APART"
    if p50 < TELLS_FROM_MS:
        verdict = "hey's tenths of a millisecond are too coarse to tell 5 %"
    print(
        f"  {rate:5}/s  hey ({workers} workers, {median(theirs, lambda run: run.per_s):7,.1f}/s) "
        f"p50 {p50:7.2f} p99 {p99:7.2f} ms   "
        f"isotherm ({median(ours, lambda run: run.per_s):7,.1f}/s) service p50 {our_p50:7.2f} p99 {our_p99:7.2f} "
        f"latency p50 {median(ours, lambda run: run.latency_p50_ms):7.2f} "
        f"p99 {median(ours, lambda run: run.latency_p99_ms):7.2f} ms   "
        f"service/hey p50 {our_p50 / p50:.2f} p99 {our_p99 / p99:.2f}  {verdict}"
    )
    for run in ours:
        for reason in run.late:
            print(f"         isotherm says: {reason}")


def sustained(url: str, connections: int, seconds: int) -> None:
    """Print the highest rate at which the generator keeps up, and wrk's throughput."""
    theirs = wrk(url + "/", connections, seconds)
    kept_up = answered = 0.0
    for share in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
        rate = share * theirs.per_s
        options = ["--rate", f"{rate:.0f}", "--duration", str(seconds), "--get", "/"]
        ours = isotherm(url, *options, "--max-in-flight", str(connections))
        told = "keeps up" if not ours.late else ours.late[0]
        print(
            f"  {rate:9,.0f}/s  answered {ours.per_s:9,.0f}/s  latency p50 {ours.latency_p50_ms:7.3f} "
            f"p99 {ours.latency_p99_ms:7.3f} ms  {told}"
        )
        if ours.per_s < 0.99 * rate:
            continue
        answered = rate
        kept_up = kept_up if ours.late else rate
    print(f"  wrk -t1 -c{connections} reaches {theirs.per_s:,.0f}/s, closed loop; aim for ours: {AT_LEAST:g} x")
    for told, rate in (("all sent and answered up to", answered), ("and never called late up to", kept_up)):
        verdict = "ok" if rate >= AT_LEAST * theirs.per_s else "BELOW"
        print(f"  {told} {rate:,.0f}/s on one processor: {rate / theirs.per_s:.2f} x, {verdict}")


def stall(rate: int, seconds: int, threads: int) -> None:
    """Print what a closed and an open loop say of a server that stalls for a second in their middle."""
    number = rate * seconds // 2
    loops = {
        "closed": ["--threads", str(threads), "--iterations", str(rate * seconds // threads // 2)],
        "open": ["--rate", str(rate), "--duration", str(seconds), "--arrivals", "constant"],
    }
    print("         requests  median     p95     p99   p99.9      max ms  over 100 ms")
    for name, options in loops.items():
        with quick_server(stall_at=number) as url:
            command = [*pinned(1), ISOTHERM, "load", url, *options, "--phases", "peak:1", "--get", "/slow", "--json"]
            document = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        row, hit = document["rows"][-1], Histogram.decode(document["phases"][-1]["latency_us"]).above(100_000)
        times = [row[key] for key in ("median_ms", "p95_ms", "p99_ms", "p999_ms", "max_ms")]
        print(f"  {name:6} {row['succeeded']:9,} " + " ".join(f"{value:7,.1f}" for value in times) + f"  {hit:8,}")
    print(f"  about {rate:,} requests would have been sent during the stall; the closed loop had {threads} waiting")


def million(rate: int, requests: int) -> None:
    """Print the resident memory of the generator on its way through a million requests."""
    import uvloop

    from isotherm.load.generator import Progress, run
    from isotherm.load.spec import LoadSpec, Phase
    from isotherm.load.target import HttpTarget

    resident: dict[int, float] = {}

    def watch(progress: Progress) -> None:
        tenth = 10 * progress.ended // requests
        resident.setdefault(tenth, _resident_mb())

    peak = (Phase("peak", 1.0),)
    spec = LoadSpec(loop="open", rate_per_s=rate, duration_s=requests / rate, arrivals="constant", phases=peak)
    with quick_server() as url:
        if command := pinned(1):
            os.sched_setaffinity(0, {int(command[-1])})
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            result = runner.run(run(spec, HttpTarget(url, seed=1, get="/"), "peak", watch=watch))
    end_mb = _resident_mb()
    print(
        f"  {result.succeeded:,} of {result.planned:,} requests answered at {rate:,}/s in {result.wall_s:.0f} s, "
        f"failed: {dict(result.failed)}"
    )
    print("  resident MB by tenths: " + " ".join(f"{resident[tenth]:.1f}" for tenth in sorted(resident)))
    print(f"  {resident[1]:.1f} MB after 10 %, {end_mb:.1f} MB at the end: {end_mb / resident[1]:.3f} x")
    print(f"  latency p50 {_us(result.latency_us.quantile(0.5))} p99.9 {_us(result.latency_us.quantile(0.999))} ms")
    print(f"  result as JSON: {len(json.dumps(result.to_dict())) / 1e3:.0f} kB; {'; '.join(result.late) or 'kept up'}")


def _us(value: int | None) -> str:
    return f"{(value or 0) / 1000:.3f}"


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=",".join(PARTS), help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each generator (default: 3)")
    parser.add_argument("--seconds", type=int, default=3, help="of each run; twice that for latencies (default: 3)")
    parser.add_argument("--million", action="store_true", help="only: a million requests, watching memory")
    parser.add_argument("--requests", type=int, default=1_000_000, help="for --million")
    parser.add_argument("--rate", type=int, default=10_000, help="per second, for --million (default: 10000)")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--stall-at", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve is not None:
        serve(args.serve, args.stall_at)
        return
    if args.million:
        million(args.rate, args.requests)
        return
    parts = args.parts.split(",")
    lacking = {tool: f"skipped: {tool} is not installed (Debian: apt-get install {tool})" for tool in ("wrk", "hey")}
    lacking = {tool: told for tool, told in lacking.items() if not shutil.which(tool)}
    print(f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    rounds, seconds = args.rounds, args.seconds
    for part in (part for part in PARTS if part in parts):
        print(f"\n{part}")
        needed = {"throughput": "wrk", "rate": "wrk", "latency": "hey"}.get(part)
        if needed in lacking:
            print(f"  {lacking[needed]}")
        elif part == "throughput":
            with quick_server() as url:
                print(" a server that answers at once, HTTP")
                for connections in (1, 10, 50):
                    throughput(url, "/", [], connections, rounds, seconds)
            with real_server() as (url, cafile):
                print(" the real server, HTTPS, GET /default")
                for connections in (1, 10, 50):
                    throughput(url, "/default", ["--cafile", cafile], connections, rounds, seconds)
        elif part == "latency":
            with quick_server() as url:
                print(" a server that takes 10 ms, HTTP")
                for rate, workers in ((200, 4), (1000, 20)):
                    latency(url, "/slow", [], rate, workers, rounds, 2 * seconds)
            with real_server() as (url, cafile):
                print(" the real server, HTTPS, GET /default")
                latency(url, "/default", ["--cafile", cafile], 200, 1, rounds, 2 * seconds)
        elif part == "rate":
            with quick_server() as url:
                sustained(url, 50, seconds)
        else:
            stall(200, 6, 4)


if __name__ == "__main__":
    main()
