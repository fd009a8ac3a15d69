"""The HTTP client against real servers on loopback, well-behaved and not."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from isotherm.http import exchange
from isotherm.http.exchange import Client, Exchange, ExchangeFailed, Opening, encode_request, tls_context
from isotherm.http.origin import Origin
from unit.present import present

from .loopback import Script, answering, in_pieces, read_request, server_context, serving

pytestmark = pytest.mark.usefixtures("each_event_loop")

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Isotherm-Call: e/0\r\n\r\nok"
CHUNKED = (
    b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nX-Empty:\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n\r\n"
    b"4\r\nsome\r\n6;why=not\r\n bytes\r\n0\r\nX-Trailer: t\r\n\r\n"
)
UNTIL_CLOSED = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it"

#: One context for each file of authorities: reading the system's takes longer than most exchanges here.
trusting = cache(tls_context)


def ask(
    script: Script,
    tls: ssl.SSLContext | None = None,
    *,
    times: int = 1,
    timeout_s: float = 10.0,
    cafile: str | None = None,
    method: str = "GET",
    body: bytes | None = None,
) -> list[Exchange]:
    """The exchanges of one client with a server that runs `script`."""

    async def run() -> list[Exchange]:
        async with (
            serving(script, tls) as origin,
            Client(origin, connections=1, timeout_s=timeout_s, context=trusting(cafile)) as client,
        ):
            return [await client.request(method, "/", {}, body) for _ in range(times)]

    return asyncio.run(run())


def failure(script: Script, tls: ssl.SSLContext | None = None, **options: Any) -> ExchangeFailed:
    with pytest.raises(ExchangeFailed) as caught:
        ask(script, tls, **options)
    return caught.value


def test_a_connection_is_kept_and_its_opening_counted_once() -> None:
    first, second = ask(answering(OK, OK), times=2)
    assert (first.status, first.body, first.headers["x-isotherm-call"]) == (200, b"ok", "e/0")
    assert (first.reused, second.reused) == (False, True)
    assert first.dns_ms is not None
    assert present(first.connect_ms) > 0
    assert first.tls_ms is None
    assert (second.dns_ms, second.connect_ms, second.tls_ms) == (None, None, None)
    assert 0 < first.first_byte_ms <= first.total_ms - present(first.connect_ms)
    assert 0 < second.first_byte_ms <= second.total_ms


def test_each_stage_is_timed_over_tls(tls: ssl.SSLContext, cafile: str) -> None:
    first, second = ask(answering(OK, OK), tls, times=2, cafile=cafile)
    stages_ms = [present(stage) for stage in (first.dns_ms, first.connect_ms, first.tls_ms)]
    assert min(stages_ms[1:]) > 0
    assert first.total_ms >= sum(stages_ms) + first.first_byte_ms
    assert (second.reused, second.tls_ms) == (True, None)


def test_connections_opened_beforehand_cost_the_requests_nothing(tls: ssl.SSLContext, cafile: str) -> None:
    async def run() -> tuple[list[Opening], list[Exchange]]:
        async with (
            serving(answering(OK, OK), tls) as origin,
            Client(origin, connections=3, timeout_s=10, context=trusting(cafile)) as client,
        ):
            opened = await client.open()
            return opened, await asyncio.gather(*(client.request("GET", "/", {}) for _ in range(6)))

    opened, exchanges = asyncio.run(run())
    assert len(opened) == 3
    assert all(present(opening.tls_ms) > 0 for opening in opened)
    assert [exchange.reused for exchange in exchanges] == [True] * 6


def test_connections_that_the_server_closed_are_opened_anew_before_they_are_needed(
    tls: ssl.SSLContext, cafile: str
) -> None:
    async def run() -> tuple[list[int], list[bool]]:
        async with (
            serving(answering(OK), tls) as origin,
            Client(origin, connections=2, timeout_s=10, context=trusting(cafile)) as client,
        ):
            opened, reused = [len(await client.open())], []
            for _ in range(2):
                reused += [(await client.request("GET", "/", {})).reused for _ in range(2)]
                await asyncio.sleep(0.05)  # the server's ends of the connections arrive
                opened.append(len(await client.open()))
            return opened, reused

    assert asyncio.run(run()) == ([2, 2, 2], [True] * 4)


def test_small_writes_are_sent_at_once_and_long_waits_are_kept_alive() -> None:
    async def run() -> tuple[int, int]:
        async with serving(answering(OK)) as origin:
            connection, _ = await exchange.connect(Origin.of(origin), None, 10)
            connected = connection._transport.get_extra_info("socket")  # type: ignore[union-attr]
            nodelay = connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            kept = connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            connection.close()
            await connection.lost
            return nodelay, kept

    assert all(asyncio.run(run()))


def test_a_process_that_may_open_no_more_files_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with serving(answering(OK)) as origin, Client(origin, connections=1, timeout_s=10) as client:
            with monkeypatch.context() as patch:
                patch.setattr("isotherm.http.exchange.socket.socket", _refuse)
                await client.request("GET", "/", {})

    with pytest.raises(ExchangeFailed, match="Too many open files") as caught:
        asyncio.run(run())
    assert caught.value.kind == "unreachable"


def _refuse(*_: object) -> socket.socket:
    raise OSError(errno.EMFILE, "Too many open files")


def test_no_more_requests_are_under_way_than_connections_allowed() -> None:
    at_once = [0, 0]

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            at_once[0] += 1
            at_once[1] = max(at_once)
            await asyncio.sleep(0.01)
            at_once[0] -= 1
            writer.write(OK)

    async def run() -> list[Exchange]:
        async with serving(script) as origin, Client(origin, connections=2, timeout_s=10) as client:
            return await asyncio.gather(*(client.request("GET", "/", {}) for _ in range(8)))

    assert len(asyncio.run(run())) == 8
    assert at_once[1] == 2


def test_the_server_reads_what_was_sent() -> None:
    seen = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        seen.append(await reader.readexactly(7))
        writer.write(OK)

    async def run() -> str:
        async with serving(script) as origin, Client(origin, connections=1, timeout_s=10) as client:
            await client.request("POST", "/customers?x=%20", {"X-Isotherm-Shot": "s-1"}, b'{"a":1}')
            return origin

    origin = asyncio.run(run())
    host = origin.removeprefix("http://")
    assert seen == [
        f"POST /customers?x=%20 HTTP/1.1\r\nHost: {host}\r\nX-Isotherm-Shot: s-1\r\nContent-Length: 7\r\n\r\n".encode(),
        b'{"a":1}',
    ]


def test_a_chunked_answer_is_put_together() -> None:
    (answer,) = ask(answering(CHUNKED))
    assert (answer.status, answer.body) == (201, b"some bytes")
    assert answer.headers["x-empty"] == ""
    assert answer.headers["set-cookie"] == "a=1, b=2"


@pytest.mark.parametrize(
    "answer",
    [
        UNTIL_CLOSED,
        b"HTTP/1.0 200 OK\r\n\r\nall of it",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\nall of it",
    ],
)
def test_after_an_answer_that_closes_the_next_request_opens_a_connection(answer: bytes) -> None:
    first, second = ask(answering(answer), times=2)
    assert (first.body, second.body) == (b"all of it", b"all of it")
    assert (first.reused, second.reused) == (False, False)


@pytest.mark.parametrize("answer", [OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), UNTIL_CLOSED])
@pytest.mark.parametrize("keep", [b"", b"surplus"])
def test_an_answer_and_the_end_of_tls_may_come_in_one_segment(
    authority: trustme.CA, cafile: str, answer: bytes, keep: bytes
) -> None:
    """The last records of the answer and close_notify are read at once, as from a server that sends them at once."""
    context = server_context(authority, "127.0.0.1")

    def answer_once(listening: socket.socket) -> None:
        accepted, _ = listening.accept()
        with accepted:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            secured = context.wrap_bio(incoming, outgoing, server_side=True)

            def until_done(step: Callable[[], object]) -> object:
                while True:
                    try:
                        return step()
                    except ssl.SSLWantReadError:
                        accepted.sendall(outgoing.read())
                        incoming.write(accepted.recv(65536))

            until_done(secured.do_handshake)
            until_done(lambda: secured.read(65536))
            secured.write(answer + keep * (answer is not UNTIL_CLOSED))
            with contextlib.suppress(ssl.SSLWantReadError):
                secured.unwrap()  # close_notify
            accepted.sendall(outgoing.read())
            accepted.recv(65536)

    async def run(origin: str) -> Exchange:
        async with Client(origin, connections=1, timeout_s=10, context=trusting(cafile)) as client:
            return await client.request("GET", "/", {})

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving_thread = threading.Thread(target=answer_once, args=[listening])
        serving_thread.start()
        exchanged = asyncio.run(run(f"https://127.0.0.1:{listening.getsockname()[1]}"))
        serving_thread.join()
    assert exchanged.body == (b"all of it" if answer is UNTIL_CLOSED else b"ok")


def test_an_answer_without_a_body_is_whole_with_its_head() -> None:
    (answer,) = ask(answering(b"HTTP/1.1 204 No Content\r\n\r\n"))
    assert (answer.status, answer.body) == (204, b"")


def test_an_announcement_is_not_the_answer() -> None:
    (answer,) = ask(answering(b"HTTP/1.1 100 Continue\r\nX-Not: this\r\n\r\n" + OK))
    assert (answer.status, "x-not" in answer.headers) == (200, False)


def test_any_status_is_an_answer() -> None:
    (answer,) = ask(answering(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"))
    assert answer.status == 503


@pytest.mark.parametrize("surplus", [OK, b"garbage\r\n\r\n", b"HTT"])
def test_what_follows_an_answer_is_never_taken_for_the_next_one(surplus: bytes) -> None:
    first, second = ask(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst" + surplus), times=2)
    assert (first.body, second.body) == (b"first", b"first")
    assert second.reused is False


def test_an_idle_connection_that_was_closed_is_not_used() -> None:
    async def run() -> tuple[Exchange, Exchange]:
        async with serving(answering(OK)) as origin, Client(origin, connections=1, timeout_s=10) as client:
            first = await client.request("GET", "/", {})
            await asyncio.sleep(0.05)  # the server's end of the connection arrives
            return first, await client.request("GET", "/", {})

    first, second = asyncio.run(run())
    assert (first.status, second.status, second.reused) == (200, 200, False)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([OK, CHUNKED, UNTIL_CLOSED]), st.data())
def test_where_the_bytes_are_cut_makes_no_difference(answer: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(answer) - 1), max_size=12)))
    (whole,), (cut,) = ask(answering(answer)), ask(in_pieces(answer, cuts))
    assert (cut.status, cut.headers, cut.body) == (whole.status, whole.headers, whole.body)


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=1, max_size=200))
def test_garbage_is_a_failure_that_says_so(garbage: bytes) -> None:
    assert failure(answering(garbage)).kind in ("protocol", "reset")


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([OK, CHUNKED]), st.data())
def test_an_answer_that_breaks_off_is_never_taken_for_whole(answer: bytes, data: st.DataObject) -> None:
    end = data.draw(st.integers(0, len(answer) - 1))
    problem = failure(answering(answer[:end]))
    assert problem.kind == "reset"
    assert ("in the middle" if end else "before it answered") in str(problem)


def test_a_reset_in_the_middle_is_a_reset() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK[:-1])
        await writer.drain()
        # Closing with unsent time zero sends RST rather than FIN.
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    problem = failure(script)
    assert problem.kind == "reset"


def test_a_slow_answer_is_a_timeout_and_its_connection_is_not_used_again() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, _ = await read_request(reader)
        if "slow" in first:
            writer.write(OK[:20])
            await reader.read()  # no more, until the client has gone
        writer.write(OK)

    async def run() -> tuple[str, float, Exchange]:
        async with serving(script) as origin, Client(origin, connections=1, timeout_s=0.2) as client:
            began = time.monotonic()
            with pytest.raises(ExchangeFailed, match=r"no complete answer within 0.2 s") as caught:
                await client.request("GET", "/slow", {})
            return caught.value.kind, time.monotonic() - began, await client.request("GET", "/", {})

    kind, took_s, after = asyncio.run(run())
    assert kind == "timeout"
    assert took_s >= 0.19  # uvloop counts whole milliseconds
    assert (after.status, after.reused) == (200, False)


def test_nobody_listening_is_refused() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{closed.getsockname()[1]}"

        async def run() -> None:
            async with Client(origin, connections=1, timeout_s=10) as client:
                await client.request("GET", "/", {})

        with pytest.raises(ExchangeFailed) as caught:
            asyncio.run(run())
    assert caught.value.kind == "refused"
    assert origin in str(caught.value)


def test_a_listener_that_accepts_nobody_is_a_connect_timeout() -> None:
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        for _ in range(3):  # more than its queue holds: later ones are not even answered
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(address)

        async def run() -> None:
            async with Client(f"http://127.0.0.1:{address[1]}", connections=1, timeout_s=0.3) as client:
                await client.request("GET", "/", {})

        with pytest.raises(ExchangeFailed, match=r"waited 0.3 s for a TCP connection") as caught:
            asyncio.run(run())
    assert caught.value.kind == "connect_timeout"


def test_a_listener_that_never_shakes_hands_is_a_connect_timeout(cafile: str) -> None:
    async def script(reader: asyncio.StreamReader, _: object) -> None:
        await reader.read()

    async def run() -> None:
        async with serving(script) as origin:
            secure = origin.replace("http:", "https:")
            async with Client(secure, connections=1, timeout_s=0.3, context=trusting(cafile)) as client:
                await client.request("GET", "/", {})

    with pytest.raises(ExchangeFailed, match="the TLS handshake") as caught:
        asyncio.run(run())
    assert caught.value.kind == "connect_timeout"


def test_a_name_without_address_is_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)  # what the loop asks in its thread

    async def run() -> None:
        async with Client("https://nowhere.invalid", connections=1, timeout_s=10) as client:
            await client.open()

    with pytest.raises(ExchangeFailed, match=r"nowhere\.invalid") as caught:
        asyncio.run(run())
    assert caught.value.kind == "dns"


def test_a_certificate_of_an_unknown_authority_is_refused(tls: ssl.SSLContext) -> None:
    problem = failure(answering(OK), tls)
    assert problem.kind == "certificate"
    assert "unable to get local issuer" in str(problem)


def test_a_self_signed_certificate_is_refused_unless_it_is_the_one_given(tmp_path: Path) -> None:
    context, pem = self_signed(tmp_path)
    problem = failure(answering(OK), context)
    assert (problem.kind, "self" in str(problem)) == ("certificate", True)
    (answer,) = ask(answering(OK), context, cafile=str(pem))
    assert answer.status == 200


def test_a_certificate_for_another_name_is_refused(authority: trustme.CA, cafile: str) -> None:
    problem = failure(answering(OK), server_context(authority, "elsewhere.example.com"), cafile=cafile)
    assert problem.kind == "certificate"
    assert "127.0.0.1" in str(problem)


def test_the_servers_name_is_sent_and_checked(authority: trustme.CA, cafile: str) -> None:
    """A server that shows each name's own certificate must be asked for the right one (SNI)."""
    asked = []
    right, wrong = server_context(authority, "localhost"), server_context(authority, "elsewhere.example.com")

    def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        asked.append(name)
        connection.context = right if name == "localhost" else wrong

    wrong.sni_callback = choose

    async def run() -> Exchange:
        async with serving(answering(OK), wrong) as origin:
            named = origin.replace("127.0.0.1", "localhost")
            async with Client(named, connections=1, timeout_s=10, context=trusting(cafile)) as client:
                return await client.request("GET", "/", {})

    assert asyncio.run(run()).status == 200
    assert asked == ["localhost"]


