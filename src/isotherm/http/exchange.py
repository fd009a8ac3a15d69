"""HTTP/1.1 over one or more kept connections, with the time that each stage took. Retries nothing, follows nothing."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import re
import socket
import ssl
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import httptools

from isotherm.http.origin import Origin
from isotherm.http.wrong_value import WrongValue

FailureKind = Literal[
    "dns", "refused", "unreachable", "connect_timeout", "tls", "certificate", "timeout", "reset", "protocol"
]

#: An answer, head and body, that is longer counts as a protocol failure: nothing we measure answers more than 6 MB.
MAX_ANSWER_BYTES = 64 * 2**20

#: The begin of Linux' `struct tcp_info` (linux/tcp.h): the state, and how many segments are not acknowledged yet.
_TCP_INFO = struct.Struct("=B7x16xI")
#: The other end is closed, and this one is not (net/tcp_states.h); after a reset it would be closed as well.
_CLOSE_WAIT = 8

_CLOSING_S = 1.0  # patience with a peer that does not close its side
#: In so many turns of the event loop it has noticed all ends of connections that came before: with TLS each takes some.
_TURNS_TO_NOTICE = 5
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})  # HEAD's answers have lengths without bodies
_PATH = re.compile(r"/[!-~]*")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t -~\x80-\xff]*")


class ExchangeFailed(Exception):
    """A request that got no complete answer; `kind` says at what it failed, the text what was seen."""

    def __init__(self, kind: FailureKind, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(slots=True)
class Exchange:
    """One request's answer and its times, in milliseconds.

    `dns_ms`, `connect_ms` and `tls_ms` are None on a reused connection, `tls_ms` also where there is no TLS.
    `first_byte_ms` runs from the request written to the first byte of the answer, `total_ms` over the whole exchange,
    the opening of its connection included.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    dns_ms: float | None
    connect_ms: float | None
    tls_ms: float | None
    first_byte_ms: float
    total_ms: float
    reused: bool

    @property
    def opening_ms(self) -> float:
        """What opening the connection took, in milliseconds; 0 on a reused one."""
        return sum(stage or 0.0 for stage in (self.dns_ms, self.connect_ms, self.tls_ms))


@dataclass(frozen=True, slots=True)
class Opening:
    """How long the stages of opening a connection took, in milliseconds; `tls_ms` is None without TLS."""

    dns_ms: float
    connect_ms: float
    tls_ms: float | None


