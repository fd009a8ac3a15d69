"""The options that add a server to a campaign: its address, the certificate to trust, and that one owns it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from isotherm.cli.errors import BadInput

ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server", metavar="URL", help="Call this HTTPS server as well (a campaign of the target customers)."
    ),
]
ServerCertificateOption = Annotated[
    Path | None,
    typer.Option("--server-certificate", metavar="FILE", help="Certificate (PEM) to trust instead of the public ones."),
]
OwnOption = Annotated[
    str | None,
    typer.Option(
        "--i-own-this-endpoint", metavar="URL", help="Needed for a server that is neither the stack's own nor loopback."
    ),
]


def with_server(document: dict[str, Any], url: str | None, certificate: Path | None, own: str | None) -> dict[str, Any]:
    """The campaign with the server that the options name; the same where they name none.

    Raises
    ------
    BadInput
        The certificate cannot be read, or is given without a server.
    """
    if own is not None:
        document = {**document, "i_own_this_endpoint": own}
    if url is None:
        if certificate is not None:
            raise BadInput("--server-certificate: goes with --server, which is missing")
        return document
    server: dict[str, Any] = {"url": url}
    if certificate is not None:
        try:
            server["certificate"] = certificate.read_text(encoding="ascii")
        except OSError as problem:
            raise BadInput(f"--server-certificate: {certificate} cannot be read: {problem.strerror}") from problem
        except UnicodeDecodeError:
            raise BadInput(f"--server-certificate: {certificate} is no PEM text") from None
        if "PRIVATE KEY" in server["certificate"]:
            raise BadInput(f"--server-certificate: {certificate} holds a private key; give the certificate alone")
        if "BEGIN CERTIFICATE" not in server["certificate"]:
            raise BadInput(f"--server-certificate: {certificate} is no PEM text of a certificate")
    protocols = document.get("protocols", ["invoke"])
    if isinstance(protocols, list) and "server" not in protocols:
        protocols = [*protocols, "server"]
    return {**document, "server": server, "protocols": protocols}