def test_a_server_that_speaks_no_tls_is_a_tls_failure(cafile: str) -> None:
    async def script(_: object, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def run() -> None:
        async with serving(script) as origin:
            secure = origin.replace("http:", "https:")
            async with Client(secure, connections=1, timeout_s=10, context=trusting(cafile)) as client:
                await client.request("GET", "/", {})

    with pytest.raises(ExchangeFailed, match="the TLS handshake failed") as caught:
        asyncio.run(run())
    assert caught.value.kind == "tls"


def test_a_server_that_hangs_up_during_the_handshake_is_a_tls_failure(cafile: str) -> None:
    async def script(*_: object) -> None:
        pass

    async def run() -> None:
        async with serving(script) as origin:
            secure = origin.replace("http:", "https:")
            async with Client(secure, connections=1, timeout_s=10, context=trusting(cafile)) as client:
                await client.request("GET", "/", {})

    with pytest.raises(ExchangeFailed) as caught:
        asyncio.run(run())
    assert caught.value.kind == "tls"


def test_open_says_what_the_first_request_would(tls: ssl.SSLContext) -> None:
    async def run() -> None:
        async with serving(answering(OK), tls) as origin, Client(origin, connections=4, timeout_s=10) as client:
            await client.open()

    with pytest.raises(ExchangeFailed) as caught:
        asyncio.run(run())
    assert caught.value.kind == "certificate"


def test_an_endless_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MAX_ANSWER_BYTES", 100_000)

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while True:
            writer.write(b"x" * 10_000)
            await writer.drain()

    problem = failure(script)
    assert problem.kind == "protocol"
    assert "longer than 100000 bytes" in str(problem)


def test_a_change_of_protocol_is_refused() -> None:
    problem = failure(answering(b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"))
    assert (problem.kind, "change the protocol" in str(problem)) == ("protocol", True)


def test_a_request_that_is_given_up_leaves_a_client_that_works() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, _ = await read_request(reader)
        if "slow" in first:
            await asyncio.sleep(5)
        writer.write(OK)

    async def run() -> Exchange:
        async with serving(script) as origin, Client(origin, connections=1, timeout_s=10) as client:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.request("GET", "/slow", {}), 0.1)
            return await client.request("GET", "/", {})

    assert asyncio.run(run()).status == 200


def test_every_event_loop_may_have_its_own_client(tls: ssl.SSLContext, cafile: str) -> None:
    """A Lambda handler runs a fresh loop in each invocation."""
    for _ in range(3):
        assert ask(answering(OK), tls, cafile=cafile)[0].status == 200


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"origin_url": "ftp://127.0.0.1"}, "origin_url: 'ftp://127.0.0.1' does not start with http://HOST"),
        ({"origin_url": "https://"}, "origin_url: 'https://' does not start with"),
        ({"origin_url": "http://h/path"}, "has a path"),
        ({"origin_url": "http://u:p@h"}, "carries a user name"),
        ({"origin_url": "http://h:99999"}, "is not a URL"),
        ({"origin_url": "http://h:0"}, "port 0"),
        ({"connections": 0}, "connections: 0 is below the least accepted, 1"),
        ({"timeout_s": 0}, "timeout_s: 0 is not above 0"),
        ({"timeout_s": float("nan")}, "timeout_s: nan is not above 0"),
    ],
)
def test_what_cannot_be_a_client_is_refused(options: dict[str, Any], message: str) -> None:
    given = {"origin_url": "https://127.0.0.1", "connections": 1, "timeout_s": 1.0, **options}
    origin_url = given.pop("origin_url")
    with pytest.raises(ValueError, match=message):
        Client(origin_url, **given)


