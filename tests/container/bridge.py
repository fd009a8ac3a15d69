"""Lets containers reach what listens on this machine's loopback address only, as the embedded stack does.

`python -m tests.container.bridge 4566` hands on every connection to Docker's bridge address, where containers find
`host.docker.internal` on Linux, until it is interrupted. Docker Desktop does this by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator

LOOPBACK = "127.0.0.1"


class NoBridge(Exception):
    """There is no address of this machine that its containers could call."""


def bridge_address() -> str:
    """The address of this machine on Docker's own bridge network.

    Raises
    ------
    NoBridge
        No Docker engine answers, or it has no such network.
    """
    asked = ["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]
    try:
        answer = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError) as problem:
        raise NoBridge(f"docker does not tell its bridge's address: {problem}") from problem
    return answer.stdout.strip()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


async def _serve(address: str, port: int) -> asyncio.Server:
    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            behind_reader, behind_writer = await asyncio.open_connection(LOOPBACK, port)
        except OSError:  # nothing listens: to the caller it is as if nothing listened here
            writer.transport.abort()
            return
        pumps = [
            asyncio.ensure_future(_pump(reader, behind_writer)),
            asyncio.ensure_future(_pump(behind_reader, writer)),
        ]
        try:
            # Who closes an HTTP connection has said and heard all; closing sends what is still on its way.
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            behind_writer.close()
            writer.close()

    try:
        return await asyncio.start_server(hand_on, address, port)
    except OSError as problem:
        raise NoBridge(f"{address}:{port} cannot be listened on: {problem.strerror}") from problem


@contextlib.contextmanager
def bridged(port: int) -> Iterator[None]:
    """Hand on, for as long as the block runs, what containers send to the bridge's address and `port`."""
    address = bridge_address()
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(_serve(address, port))
    thread = threading.Thread(target=loop.run_forever, name="bridge", daemon=True)
    thread.start()
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(server: asyncio.Server) -> None:
    """Listen no more, and give up what is still open: clients keep connections for later."""
    server.close()
    open_ones = asyncio.all_tasks() - {asyncio.current_task()}
    for task in open_ones:
        task.cancel()
    await asyncio.gather(*open_ones, return_exceptions=True)


def main(arguments: list[str]) -> int:
    """Bridge the port named until interrupted."""
    if len(arguments) != 1 or not arguments[0].isdigit():
        print("usage: python -m tests.container.bridge PORT", file=sys.stderr)
        return 2
    port = int(arguments[0])
    try:
        with bridged(port):
            print(f"containers reach {LOOPBACK}:{port} as host.docker.internal:{port}, until Ctrl-C", flush=True)
            threading.Event().wait()
    except NoBridge as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