def encode_request(origin: Origin, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """The bytes of a request; Host (unless given) and Content-Length are added.

    Parameters
    ----------
    origin : Origin
        For the Host header.
    method : str
        GET, POST, PUT, PATCH, DELETE or OPTIONS.
    path : str
        Path and query, percent-encoded.
    headers : mapping of str to str
        Sent in this order.
    body : bytes, optional
        None sends no body and no length.

    Raises
    ------
    ValueError
        Something that cannot be sent, or that would be read as something else.
    """
    if method not in _METHODS:
        raise ValueError(f"method: {method!r} is none of {', '.join(sorted(_METHODS))}")
    if not _PATH.fullmatch(path):
        raise WrongValue("path", f"{path!r} is not a percent-encoded path that starts with /")
    lines = [f"{method} {path} HTTP/1.1"]
    given = {name.lower() for name in headers}
    if "host" not in given:
        lines.append(f"Host: {origin.authority}")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in ("content-length", "transfer-encoding"):
            raise WrongValue("headers", f"{name!r} cannot be set")
        if not _HEADER_VALUE.fullmatch(value):
            raise WrongValue("headers", f"the value of {name} has a character that headers cannot carry")
        lines.append(f"{name}: {value}")
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


def tls_context(cafile: str | None) -> ssl.SSLContext:
    """Certificates and host names are checked, against the system's authorities or those of a file (PEM).

    Raises
    ------
    ValueError
        The file is not there or holds no certificate.
    """
    try:
        context = ssl.create_default_context(cafile=cafile)
    except OSError as problem:  # ssl.SSLError is one
        raise WrongValue("cafile", f"{cafile!r} cannot be read as certificates (PEM): {problem}") from None
    context.set_alpn_protocols(["http/1.1"])
    return context


class Connection(asyncio.Protocol):
    """One open connection, one request at a time; tells of its answer by a callback rather than by a task.

    After the callback, `status`, `headers` (as they came, in bytes), `body`, `sent_at`, `first_byte_at` and `done_at`
    (`time.perf_counter`, s) stand until the next `send`. `errand` is the sender's, to note what the request was about.
    `answers` counts the whole answers that came over this connection.
    """

    __slots__ = (
        "_body",
        "_complete",
        "_done",
        "_failure",
        "_head_complete",
        "_keep_alive",
        "_parser",
        "_received",
        "_taken",
        "_transport",
        "answers",
        "closed",
        "done_at",
        "errand",
        "first_byte_at",
        "headers",
        "lost",
        "sent_at",
        "status",
    )

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._done: Callable[[Connection, ExchangeFailed | None], None] | None = None
        self._failure: ExchangeFailed | None = None
        self._received = 0
        self._taken = False
        self._head_complete = self._complete = self._keep_alive = False
        self._body: list[bytes] = []
        self.headers: list[tuple[bytes, bytes]] = []
        self.status = 0
        self.sent_at = self.first_byte_at = self.done_at = 0.0
        self.closed = False
        self.answers = 0
        self.errand: Any = None
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def busy(self) -> bool:
        """Whether a request is under way."""
        return self._done is not None

    @property
    def body(self) -> bytes:
        """The answer's body."""
        return b"".join(self._body)

    def was_closed_before(self, failure: ExchangeFailed) -> bool:
        """Whether the last request met a kept connection that its server had closed meanwhile.

        A server may close a connection after any answer, and a client that writes just then learns of it by the loss of
        the connection. Such a request can be made again over a new one, if making it twice does no harm (RFC 9112,
        section 9.3.1). A server that took the request and hung up is another thing: where the system tells (Linux,
        without TLS), the end of the connection is looked at for whether the request had arrived before it.
        """
        return failure.kind == "reset" and self.answers > 0 and not self._received and not self._taken

    def send(self, message: bytes, done: Callable[[Connection, ExchangeFailed | None], None]) -> None:
        """Write a request; `done` is called once, with the failure or None, and may send the next one.

        A connection that is closed already fails at once, inside this call.
        """
        if self._done is not None:
            raise RuntimeError("a connection carries one request at a time")
        self._done = done
        self._received = 0
        self._taken = False
        self._head_complete = self._complete = False
        self._body = []
        self.headers = []
        self.first_byte_at = 0.0
        self.sent_at = perf_counter()
        if self.closed or self._transport is None:
            self._fail("reset", "the connection was closed before the request was sent")
            return
        self._transport.write(message)

    def give_up(self, kind: FailureKind, text: str) -> None:
        """End the request that is under way, if there is one, as failed; the connection is of no more use."""
        self._fail(kind, text)

    def close(self) -> None:
        """Close it once what was written is sent, when the event loop next turns."""
        self._leave(lambda transport: transport.close())

    def abort(self) -> None:
        """Close it when the event loop next turns, whatever is still to be sent."""
        self._leave(lambda transport: transport.abort())

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        if self._done is None:  # nothing was asked: whatever this is, the next answer would be taken for it
            self.abort()
            return
        if not self._received:
            self.first_byte_at = perf_counter()
        self._received += len(data)
        if self._received > MAX_ANSWER_BYTES:
            self._fail("protocol", f"the answer is longer than {MAX_ANSWER_BYTES} bytes")
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail("protocol", "the server wants to change the protocol, which was not asked for")
        except httptools.HttpParserError as problem:
            if self._complete:  # the answer is whole; what follows it is not ours
                self._keep_alive = False
                self._succeed()
            else:
                self._fail("protocol", f"the answer is not HTTP/1.1: {problem}")
        else:
            if self._complete:
                self._succeed()

    def eof_received(self) -> None:
        """Take the end for the end of the body where the answer has no other."""
        if self._done is None:
            self.closed = True
            return
        if self._head_complete and self._ends_with_connection():
            self._keep_alive = False
            self._succeed()
        else:
            self._taken = self._transport is not None and _has_arrived(self._transport)
            self._fail("reset", f"the server closed the connection {self._where()}")

    def connection_lost(self, problem: Exception | None) -> None:
        """Fail the request that was under way."""
        self.closed = True
        if self._done is not None:
            told = f": {problem}" if problem else ""
            self._fail("reset", f"the connection was lost {self._where()}{told}")
        if not self.lost.done():
            self.lost.set_result(None)

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Notice an answer after the answer."""
        if self._complete:
            self._keep_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header as it came."""
        if not self._complete:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Take the status."""
        if not self._complete:
            self.status = self._parser.get_status_code()
            self._head_complete = True

    def on_body(self, part: bytes) -> None:
        """Keep a part of the body."""
        if not self._complete:
            self._body.append(part)

    def on_message_complete(self) -> None:
        """Mark the answer as whole, unless it only announces one (1xx)."""
        if self._complete:
            return
        if self.status < 200:
            self._head_complete = False
            self.headers = []
            return
        self._complete = True
        self._keep_alive = self._parser.should_keep_alive()

    def _ends_with_connection(self) -> bool:
        names = {name.lower() for name, _ in self.headers}
        return not names & {b"content-length", b"transfer-encoding"}

    def _where(self) -> str:
        return "in the middle of its answer" if self._received else "before it answered"

    def _leave(self, how: Callable[[asyncio.Transport], None]) -> None:
        """Send nothing more, and close the transport, but not from inside its own calls.

        asyncio's TLS reads on while it closes: where the end of the stream is there already, a close inside
        `data_received` raises, and the answer that was just received would be lost.
        """
        self.closed = True
        if self._transport is not None:
            self.lost.get_loop().call_soon(how, self._transport)

    def _succeed(self) -> None:
        self.done_at = perf_counter()
        self.answers += 1
        if not self._keep_alive:
            self.close()
        self._end(None)

    def _fail(self, kind: FailureKind, text: str) -> None:
        self.done_at = perf_counter()
        self.abort()
        self._end(ExchangeFailed(kind, text))

    def _end(self, failure: ExchangeFailed | None) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(self, failure)


def _has_arrived(transport: asyncio.Transport) -> bool:
    """Whether all that was written had arrived at the other end before that closed; False where it cannot be told.

    A system that closed a connection before answers what still comes with a reset, and acknowledges none of it. TLS
    ends by a message of its own, before its connection does.
    """
    option = getattr(socket, "TCP_INFO", None)
    if option is None or transport.get_extra_info("ssl_object") is not None:
        return False
    try:
        told = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, option, _TCP_INFO.size)
        state, unacknowledged = _TCP_INFO.unpack(told)
    except (OSError, AttributeError, struct.error):
        return False
    return bool(state == _CLOSE_WAIT and unacknowledged == 0)


async def connect(origin: Origin, context: ssl.SSLContext | None, timeout_s: float) -> tuple[Connection, Opening]:
    """Open a connection, stage by stage.

    Parameters
    ----------
    origin : Origin
        Where to; of several addresses the first that answers is taken.
    context : ssl.SSLContext, optional
        Given for https.
    timeout_s : float
        For all stages together.

    Raises
    ------
    ExchangeFailed
        With the kind of the stage that failed.
    """
    stage = "its name's address"
    try:
        async with asyncio.timeout(timeout_s):
            began = perf_counter()
            addresses = await _addresses(origin)
            found = perf_counter()
            stage = "a TCP connection"
            connected = await _tcp(origin, addresses)
            reached = perf_counter()
            stage = "the TLS handshake"
            connection = await _hand_over(connected, origin, context)
            secured = perf_counter()
    except TimeoutError:
        raise ExchangeFailed("connect_timeout", f"{origin}: waited {timeout_s:g} s for {stage}") from None
    tls_ms = None if context is None else (secured - reached) * 1000
    return connection, Opening((found - began) * 1000, (reached - found) * 1000, tls_ms)


_Address = tuple[int, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


async def _addresses(origin: Origin) -> list[_Address]:
    try:
        ipaddress.ip_address(origin.host)
    except ValueError:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as problem:
            raise ExchangeFailed("dns", f"{origin.host} has no known address: {problem}") from None
    else:  # no thread for what needs no asking
        found = socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return [(family, address) for family, _, _, _, address in found]


async def _tcp(origin: Origin, addresses: list[_Address]) -> socket.socket:
    loop = asyncio.get_running_loop()
    problem: OSError | None = None
    for family, address in addresses:
        try:
            # Told that it is TCP, asyncio has small writes sent at once (TCP_NODELAY).
            attempt = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        except OSError as refused:  # too many files are open
            problem = problem or refused
            continue
        attempt.setblocking(False)
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # an answer may take a quarter of an hour
        try:
            await loop.sock_connect(attempt, address)
        except OSError as refused:
            attempt.close()
            problem = problem or refused
        except BaseException:  # given up meanwhile
            attempt.close()
            raise
        else:
            return attempt
    kind: FailureKind = "unreachable"
    if isinstance(problem, ConnectionRefusedError):
        kind = "refused"
    elif isinstance(problem, ConnectionResetError):
        kind = "reset"
    elif problem is not None and problem.errno == errno.ETIMEDOUT:
        kind = "connect_timeout"
    raise ExchangeFailed(kind, f"{origin} cannot be connected to: {problem}")


async def _hand_over(connected: socket.socket, origin: Origin, context: ssl.SSLContext | None) -> Connection:
    loop = asyncio.get_running_loop()
    name = origin.host if context else None
    try:
        _, connection = await loop.create_connection(Connection, sock=connected, ssl=context, server_hostname=name)
    except ssl.SSLCertVerificationError as problem:
        raise ExchangeFailed("certificate", f"{origin}: {problem.verify_message or problem}") from None
    except (ssl.SSLError, OSError) as problem:
        connected.close()
        if context is None:
            raise ExchangeFailed("reset", f"{origin}: the connection was lost at once: {problem}") from None
        reason = getattr(problem, "reason", None) or str(problem) or type(problem).__name__
        raise ExchangeFailed("tls", f"{origin}: the TLS handshake failed: {reason}") from None
    except BaseException:  # given up meanwhile
        connected.close()
        raise
    return connection


class Client:
    """Sends requests to one origin over at most `connections` kept connections, in the event loop that runs.

    Examples
    --------
    >>> async def status() -> int:
    ...     async with Client("https://example.com", connections=1, timeout_s=10) as client:
    ...         return (await client.request("GET", "/", {}, None)).status
    """

    def __init__(
        self,
        origin_url: str,
        *,
        connections: int,
        timeout_s: float,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare; nothing is opened yet.

        Parameters
        ----------
        origin_url : str
            Scheme, host and port, as in "https://127.0.0.1:8443".
        connections : int
            How many requests may be under way at once.
        timeout_s : float
            For one exchange, the opening of its connection included.
        context : ssl.SSLContext, optional
            For https, as `tls_context` makes it, which takes tens of milliseconds: many clients may share one, and
            shake hands anew all the same. One that trusts the system's authorities is made where none is given.

        Raises
        ------
        ValueError
            One of them is not acceptable; the text names it.
        """
        if connections < 1:
            raise ValueError(f"connections: {connections} is below the least accepted, 1")
        if not timeout_s > 0:
            raise ValueError(f"timeout_s: {timeout_s:g} is not above 0")
        if urlsplit(origin_url).path not in ("", "/"):
            raise ValueError(f"origin_url: {origin_url!r} has a path; it belongs to the requests")
        self.origin = Origin.of(origin_url)
        self._context = (context or tls_context(None)) if self.origin.scheme == "https" else None
        self._timeout_s = timeout_s
        self._connections = connections
        self._slots = asyncio.Semaphore(connections)
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> list[Opening]:
        """Open all connections that are not, so that no request pays for one; gives what each took.

        Those that the server closed since they were used last are opened anew.

        Raises
        ------
        ExchangeFailed
            Of the first that could not be opened; the others are closed.
        """
        for _ in range(_TURNS_TO_NOTICE):
            await asyncio.sleep(0)
        missing = self._connections - sum(not connection.closed for connection in self._open)
        opened = await asyncio.gather(*(self._connect(self._timeout_s) for _ in range(missing)), return_exceptions=True)
        self._idle += [answer[0] for answer in opened if isinstance(answer, tuple)]
        for problem in opened:
            if isinstance(problem, BaseException):
                await self.close()
                raise problem
        return [answer[1] for answer in opened if isinstance(answer, tuple)]

    async def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Exchange:
        """Send a request over an idle connection, or a new one; waits where all are busy, which no time contains.

        Parameters
        ----------
        method, path, headers, body
            As `encode_request` takes them.

        Raises
        ------
        ExchangeFailed
            There was no complete answer. Any status is an answer.
        ValueError
            The request cannot be sent.
        """
        return await self.send(encode_request(self.origin, method, path, headers, body))

    async def send(self, message: bytes) -> Exchange:
        """Send a request as `encode_request` made it; otherwise as `request` does.

        Raises
        ------
        ExchangeFailed
            There was no complete answer. Any status is an answer.
        """
        async with self._slots:
            return await self._exchange(message)

    async def close(self) -> None:
        """Close all connections."""
        closing = list(self._open)
        for connection in closing:
            connection.close()
        if closing:
            _, late = await asyncio.wait([connection.lost for connection in closing], timeout=_CLOSING_S)
            if late:
                for connection in closing:
                    connection.abort()
                await asyncio.wait(late, timeout=_CLOSING_S)
        self._idle.clear()

    async def _connect(self, timeout_s: float) -> tuple[Connection, Opening]:
        connection, opening = await connect(self.origin, self._context, timeout_s)
        self._open.add(connection)
        connection.lost.add_done_callback(lambda _: self._open.discard(connection))
        return connection, opening

    async def _exchange(self, message: bytes) -> Exchange:
        loop = asyncio.get_running_loop()
        began = perf_counter()
        connection, opening = self._take_idle(), None
        if connection is None:
            connection, opening = await self._connect(self._timeout_s)
        answered: asyncio.Future[None] = loop.create_future()

        def done(_: Connection, failure: ExchangeFailed | None) -> None:
            if answered.cancelled():
                return
            if failure is None:
                answered.set_result(None)
            else:
                answered.set_exception(failure)

        left_s = max(0.0, self._timeout_s - (perf_counter() - began))
        timer = loop.call_later(
            left_s, connection.give_up, "timeout", f"no complete answer within {self._timeout_s:g} s"
        )
        try:
            connection.send(message, done)
            await answered
        except asyncio.CancelledError:
            connection.abort()
            raise
        finally:
            timer.cancel()
            if not connection.closed:
                self._idle.append(connection)
        return Exchange(
            status=connection.status,
            headers=_readable(connection.headers),
            body=connection.body,
            dns_ms=opening.dns_ms if opening else None,
            connect_ms=opening.connect_ms if opening else None,
            tls_ms=opening.tls_ms if opening else None,
            first_byte_ms=(connection.first_byte_at - connection.sent_at) * 1000,
            total_ms=(connection.done_at - began) * 1000,
            reused=opening is None,
        )

    def _take_idle(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed:
                return connection
        return None


def _readable(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Names in lower case; values of a repeated name joined by commas (RFC 9110, section 5.3)."""
    found: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
