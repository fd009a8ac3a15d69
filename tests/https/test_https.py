"""Requests to the real server over HTTPS on loopback: what clients get, and what the log says of it."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import ssl
import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from isotherm import __version__
from isotherm.load.customers import create_request, customer, read_request
from isotherm.measurement.probe import probe_lines
from server.protocol import MOST_PIPELINED

from .process import PATIENCE_S, STAND_IN, Server, Start, ask

JSON = {"content-type": "application/json"}


def test_curl_creates_and_reads_a_customer(server: Server) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not here")

    def curl(path: str, *options: str) -> tuple[int, Any]:
        base = ["curl", "--silent", "--show-error", "--cacert", str(server.ca_file), "--write-out", "\n%{http_code}"]
        ran = subprocess.run(
            [*base, *options, f"https://127.0.0.1:{server.port}{path}"], capture_output=True, text=True, check=True
        )
        body, _, status = ran.stdout.rpartition("\n")
        return int(status), json.loads(body)

    made = create_request(customer(1, 7))
    assert made.body is not None
    created = curl(made.path, "--data-binary", made.body.decode(), "--header", "content-type: application/json")
    read = curl(read_request(customer(1, 7).email_id).path)

    assert created[0] == 201
    assert read[0] == 200
    assert read[1]["email_id"] == customer(1, 7).email_id
    assert read[1]["last_name"] == customer(1, 7).last_name


def test_the_default_handler_answers_as_behind_api_gateway(server: Server) -> None:
    answered = server.ask("GET", "/default")

    assert (answered.status, answered.headers["content-type"]) == (200, "application/json")
    assert answered.document == {"ok": True, "target": "default"}


def test_a_connection_is_kept_and_its_calls_are_told_apart(server: Server) -> None:
    connection = server.connect()
    first, second = (ask(connection, "GET", "/default") for _ in range(2))
    connection.close()

    environment, _, index = first.headers["x-isotherm-call"].partition("/")
    assert second.headers["x-isotherm-call"] == f"{environment}/{int(index) + 1}"
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    uuid.UUID(first.headers["x-request-id"])


def test_health_says_what_runs_and_is_no_call(server: Server) -> None:
    before = server.ask("GET", "/default").headers["x-isotherm-call"]
    health = server.ask("GET", "/healthz")
    after = server.ask("GET", "/default").headers["x-isotherm-call"]

    assert health.status == 200
    assert health.document["status"] == "ok"
    assert health.document["version"] == __version__
    assert "x-isotherm-call" not in health.headers
    assert int(after.rpartition("/")[2]) == int(before.rpartition("/")[2]) + 1
    assert (server.ask("HEAD", "/healthz").status, server.ask("HEAD", "/healthz").body) == (200, b"")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="no JSON"),
        pytest.param(b"[1, 2]", id="no object"),
        pytest.param(b'{"email_id": 1, "first_name": "A", "last_name": "B"}', id="no text"),
        pytest.param(b'{"first_name": "A", "last_name": "B"}', id="no address"),
        pytest.param(b"\xff\xfe\x00", id="no UTF-8"),
    ],
)
def test_a_bad_body_gets_a_reason(server: Server, body: bytes) -> None:
    answered = server.ask("POST", "/customers", body, JSON)

    assert answered.status == 400
    assert answered.document
    assert server.line(answered.headers["x-request-id"])["status"] == 400


def test_an_unknown_customer_is_not_found(server: Server) -> None:
    assert server.ask("GET", "/customers/nobody%40example.com").status == 404


@pytest.mark.parametrize("path", ["/", "/nope", "/customers/", "/customers/a/b", "/default/x", "/%2e%2e/etc"])
def test_an_unknown_route_is_not_found_and_logged(server: Server, path: str) -> None:
    answered = server.ask("GET", path)
    line = server.line(answered.headers["x-request-id"])

    assert (answered.status, answered.document) == (404, {"message": "Not Found"})
    assert (line["status"], line["route"]) == (404, None)


def test_a_known_path_says_which_methods_it_takes(server: Server) -> None:
    answered = server.ask("DELETE", "/customers")

    assert (answered.status, answered.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "in chunks"])
def test_a_body_beyond_the_bound_is_refused_unread(server: Server, announced: bool) -> None:
    connection = server.connect()
    connection.putrequest("POST", "/customers")
    connection.putheader("content-type", "application/json")
    if announced:
        connection.putheader("content-length", str(10**12))
        connection.endheaders()
    else:
        connection.putheader("transfer-encoding", "chunked")
        connection.endheaders()
        for _ in range(17):
            connection.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
    response = connection.getresponse()

    assert response.status == 413
    assert response.getheader("connection") == "close"
    assert "1048576" in json.load(response)["message"]
    connection.close()


def _raw(server: Server, sent: bytes) -> bytes:
    """What comes back for bytes that need not be HTTP, until the server closes."""
    context = ssl.create_default_context(cafile=str(server.ca_file))
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        secured.sendall(sent)
        received = b""
        while piece := secured.recv(65536):
            received += piece
        return received


def test_what_is_no_http_is_refused(server: Server) -> None:
    assert _raw(server, b"hello\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_a_head_without_an_end_is_refused(server: Server) -> None:
    assert _raw(server, b"GET / HTTP/1.1\r\nx: " + b"x" * 70_000).startswith(b"HTTP/1.1 431 ")


def test_plain_http_gets_no_answer_and_does_no_harm(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        received = plain.recv(65536)

    assert not received.startswith(b"HTTP")
    assert server.ask("GET", "/healthz").status == 200


def test_a_client_that_trusts_others_refuses_the_certificate(server: Server) -> None:
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=60) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")


# The log


def test_the_line_of_a_call_is_the_probes_line_with_what_the_server_knows(server: Server) -> None:
    before_ms = time.time() * 1000
    answered = server.ask("GET", "/default", headers={"X-Isotherm-Shot": "campaign/lane/7"})
    after_ms = time.time() * 1000
    line = server.line(answered.headers["x-request-id"])

    (probe,) = probe_lines(json.dumps(line))
    assert probe.shot_id == "campaign/lane/7"
    assert probe.request_id == answered.headers["x-request-id"]
    assert f"{probe.environment_id}/{probe.invocation_index}" == answered.headers["x-isotherm-call"]
    assert line["isotherm_server"] == 1
    assert (line["method"], line["route"], line["status"]) == ("GET", "GET /default", 200)
    assert line["bytes"] == len(answered.body)
    assert 0 < probe.work_ms <= line["duration_ms"] < after_ms - before_ms
    assert before_ms <= line["begin_at_ms"] <= probe.handler_begin_at_ms <= after_ms


def test_there_is_exactly_one_line_for_each_request(server: Server) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: server.ask("GET", "/default"), range(64)))

    asked = {answered.headers["x-request-id"] for answered in answers}
    assert len(asked) == 64
    for request_id in asked:
        server.line(request_id)
    logged = [line["request_id"] for line in server.lines if line.get("request_id") in asked]
    assert sorted(logged) == sorted(asked)


# Handlers that misbehave


def test_a_handler_that_fails_is_an_error_of_the_server_and_its_reason_is_in_the_log(stand_in: Server) -> None:
    answered = stand_in.ask("GET", "/stand-in/fail", headers={"x-isotherm-shot": "s"})
    line = stand_in.line(answered.headers["x-request-id"])

    assert (answered.status, answered.document) == (500, {"message": "Internal Server Error"})
    assert line["error"] == "RuntimeError: the table is on fire"
    assert (line["status"], line["shot_id"], line["isotherm_probe"]) == (500, "s", 1)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("nonsense", "statusCode: 'fine'"),
        ("two-lines", "X-Line"),
        ("far-away", "X-Price"),
        ("no-name", "'X Y'"),
        ("no-text", "X-Map"),
    ],
)
def test_an_answer_that_http_cannot_carry_is_an_error_of_the_server(stand_in: Server, what: str, said: str) -> None:
    answered = stand_in.ask("GET", f"/stand-in/{what}")

    assert answered.status == 500
    assert "b" not in answered.headers
    assert said in stand_in.line(answered.headers["x-request-id"])["error"]


def test_a_handler_is_given_the_event_of_api_gateway(stand_in: Server) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8", "Cookie": "a=1; b=2"}
    event = stand_in.ask("POST", "/stand-in/event?x=1&x=2&y=", '{"é": 1}'.encode(), headers).document

    assert event["version"] == "2.0"
    assert event["routeKey"] == event["requestContext"]["routeKey"] == "POST /stand-in/{what}"
    assert event["rawPath"] == "/stand-in/event"
    assert event["rawQueryString"] == "x=1&x=2&y="
    assert event["queryStringParameters"] == {"x": "1,2", "y": ""}
    assert event["pathParameters"] == {"what": "event"}
    assert event["cookies"] == ["a=1", "b=2"]
    assert "cookie" not in event["headers"]
    assert event["headers"]["content-type"] == "application/json; charset=utf-8"
    assert (event["body"], event["isBase64Encoded"]) == ('{"é": 1}', False)
    assert event["requestContext"]["http"]["method"] == "POST"
    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"


def test_a_body_that_is_no_text_is_handed_on_in_base64(stand_in: Server) -> None:
    event = stand_in.ask("POST", "/stand-in/event", b"\x00\xff", {"content-type": "application/octet-stream"}).document

    assert event["isBase64Encoded"]
    assert base64.b64decode(event["body"]) == b"\x00\xff"


def test_a_handler_that_does_not_answer_is_given_up_and_others_are_served(started: Start) -> None:
    server = started("--memory", "--threads", "2", "--timeout-s", "0.5", program=(str(STAND_IN),))
    answered = server.ask("GET", "/stand-in/sleep")

    assert answered.status == 504
    assert "within 0.5 s" in server.line(answered.headers["x-request-id"])["error"]
    assert server.ask("GET", "/stand-in/event").status == 200


def test_beyond_its_bound_the_server_says_so_at_once(stand_in: Server) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: stand_in.ask("GET", "/stand-in/nap"), range(8)))

    refused = [answered for answered in answers if answered.status == 503]
    assert {answered.status for answered in answers} == {200, 503}
    assert len(refused) >= 2
    assert refused[0].headers["retry-after"] == "1"
    assert "the most" in stand_in.line(refused[0].headers["x-request-id"])["error"]
    waited = [stand_in.line(a.headers["x-request-id"])["queue_ms"] for a in answers if a.status == 200]
    assert max(waited) > 500  # two threads, three requests: one of them had to wait for the first two


def test_a_client_that_leaves_is_noted(server: Server) -> None:
    connection = server.connect()
    connection.putrequest("POST", "/customers")
    connection.putheader("content-length", "10")
    connection.putheader("x-isotherm-shot", "left")
    connection.endheaders(b"12345")
    connection.close()

    line = server._wait_for(shot_id="left")
    assert line["status"] == 499


def test_a_client_that_sends_slowly_is_let_go(started: Start) -> None:
    server = started("--memory", "--arrival-s", "0.5")
    begin = time.monotonic()

    assert _raw(server, b"GET /def").startswith(b"HTTP/1.1 408 ")
    assert _raw(server, b"POST /customers HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nab") == b""
    assert time.monotonic() - begin >= 1


def test_a_log_group_out_of_reach_is_told_once_and_keeps_nobody_waiting(started: Start) -> None:
    nobody = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    server = started("--memory", "--log-group", "/none", AWS_REGION="us-east-1", **nobody)

    assert server.ask("GET", "/default", headers={"x-isotherm-shot": "1"}).status == 200
    assert server.event("log group not reached")["log_group"] == "/none"
    assert server.ask("GET", "/default", headers={"x-isotherm-shot": "2"}).status == 200
    assert server.stop() == 0
    assert [line["event"] for line in server.lines if "event" in line].count("log group not reached") == 1


# Without a bound of ours a handshake is waited for for 60 s, and a goodbye for 30 s.
FAR_BELOW_THOSE_S = 20


def _outlasted(connection: socket.socket) -> bool:
    """Whether the server lets go of the connection, whose TLS nobody speaks any more."""
    connection.settimeout(FAR_BELOW_THOSE_S)
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def test_who_never_shakes_hands_is_let_go(started: Start) -> None:
    server = started("--memory", "--arrival-s", "1")
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        assert _outlasted(connection)
    assert server.ask("GET", "/healthz").status == 200


def test_who_never_reads_its_refusal_nor_says_goodbye_is_let_go(started: Start) -> None:
    server = started("--memory", "--arrival-s", "1")
    context = ssl.create_default_context(cafile=str(server.ca_file))
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        secured = context.wrap_socket(connection, server_hostname="localhost")
        secured.sendall(b"GET /healthz HTTP/1.1\r\nhost: ")
        with socket.socket(fileno=secured.detach()) as silent:
            assert _outlasted(silent)
    assert server.ask("GET", "/healthz").status == 200


def test_requests_that_do_not_wait_for_answers_are_answered_in_order(server: Server) -> None:
    asked = b"".join(b"GET /stand-in/%d HTTP/1.1\r\nhost: x\r\n\r\n" % number for number in range(MOST_PIPELINED))
    answers = _raw(server, asked + b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")

    assert answers.count(b"HTTP/1.1 404 ") == MOST_PIPELINED
    assert answers.count(b"HTTP/1.1 200 ") == 1


def test_who_never_waits_for_answers_does_not_fill_the_memory(server: Server) -> None:
    """Of a million requests sent at once it is let go long before the last."""
    context = ssl.create_default_context(cafile=str(server.ca_file))
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        secured = context.wrap_socket(connection, server_hostname="localhost")
        with pytest.raises((ConnectionError, ssl.SSLError)):
            secured.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n" * 1_000_000)
    assert server.ask("GET", "/healthz").status == 200
