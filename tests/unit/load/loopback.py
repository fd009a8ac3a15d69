"""Servers on loopback that answer whatever bytes a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import unquote

import trustme

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def server_context(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


@contextlib.asynccontextmanager
async def serving(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server on loopback that runs `script` for each connection; gives its origin."""

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            await script(reader, writer)
        writer.close()

    server = await asyncio.start_server(run, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    finally:
        server.close()


async def read_request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """Its first line, and its body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = head.partition("content-length: ")[2].partition("\r\n")[0]
    return head.partition("\r\n")[0], await reader.readexactly(int(length or 0))


def answering(*answers: bytes) -> Script:
    """Give each request of a connection the next of these answers, then close it."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await read_request(reader)
            writer.write(answer)
            await writer.drain()

    return script


def in_pieces(answer: bytes, cuts: list[int]) -> Script:
    """Answer once, the bytes cut at these places, each piece in a segment of its own."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for start, end in zip([0, *cuts], [*cuts, len(answer)], strict=True):
            writer.write(answer[start:end])
            await writer.drain()
            await asyncio.sleep(0)

    return script


class Customers:
    """The API of customers, kept in memory; `before` may keep a request waiting, or answer it otherwise."""

    def __init__(self, before: Callable[[str, int], Awaitable[bytes | None]] | None = None) -> None:
        self.known: dict[str, bytes] = {}
        self.lines: list[str] = []
        self.connections = 0
        self._before = before

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while True:
            line, body = await read_request(reader)
            self.lines.append(line)
            other = await self._before(line, len(self.lines)) if self._before else None
            if other == HANG_UP:
                return
            writer.write(other or self.answer(line, body))
            await writer.drain()

    def answer(self, line: str, body: bytes) -> bytes:
        """To one request, by its first line and its body."""
        method, path, _ = line.split()
        if method == "post":
            email = json.loads(body)["email_id"]
            self.known[email] = body
            return answer_of(201, body, calls=len(self.lines))
        found = self.known.get(unquote(path.rpartition("/")[2]))
        return answer_of(404, b"{}", len(self.lines)) if found is None else answer_of(200, found, len(self.lines))


#: What `before` answers to have the connection closed instead.
HANG_UP = b" "


def answer_of(status: int, body: bytes, calls: int = 1) -> bytes:
    """An answer with the header of the call: the first one was cold."""
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nX-Isotherm-Call: environment/{calls - 1}\r\n\r\n"
    return head.encode() + body
