"""One handler by every way to it: Lambda's own API, API Gateway, our server; from other regions; and as load."""

from __future__ import annotations

import csv
import gzip
import io
import json
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .embedded import HOME, SATELLITE, Embedded

SAMPLES = 4
STAGES = ("dns_ms", "connect_ms", "first_byte_ms", "total_ms")


@dataclass(frozen=True)
class Served:
    """A server that runs: its address and the certificate to trust."""

    url: str
    certificate: Path


@pytest.fixture(scope="module")
def server(embedded: Embedded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The server of this checkout, on loopback, with the embedded stack's table behind it."""
    certificate = tmp_path_factory.mktemp("server") / "certificate.pem"
    process = embedded.isotherm.begin("serve", "--self-signed", "--port", "0", "--ca-file", str(certificate))
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        for line in process.stdout:
            said = json.loads(line)
            if said.get("event") == "serving":
                break
        else:
            raise AssertionError(f"the server does not serve: {process.stderr.read()}")
        # It writes a line for each request; unread, they would fill the pipe and stop it.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield Served(said["url"], certificate)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    assert process.returncode == 0


@dataclass(frozen=True)
class Report:
    """What a campaign left."""

    summary: dict[str, Any]
    samples: list[dict[str, str]]


def report_of(embedded: Embedded, folder: Path, campaign: dict[str, Any], *options: str, code: int = 0) -> Report:
    ran = embedded.isotherm("run", "-", "--json", "--output", str(folder), *options, text=json.dumps(campaign))
    assert ran.code == code, ran.err
    text = gzip.decompress((folder / "samples.csv.gz").read_bytes()).decode()
    return Report(json.loads((folder / "summary.json").read_text()), list(csv.DictReader(io.StringIO(text))))


def with_server(served: Served) -> tuple[str, ...]:
    return ("--server", served.url, "--server-certificate", str(served.certificate))


@pytest.mark.usefixtures("unchanged")
def test_calls_over_http_are_joined_with_their_reports_and_have_every_stage(
    embedded: Embedded, server: Served, tmp_path: Path
) -> None:
    campaign = {
        "targets": ["customers"],
        "protocols": ["invoke", "http"],
        "warm": {"samples": SAMPLES},
        "rounds": 1,
        "report_deadline_s": 20,
    }
    report = report_of(embedded, tmp_path, campaign, *with_server(server))

    account = report.summary["accounting"]
    assert account["planned"] == account["issued"] == account["answered"] == 3 * 2 * (SAMPLES + 1)
    assert report.summary["imbalances"] == []
    warm = [row for row in report.samples if row["kind"] == "warm"]
    assert Counter((row["protocol"], row["operation"]) for row in warm) == {
        (protocol, operation): SAMPLES for protocol in ("invoke", "http", "server") for operation in ("post", "get")
    }
    for row in warm:
        assert row["http_status"] == ("201" if row["operation"] == "post" else "200")
        assert row["verdict"] == "used", row
        over_http = row["protocol"] != "invoke"
        assert all(bool(row[stage]) == over_http for stage in STAGES)
        assert bool(row["tls_ms"]) == (row["protocol"] == "server")
        if row["protocol"] != "server":
            assert row["report_found"] == "true"
        if over_http:
            opening = float(row["dns_ms"]) + float(row["connect_ms"]) + float(row["tls_ms"] or 0)
            assert float(row["total_ms"]) == pytest.approx(float(row["client_ms"]) + opening)


@pytest.mark.usefixtures("unchanged")
def test_a_target_is_called_from_other_regions_whose_lanes_run_there(embedded: Embedded, tmp_path: Path) -> None:
    campaign = {
        "targets": ["default", "customers"],
        "regions": [HOME],
        "clients": [HOME, SATELLITE],
        "cold": {"samples": 2, "concurrency": 2},
        "warm": {"samples": SAMPLES},
        "rounds": 1,
    }
    report = report_of(embedded, tmp_path, campaign)

    assert {row["region"] for row in report.samples} == {HOME}
    assert {row["client_region"] for row in report.samples} == {HOME, SATELLITE}
    assert report.summary["accounting"]["failed"] == 0
    assert report.summary["imbalances"] == []
    for client in (HOME, SATELLITE):
        arn = embedded.tour_arn(report.summary["campaign_id"], f"r00-from-{client}")
        assert arn.split(":")[3] == client
    cold = [row for row in report.samples if row["kind"] == "cold"]
    assert {row["target"] for row in cold} == {"default", "customers"}
    assert all(row["probe_cold"] == "true" for row in cold)


def test_a_load_accounts_for_every_request_by_every_protocol(
    embedded: Embedded, server: Served, tmp_path: Path
) -> None:
    campaign = {
        "targets": ["customers"],
        "protocols": ["invoke", "http"],
        "load": {"threads": 4, "iterations": 5},
    }
    # One server stands for both; what a campaign calls Fargate's and EC2's differs by address alone.
    report = report_of(embedded, tmp_path, campaign, *with_server(server), "--instance", server.url)

    loads = {load["protocol"]: load for load in report.summary["loads"]}
    assert set(loads) == {"invoke", "http", "server", "instance"}
    for load in loads.values():
        assert [row["name"] for row in load["rows"]] == ["warmup", "loading", "peak", "cooldown", "all"]
        assert [row["planned"] for row in load["rows"]] == [10, 20, 40, 10, 80]
        assert load["rows"][-1]["succeeded"] == 80, load["rows"][-1]
        assert load["imbalances"] == []
        assert sum(second["sent"] for second in load["seconds"]) == 80
    assert report.summary["lanes"][0]["status"] == "succeeded"
    assert embedded.leases() == []


def test_an_open_loop_sends_at_its_own_times_shared_by_two_fires(
    embedded: Embedded, server: Served, tmp_path: Path
) -> None:
    campaign = {
        "targets": ["customers"],
        "protocols": ["server"],
        "load": {
            "loop": "open",
            "rate_per_s": 40,
            "duration_s": 2,
            "arrivals": "constant",
            "fires": 2,
            "phases": [{"name": "peak", "share": 1}],
        },
    }
    report = report_of(embedded, tmp_path, campaign, *with_server(server))

    (load,) = report.summary["loads"]
    whole = load["rows"][-1]
    assert load["fires"] == 2
    assert (whole["planned"], whole["succeeded"], whole["failed"]) == (80, 80, {})
    assert whole["wall_s"] > 1.9  # its own times, however fast the answers


def test_a_server_that_is_not_there_is_counted_by_kind(embedded: Embedded, server: Served, tmp_path: Path) -> None:
    campaign = {"targets": ["customers"], "protocols": ["server"], "load": {"threads": 1, "iterations": 2}}
    gone = Served("https://127.0.0.1:9", server.certificate)
    report = report_of(embedded, tmp_path, campaign, *with_server(gone), code=1)  # nothing of it says anything

    (load,) = report.summary["loads"]
    assert load["rows"][-1]["failed"] == {"refused": 16}
    assert load["imbalances"] == []
