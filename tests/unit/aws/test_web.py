"""Calls over HTTP become shots: where each ended, its stages, who answered; against a real server on loopback."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import trustme

from isotherm.aws.calls.http import WebCaller
from isotherm.aws.clients import Home
from isotherm.campaign.lane import Lane, LaneTask, Operation, ServerAt, Step
from isotherm.http.exchange import tls_context
from isotherm.measurement.orders import warm_orders
from isotherm.measurement.shot import Shot
from unit.made_up_stack import made_up_function
from unit.present import present


class Answers(BaseHTTPRequestHandler):
    """Answers with the next of the server's statuses, the last one for ever after; keeps what it was asked."""

    server: Listening

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        with self.server.lock:
            self.server.asked.append((self.command, self.path, dict(self.headers), body))
            status = self.server.statuses.pop(0) if len(self.server.statuses) > 1 else self.server.statuses[0]
        self.send_response(status)
        self.send_header("content-length", "2")
        self.send_header("x-isotherm-call", "env-1/3")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST = _answer  # noqa: N815 - the names are http.server's

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Listening(ThreadingHTTPServer):
    """On a free port of loopback."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.lock = threading.Lock()
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.statuses = [200]


@pytest.fixture
def server() -> Iterator[Listening]:
    listening = Listening()
    serving = threading.Thread(target=listening.serve_forever)
    serving.start()
    yield listening
    listening.shutdown()
    serving.join()
    listening.server_close()


def shots_of(
    url: str,
    count: int = 1,
    concurrency: int = 1,
    operation: Operation = "post",
    token: str | None = None,
    certificate: str | None = None,
    burst: bool = False,
) -> list[Shot]:
    step = Step(
        step=0,
        memory_mb=None,
        cold_method="burst",
        bursts=[],
        warm_shots=count,
        warm_concurrency=concurrency,
        prime_shots=concurrency,
        protocol="server",
        operation=operation,
    )
    lane = Lane(
        key="r00-customers-us-east-1",
        target="customers",
        region="us-east-1",
        round=0,
        function_name="isotherm-target_customers",
        steps=[step],
        client_region="us-east-1",
    )
    task = LaneTask(
        campaign_id="c",
        lane=lane,
        function=made_up_function("customers"),
        platform="emulated",
        report_deadline_s=1,
        servers={"server": ServerAt(url=url, certificate=certificate, token=token)},
    )
    orders = warm_orders(lane, step, "warm", 0, count, "$LATEST", 128)
    with WebCaller(Home("isotherm", "us-east-1", "t", "b"), task, step) as caller:
        caller.open_connections()
        if burst:
            return caller.burst(orders, hold=False)
        return caller.in_a_row(orders, concurrency, lambda: True)


def url_of(server: Listening) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def test_a_call_has_all_its_stages_and_says_who_answered(server: Listening) -> None:
    (shot,) = shots_of(url_of(server))
    assert (shot.outcome, shot.http_status, shot.answered_by) == ("answered", 200, "env-1/3")
    assert None not in (shot.dns_ms, shot.connect_ms, shot.first_byte_ms)
    assert shot.tls_ms is None
    assert shot.total_ms == pytest.approx(present(shot.client_ms) + present(shot.dns_ms) + present(shot.connect_ms))
    method, path, headers, body = server.asked[0]
    assert (method, path) == ("POST", "/customers")
    assert headers["x-isotherm-shot"] == shot.shot_id
    assert b"email_id" in body


def test_all_calls_share_one_tls_context_and_each_shakes_hands(
    server: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, made = trustme.CA(), []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)

    def counted(cafile: str | None) -> ssl.SSLContext:
        made.append(tls_context(cafile))
        return made[-1]

    for module in ("isotherm.aws.calls.http", "isotherm.http.exchange"):
        monkeypatch.setattr(f"{module}.tls_context", counted)
    certificate = authority.cert_pem.bytes().decode()
    shots = shots_of(f"https://127.0.0.1:{server.server_port}", count=12, concurrency=3, certificate=certificate)
    assert [shot.outcome for shot in shots] == ["answered"] * 12
    assert all(present(shot.tls_ms) > 0 for shot in shots)
    assert len(made) == 1
    assert made[0].session_stats()["connect_good"] == 12
    assert made[0].session_stats()["hits"] == 0


def test_a_burst_is_signed_before_it_is_made(server: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    signed = []
    headers = WebCaller._headers

    def noted(self: WebCaller, *request: Any) -> Any:
        signed.append(len(server.asked))
        return headers(self, *request)

    monkeypatch.setattr(WebCaller, "_headers", noted)
    assert len(shots_of(url_of(server), count=5, burst=True)) == 5
    assert signed[-5:] == [0] * 5


def test_a_server_that_asks_for_a_token_gets_it_with_every_request(
    server: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    class SecretsManager:
        def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803 - as botocore calls it
            return {"SecretString": f"the value of {SecretId}"}

    monkeypatch.setattr("isotherm.aws.calls.bearer_token.client", lambda *_: SecretsManager())
    shots_of(url_of(server), count=2, token="a-secret")  # noqa: S106 - the secret's name
    shots_of(url_of(server))

    sent = [headers.get("x-isotherm-token") for _, _, headers, _ in server.asked]
    assert sent == ["the value of a-secret", "the value of a-secret", None]
    assert all(headers["x-isotherm-shot"] for _, _, headers, _ in server.asked)


def test_every_order_is_called_once_whatever_the_concurrency(server: Listening) -> None:
    shots = shots_of(url_of(server), count=20, concurrency=4, operation="get")
    assert sorted(shot.index for shot in shots) == list(range(20))
    assert len(server.asked) == 20
    assert all(method == "GET" for method, *_ in server.asked)


@pytest.mark.parametrize(
    ("status", "outcome"), [(404, "function_error"), (403, "client_error"), (500, "function_error"), (504, "timeout")]
)
def test_a_status_that_is_no_success_says_so_with_its_text(server: Listening, status: int, outcome: str) -> None:
    server.statuses = [status]
    (shot,) = shots_of(url_of(server))
    assert (shot.outcome, shot.http_status, shot.error_type) == (outcome, status, f"HTTP {status}")
    assert shot.error_message == "{}"


def test_a_throttled_call_is_made_again_and_counted(server: Listening) -> None:
    server.statuses = [429, 200]
    (shot,) = shots_of(url_of(server))
    assert (shot.outcome, shot.attempts) == ("answered", 2)


def test_a_server_that_is_not_there_is_the_client_s_error(server: Listening) -> None:
    url = url_of(server)
    server.shutdown()
    server.server_close()
    (shot,) = shots_of(url)
    assert (shot.outcome, shot.error_type, shot.client_ms) == ("client_error", "refused", None)