def test_authorities_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(ValueError, match=r"cafile: 'no-such-file.pem' cannot be read"):
        tls_context("no-such-file.pem")


@pytest.mark.parametrize(
    ("method", "path", "headers", "message"),
    [
        ("HEAD", "/", {}, "method: 'HEAD' is none of"),
        ("GET", "no-slash", {}, "path: 'no-slash' is not"),
        ("GET", "/a b", {}, "path: '/a b' is not"),
        ("GET", "/", {"X-A": "1\r\nX-B: 2"}, "the value of X-A has a character"),
        ("GET", "/", {"X A": "1"}, "headers: 'X A' cannot be set"),
        ("GET", "/", {"Content-Length": "5"}, "headers: 'Content-Length' cannot be set"),
    ],
)
def test_what_would_be_read_as_something_else_is_not_sent(
    method: str, path: str, headers: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        encode_request(Origin.of("http://h"), method, path, headers, None)


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("http://h", "h"),
        ("https://h:443", "h"),
        ("http://h:443", "h:443"),
        ("https://[::1]:8443", "[::1]:8443"),
        ("http://bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_the_host_header_is_the_origins_authority(url: str, authority: str) -> None:
    assert Origin.of(url).authority == authority


def self_signed(folder: Path) -> tuple[ssl.SSLContext, object]:
    """A server whose certificate is its own authority, as `openssl req -x509` makes one."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "isotherm tests")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "self.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = folder / "self.key"
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)
    return context, pem
