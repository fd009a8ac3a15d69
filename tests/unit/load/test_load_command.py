"""`isotherm load`, against a server of the test's own process."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from isotherm.campaign.model import Load
from isotherm.cli.app import run_command
from isotherm.load.histogram import Histogram
from isotherm.load.permission import NotPermitted, require_permission
from isotherm.load.result import LoadResult
from isotherm.load.spec import LoadSpec

from .loopback import Customers, Script, answer_of, serving

NOBODY = "http://no-such-name.invalid"
Command = Callable[..., tuple[int, str, str]]
#: As the installed command is, in a process of its own: signals are sent to it.
PROGRAM = (sys.executable, "-c", "from isotherm.cli import main; main()", "load")
RECORD = ("--threads", "20", "--iterations", "2")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.setattr("isotherm.cli.app.signal.signal", lambda *_: None)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = run_command(["load", *arguments])
        return code, *capfd.readouterr()

    return run


def in_thread(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """The origin of a server that has an event loop of its own."""
    ready, stop, origins = threading.Event(), asyncio.Event(), []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with serving(script, tls) as origin:
            origins.append(origin)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(30)
    try:
        yield origins[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)


@pytest.fixture
def server() -> Iterator[str]:
    yield from in_thread(Customers())


@pytest.fixture
def tls_server(tls: ssl.SSLContext) -> Iterator[str]:
    yield from in_thread(Customers(), tls)


def test_the_table_has_the_records_columns_for_each_phase_and_for_all(
    command: Command, tls_server: str, cafile: str
) -> None:
    code, out, err = command(tls_server, *RECORD, "--cafile", cafile)
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert ["Phase", "sent", "succeeded", "failed", "wall", "s", "per", "s", "mean", "ms"] in [
        line[:10] for line in lines
    ]
    counts = {
        line[0]: line[1:4] for line in lines if line and line[0] in ("warmup", "loading", "peak", "cooldown", "all")
    }
    expected = {"warmup": 8, "loading": 40, "peak": 80, "cooldown": 20, "all": 148}
    assert counts == {name: [str(number), str(number), "0"] for name, number in expected.items()}
    assert "peak: about 80 requests" in err


def test_a_program_reads_the_numbers_and_the_histograms(command: Command, server: str) -> None:
    code, out, _ = command(server, "--rate", "100", "--duration", "0.5", "--arrivals", "poisson", "--json")
    assert code == 0
    document = json.loads(out)
    whole = document["rows"][-1]
    assert whole["planned"] == whole["succeeded"] > 30
    assert whole["p95_ms"] >= whole["median_ms"] > 0
    assert (whole["p99_ms"], whole["at_least"]) == (None, [])  # of so few
    assert whole["lateness_p99_ms"] >= 0
    result = LoadResult.from_dict({name: document[name] for name in ("spec", "phases")})
    assert sum(phase.latency_us.total for phase in result.phases) == whole["succeeded"]
    assert isinstance(Histogram.decode(document["phases"][0]["latency_us"]), Histogram)


def test_a_load_from_here_and_a_campaigns_are_the_same_unless_told_otherwise(command: Command, server: str) -> None:
    """As docs/load.md promises: their numbers compare."""
    code, out, _ = command(server, "--rate", "100", "--duration", "0.2", "--json")
    assert code == 0
    campaigns = Load(loop="open", rate_per_s=100, duration_s=0.2).spec(seed=1)
    assert LoadSpec.from_dict(json.loads(out)["spec"]) == campaigns
    assert (campaigns.arrivals, campaigns.timeout_s) == ("poisson", 30)


def test_failures_are_shown_by_kind(command: Command) -> None:
    async def before(line: str, _: int) -> bytes | None:
        return answer_of(429, b"") if line.startswith("post") else None

    for origin in in_thread(Customers(before)):
        code, out, err = command(origin, "--threads", "2", "--iterations", "3", "--phases", "peak:1")
    assert "peak: 12 of 12 requests failed: 6 throttled, 6 HTTP 4xx" in out
    assert (code, "not one request succeeded" in err) == (1, True)


@pytest.mark.parametrize(("failing", "code"), [(6, 0), (7, 1)])
def test_a_load_of_which_more_than_half_failed_has_failed(command: Command, failing: int, code: int) -> None:
    async def before(_: str, number: int) -> bytes | None:
        return answer_of(500, b"") if number <= failing else answer_of(200, b"{}")

    for origin in in_thread(Customers(before)):
        ended, out, err = command(origin, "--threads", "1", "--iterations", "6", "--phases", "peak:1")
    assert f"{failing} of 12 requests failed: {failing} HTTP 5xx" in out
    assert (ended, "7 of 12 requests failed, more than half" in err) == (code, bool(code))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("output", ["--json", "table"])
def test_told_to_end_it_shows_what_was_sent_until_then(number: int, code: int, output: str) -> None:
    """In the second of three phases, at a request that gets no answer."""
    started: list[subprocess.Popen[str]] = []

    async def before(_: str, request: int) -> None:
        if request < 61:
            return
        if request == 61:
            started[0].send_signal(number)
        while started[0].poll() is None:
            await asyncio.sleep(0.01)

    options = ["--threads", "4", "--iterations", "10", "--phases", "warmup:0.25,loading:1,peak:1"]
    for origin in in_thread(Customers(before)):
        arguments = [*PROGRAM, origin, *options]
        arguments += ["--json"] if output == "--json" else []
        started.append(subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        out, err = started[0].communicate(timeout=300)
    assert started[0].returncode == code
    assert "Traceback" not in err
    assert f"ended by {signal.Signals(number).name} in loading" in err
    if output == "table":
        assert "! only a part: loading was ended before all of it was sent" in out
        return
    document = json.loads(out)
    warmup, loading, peak = (LoadResult.from_dict(document)).phases
    assert document["partial"]
    assert [phase.ending for phase in (warmup, loading, peak)] == ["complete", "stopped", "stopped"]
    assert (warmup.planned, warmup.succeeded) == (20, 20)
    assert 40 <= loading.succeeded < loading.sent <= 44
    assert loading.planned == 80 == loading.succeeded + loading.failed.total()
    assert (peak.planned, peak.sent, peak.failed) == (80, 0, {"not_sent": 80})


def test_told_to_end_while_the_address_is_tried_it_sends_nothing() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        arguments = [*PROGRAM, url, *RECORD]
        with (
            subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
            silent.accept()[0] as connection,
        ):
            connection.recv(1)  # it has said hello
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=300)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert "ended by SIGINT before any request was sent" in err


def test_a_closed_loop_gives_up_a_server_that_answers_nothing(command: Command) -> None:
    seen: list[int] = []

    async def before(_: str, number: int) -> None:
        seen.append(number)
        if number > 10:
            await asyncio.sleep(3600)

    for origin in in_thread(Customers(before)):
        options = ("--threads", "3", "--iterations", "500", "--timeout", "0.5", "--phases", "loading:1,peak:1")
        code, out, err = command(origin, *options, "--json")
    loading, peak = LoadResult.from_dict(json.loads(out)).phases
    assert code == 1
    assert "gave up in loading" in err
    assert (loading.ending, peak.ending) == ("gave_up", "stopped")
    assert loading.planned == 3000 == loading.succeeded + loading.failed.total()
    assert loading.failed["timeout"] >= 9
    assert len(seen) <= 10 + 3 * 3 + 3  # three time-outs for each thread, and what they turned to next
    assert peak.failed == {"not_sent": 3000}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "say how much: --threads 20 --iterations 100, or --rate 200 --duration 10"),
        (("--threads", "5"), "--iterations: a load in a closed loop needs it"),
        (("--threads", "0", "--iterations", "1"), "--threads: 0 is below the least accepted, 1"),
        (("--rate", "0", "--duration", "5"), "--rate: 0 is not above 0"),
        (("--rate", "nan", "--duration", "5"), "--rate: nan is not above 0"),
        (("--rate", "5", "--threads", "5", "--iterations", "1"), "--rate: 5 has no meaning in a closed loop"),
        (("--rate", "50", "--duration", "5", "--phases", "peak:0"), "--phases.peak: 0 is not a share"),
        (("--rate", "50", "--duration", "5", "--phases", "peak"), "'peak' is not NAME:SHARE"),
        (("--rate", "50", "--duration", "5", "--timeout", "-1"), "--timeout: -1 is outside 0 to 900"),
        (("--rate", "50", "--duration", "5", "--get", "x"), "--get: 'x' is not a percent-encoded path"),
        (("--rate", "50", "--duration", "5", "--header", "s3cret"), "--header: what was given is not NAME: VALUE"),
        (("--rate", "50", "--duration", "5", "--header", "@no-such-file"), "--header: 'no-such-file' cannot be read"),
        (("--rate", "50", "--duration", "5", "--header", "A: 1", "--header", "a: 2"), "--header: a is given twice"),
        (("--rate", "50", "--duration", "5", "--header", "A: s3cret\nB: 2"), "--header: the value of A has a"),
        (("--rate", "50", "--duration", "5", "--header", "Content-Length: 1"), "--header: 'Content-Length' cannot be"),
    ],
)
def test_what_is_no_load_is_refused_by_the_option_that_was_typed(
    command: Command, server: str, options: tuple[str, ...], message: str
) -> None:
    code, out, err = command(server, *options)
    assert (code, out) == (2, "")
    assert message in err
    assert "s3cret" not in err


def test_headers_go_out_with_every_request_and_into_nothing_that_is_shown(command: Command, tmp_path: Path) -> None:
    seen: Counter[str] = Counter()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            seen.update(line for line in head.splitlines() if line.startswith(("Authorization:", "X-Api-Key:")))
            writer.write(answer_of(200, b"{}"))

    secret = tmp_path / "headers.txt"
    secret.write_text("Authorization: Bearer s3cret\n\n")
    options = ("--threads", "2", "--iterations", "5", "--phases", "peak:1", "--get", "/")
    for origin in in_thread(script):
        code, out, err = command(origin, *options, "--header", f"@{secret}", "--header", "X-Api-Key:k3y", "--json")
    assert code == 0
    assert seen == {"Authorization: Bearer s3cret": 20, "X-Api-Key: k3y": 20}
    assert "s3cret" not in out + err
    assert "k3y" not in out + err


def test_more_connections_than_this_system_has_files_for_are_refused(
    command: Command, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (128, 256))
    code, _, err = command(server, "--threads", "1000", "--iterations", "1")
    assert code == 2
    assert "1,000 connections need 1,064 open files; this system allows 256" in err


def test_what_is_wrong_with_the_address_is_said_before_any_load(command: Command, tls_server: str, cafile: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        refused = f"http://127.0.0.1:{closed.getsockname()[1]}"
        for url, options, message in (
            (refused, (), "cannot be connected to"),
            (tls_server, (), "unable to get local issuer certificate"),
            (tls_server.replace("https", "http"), (*RECORD, "--timeout", "1"), None),
            ("ftp://127.0.0.1", (), "does not start with http://HOST"),
            ("http://127.0.0.1?a=b", (), "ends in a query"),
            (NOBODY, ("--i-own-this-endpoint", NOBODY), "no-such-name.invalid has no known address"),
            (tls_server, ("--cafile", "no-such-file.pem"), "--cafile: 'no-such-file.pem' cannot be read"),
        ):
            code, out, err = command(url, *RECORD, *options)
            if message is None:  # who speaks no TLS to a TLS server learns it only from the answers
                assert (code, "failed" in out) == (1, True)
            else:
                assert (code, out) == (2, "")
                assert message in err
    assert command(tls_server, *RECORD, "--cafile", cafile)[0] == 0


def test_load_beyond_this_machine_needs_the_owners_word(command: Command) -> None:
    """198.51.100.0/24 is reserved for documentation (RFC 5737): nobody is there."""
    url = "http://198.51.100.7:9"
    code, _, err = command(url, *RECORD)
    assert code == 2
    assert f"--i-own-this-endpoint {url}" in err
    code, _, err = command(url, *RECORD, "--i-own-this-endpoint", f"{url}9")
    assert code == 2
    assert "is not the URL that load is to be made on" in err


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "https://localhost:1/api", "http://[::1]:1", "http://127.8.9.10"]
)
def test_loopback_is_permitted(url: str) -> None:
    require_permission(url, None)


@pytest.mark.parametrize("url", ["http://198.51.100.7", "http://0.0.0.0:80", "https://[2001:db8::1]"])
def test_other_addresses_are_not_unless_somebody_owns_them(url: str) -> None:
    with pytest.raises(NotPermitted):
        require_permission(url, None)
    with pytest.raises(ValueError, match="is not the URL that load is to be made on"):
        require_permission(url, "http://198.51.100.8")
    require_permission(url, url)
    require_permission(f"{url}/customers", f"{url}/")
