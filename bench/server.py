"""How many requests a second the server answers over HTTPS, against uvicorn alone with the same answer and certificate.

wrk (Debian's package) asks from one thread, on kept connections. Candidates take turns in a random order, so that a
busy machine slows all alike. `memory` reads a customer that is kept in the process; `health` runs no handler and so
shows what routing and log cost. The table is not among them: it is the table that would be measured.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme

ROOT = Path(__file__).parents[1]
ALONE = """
BODY = b'{"ok": true, "target": "default"}'
HEAD = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]

async def app(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEAD})
    await send({"type": "http.response.body", "body": BODY})
"""
CUSTOMER = {"email_id": "ann@example.com", "first_name": "Ann", "last_name": "Lee"}
ALONE_PORT, OURS_PORT = 9443, 9444


@contextmanager
def running(command: list[str], folder: Path, port: int) -> Iterator[None]:
    """A server, from the moment it answers; its log goes to a file, as it would in a container."""
    with (folder / f"{port}.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=log)
        try:
            while process.poll() is None:
                try:
                    ask(f"https://localhost:{port}/healthz", folder)
                    break
                except OSError:
                    continue
            yield
        finally:
            process.terminate()
            process.wait()


def ask(url: str, folder: Path, document: object = None) -> None:
    """One request, verified."""
    data = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})  # noqa: S310 - loopback
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    urllib.request.urlopen(request, timeout=10, context=context).close()  # noqa: S310 - loopback


def load(wrk: str, url: str, connections: int, seconds: int) -> tuple[float, float]:
    """Requests a second, and the median latency in milliseconds."""
    command = [wrk, "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--latency", url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    median = re.search(r"50%\s+([\d.]+)(us|ms|s)", said)
    if rate is None or median is None or "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"wrk: {said}")
    return float(rate[1]), float(median[1]) * {"us": 1e-3, "ms": 1, "s": 1e3}[median[2]]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each candidate (default: 5)")
    parser.add_argument("--seconds", type=int, default=3, help="of each turn (default: 3)")
    parser.add_argument("--connections", type=int, default=20, help="kept open (default: 20)")
    options = parser.parse_args()
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("wrk is not here: install Debian's package wrk")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
        (folder / "alone.py").write_text(ALONE)
        alone = [sys.executable, "-m", "uvicorn", "alone:app", "--port", str(ALONE_PORT), "--no-access-log"]
        alone += ["--ssl-certfile", "server.pem", "--ssl-keyfile", "server.pem", "--log-level", "warning"]
        ours = [sys.executable, "-m", "server", "--memory", "--certfile", "server.pem", "--port", str(OURS_PORT)]
        candidates = {
            "uvicorn alone": f"https://localhost:{ALONE_PORT}/",
            "health": f"https://localhost:{OURS_PORT}/healthz",
            "default": f"https://localhost:{OURS_PORT}/default",
            "memory": f"https://localhost:{OURS_PORT}/customers/{CUSTOMER['email_id']}",
        }
        seen: dict[str, list[tuple[float, float]]] = {name: [] for name in candidates}
        with running(alone, folder, ALONE_PORT), running(ours, folder, OURS_PORT):
            ask(f"https://localhost:{OURS_PORT}/customers", folder, CUSTOMER)
            for _ in range(options.rounds):
                for candidate in random.sample(list(candidates), len(candidates)):
                    seen[candidate].append(load(wrk, candidates[candidate], options.connections, options.seconds))
    print(f"{options.rounds} turns of {options.seconds} s on {options.connections} connections, medians")
    print(f"{'':14} {'requests/s':>11} {'p50 ms':>8} {'of alone':>9}")
    rates = {name: statistics.median(rate for rate, _ in turns) for name, turns in seen.items()}
    for name, turns in seen.items():
        median_ms = statistics.median(latency for _, latency in turns)
        print(f"{name:14} {rates[name]:11,.0f} {median_ms:8.2f} {rates[name] / rates['uvicorn alone']:9.0%}")


if __name__ == "__main__":
    main()
