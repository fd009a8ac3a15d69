"""The options that add a server to a campaign."""

from __future__ import annotations

from pathlib import Path

import pytest

from isotherm.cli.errors import BadInput
from isotherm.cli.options import with_servers

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
URL = "https://127.0.0.1:8443"


def test_without_options_a_campaign_stays_as_written() -> None:
    assert with_servers({"targets": ["customers"]}, {"server": None, "instance": None}, None, None) == {
        "targets": ["customers"]
    }


def test_a_server_is_called_besides_what_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "server.pem"
    path.write_text(CERTIFICATE)
    campaign = with_servers({"targets": ["customers"], "protocols": ["http"]}, {"server": URL}, path, URL)
    assert campaign == {
        "targets": ["customers"],
        "protocols": ["http", "server"],
        "server": {"url": URL, "certificate": CERTIFICATE},
        "i_own_this_endpoint": URL,
    }
    assert with_servers(campaign, {"server": URL}, None, None)["protocols"] == ["http", "server"]


def test_two_servers_are_called_in_one_campaign(tmp_path: Path) -> None:
    path = tmp_path / "server.pem"
    path.write_text(CERTIFICATE)
    other = "https://127.0.0.1:9443"
    campaign = with_servers({"targets": ["customers"]}, {"server": URL, "instance": other}, path, None)
    assert campaign["protocols"] == ["invoke", "server", "instance"]
    assert (campaign["server"]["url"], campaign["instance"]["url"]) == (URL, other)
    assert campaign["instance"]["certificate"] == CERTIFICATE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing", "is not PEM text of a certificate"),
        (CERTIFICATE + "-----BEGIN PRIVATE KEY-----\n", "holds a private key; give the certificate alone"),
        ("é", "is not PEM text"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_what_is_no_certificate_is_refused(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "server.pem"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=message):
        with_servers({}, {"server": URL}, path, None)


def test_a_certificate_needs_its_server(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="goes with --server, which is missing"):
        with_servers({}, {}, tmp_path / "server.pem", None)
