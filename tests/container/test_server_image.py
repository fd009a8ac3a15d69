"""The server's image, built and run by a Docker engine: alone, and two of it behind a load balancer."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import sysconfig
import time
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme

from integration.embedded import HOME, STACK, Embedded
from isotherm import __version__
from isotherm.measurement.probe import probe_lines

from .engine import Engine
from .lambda_engine.errors import NoEngine
from .server_image import BASE, IMAGE, Container, build, docker, running

pytestmark = pytest.mark.container

PATIENCE_S = 60
LOAD_S = 300


@pytest.fixture(scope="module")
def image(running_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:  # noqa: ARG001 - it answers
    """The server's image, built from its Dockerfile."""
    try:
        yield build(tmp_path_factory.mktemp("base"))
    except NoEngine as problem:
        pytest.fail(str(problem))
    docker("image", "rm", IMAGE, BASE)


@dataclass(frozen=True)
class Authority:
    """Signs the certificates of one test, and is trusted by its clients."""

    folder: Path
    ca: trustme.CA = field(default_factory=trustme.CA)

    def __post_init__(self) -> None:
        self.ca.cert_pem.write_to_path(str(self.file))

    @property
    def file(self) -> Path:
        """What clients verify with."""
        return self.folder / "ca.pem"

    def issue(self, name: str) -> Path:
        """A certificate for loopback with its key, in one file that any user may read, as the container's must."""
        path = self.folder / name
        self.ca.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(path))
        path.chmod(0o644)
        return path


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whom this module's clients trust."""
    folder = tmp_path_factory.mktemp("authority")
    folder.chmod(0o755)
    return Authority(folder)


def _with_certificate(authority: Authority) -> tuple[list[str], list[str]]:
    """Options for docker and for the server."""
    authority.issue("server.pem")
    return (
        ["--volume", f"{authority.folder}:/tls:ro"],
        ["--certfile", "/tls/server.pem"],
    )


def _load(url: str, authority: Authority, *how: str) -> subprocess.Popen[str]:
    """Begin a load of the project's own generator; each iteration creates a customer and reads it."""
    program = Path(sysconfig.get_path("scripts")) / "isotherm"
    command = [str(program), "load", url, "--cafile", str(authority.file), "--phases", "peak:1", "--json", *how]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _result(load: subprocess.Popen[str]) -> dict[str, Any]:
    """What came of it: one phase, so one row."""
    out, err = load.communicate(timeout=LOAD_S)
    assert load.returncode == 0, err
    (row,) = json.loads(out)["rows"]
    return dict(row)


def _calls(container: Container) -> list[dict[str, object]]:
    return [line for line in container.log() if str(line.get("route", "")).endswith(("/customers", "/{email}"))]


def test_the_image_runs_as_nobody_and_holds_no_more_than_it_needs(image: str) -> None:
    (described,) = json.loads(docker("image", "inspect", image))
    config = described["Config"]

    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["python", "-m", "server"]
    assert config["Healthcheck"]["Test"] == ["CMD", "python", "-m", "server.health"]
    listed = docker("run", "--rm", "--entrypoint", "find", image, "/app", "-type", "f", "-not", "-name", "*.pyc")
    folders = Counter(line.removeprefix("/app/").partition("/")[0] for line in listed.splitlines())
    assert set(folders) == {"constraints.txt", "pyproject.toml", "requirements.txt", "isotherm", "server", "functions"}
    assert docker("run", "--rm", "--entrypoint", "id", image, "-u").strip() == "10001"


def test_a_load_goes_through_one_container_and_every_request_is_accounted_for(image: str, authority: Authority) -> None:
    options, arguments = _with_certificate(authority)
    with running(image, f"isotherm-{uuid.uuid4().hex[:8]}", options, [*arguments, "--memory"]) as container:
        container.wait_until_healthy()
        url = f"https://localhost:{container.port}"
        health = json.load(
            urllib.request.urlopen(  # noqa: S310 - loopback
                f"{url}/healthz", timeout=PATIENCE_S, context=ssl.create_default_context(cafile=str(authority.file))
            )
        )
        row = _result(_load(url, authority, "--threads", "8", "--iterations", "50"))
        container.stop()

        calls = _calls(container)
        (serving,) = [line for line in container.log() if line.get("event") == "serving"]
        assert health["version"] == __version__
        assert (row["sent"], row["succeeded"], row["failed"]) == (800, 800, {})
        assert Counter(call["status"] for call in calls) == {201: 400, 200: 400}
        assert {call["environment_id"] for call in calls} == {serving["environment_id"]}
        assert len(probe_lines("\n".join(json.dumps(call) for call in calls))) == 800
        assert (container.state()["ExitCode"], container.state()["OOMKilled"]) == (0, False)
        assert container.log()[-1]["given_up"] == 0


HAPROXY = """\
global
    maxconn 1024
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    option redispatch
    retries 3
    # A server that stops closes the connections it keeps; a request that met that was not served.
    retry-on conn-failure empty-response
frontend https
    bind 127.0.0.1:{port} ssl crt {certificate}
    default_backend servers
backend servers
    balance roundrobin
    option httpchk GET /healthz
    http-check expect status 200
    default-server ssl verify required verifyhost localhost ca-file {ca_file} check inter 500ms fall 1 rise 1
{servers}
"""


@pytest.fixture
def balanced(authority: Authority, tmp_path: Path) -> Iterator[Callable[[list[int]], str]]:
    """Puts haproxy before servers; it speaks TLS to its clients and to each server."""
    program = shutil.which("haproxy")
    if program is None:
        pytest.skip("haproxy is not here (Debian's package haproxy)")
    with ExitStack() as stack:

        def begin(ports: list[int]) -> str:
            port = _free_port()
            servers = "\n".join(f"    server s{n} 127.0.0.1:{behind}" for n, behind in enumerate(ports))
            config = tmp_path / "haproxy.cfg"
            config.write_text(
                HAPROXY.format(
                    port=port, certificate=authority.issue("balancer.pem"), ca_file=authority.file, servers=servers
                )
            )
            process = subprocess.Popen([program, "-W", "-db", "-f", str(config)], stderr=subprocess.PIPE, text=True)
            stack.callback(process.wait, PATIENCE_S)
            stack.callback(process.terminate)
            _wait_until_answers(f"https://localhost:{port}/healthz", authority.file)
            return f"https://localhost:{port}"

        yield begin


def _free_port() -> int:
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return int(any_port.getsockname()[1])


def _wait_until_answers(url: str, ca_file: Path) -> None:
    context = ssl.create_default_context(cafile=str(ca_file))
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            urllib.request.urlopen(url, timeout=5, context=context).close()  # noqa: S310 - loopback
        except OSError:
            assert time.monotonic() < deadline, url
            time.sleep(0.1)
        else:
            return


def test_two_containers_share_the_table_and_the_load_and_one_may_stop_in_its_midst(
    image: str, authority: Authority, balanced: Callable[[list[int]], str], embedded: Embedded, seen_from_inside: str
) -> None:
    options, arguments = _with_certificate(authority)
    variables = {
        "ISOTHERM_CUSTOMERS_TABLE": f"{STACK}-customers",
        "AWS_ENDPOINT_URL": seen_from_inside,
        "AWS_REGION": HOME,
        "AWS_ACCESS_KEY_ID": embedded.environment["AWS_ACCESS_KEY_ID"],
        "AWS_SECRET_ACCESS_KEY": embedded.environment["AWS_SECRET_ACCESS_KEY"],
    }
    options += ["--add-host", "host.docker.internal:host-gateway"]
    options += [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
    mark = uuid.uuid4().hex[:8]
    with (
        running(image, f"isotherm-{mark}-a", options, arguments) as first,
        running(image, f"isotherm-{mark}-b", options, arguments) as second,
    ):
        first.wait_until_healthy()
        second.wait_until_healthy()
        url = balanced([first.port, second.port])

        row = _result(_load(url, authority, "--threads", "4", "--iterations", "25"))
        spread = [len(_calls(container)) for container in (first, second)]
        print(f"spread of {row['sent']} requests over two containers: {spread}")
        assert (row["sent"], row["succeeded"], row["failed"]) == (200, 200, {})  # also where another one created it
        assert sum(spread) == 200
        assert spread == pytest.approx([100, 100], abs=5)

        under_way = _load(url, authority, "--rate", "50", "--duration", "8")
        while len(_calls(first)) < spread[0] + 20:
            assert under_way.poll() is None
            time.sleep(0.1)
        first.stop()
        row = _result(under_way)
        more = [len(_calls(container)) - earlier for container, earlier in zip((first, second), spread, strict=True)]
        print(f"spread of {row['sent']} requests, one container stopping: {more}")
        assert (row["succeeded"], row["failed"]) == (row["planned"], {})
        assert sum(more) == row["sent"]
        assert more[1] > more[0] >= 20
        assert (first.state()["ExitCode"], first.log()[-1]["given_up"]) == (0, 0)
