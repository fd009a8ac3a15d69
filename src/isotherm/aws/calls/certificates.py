"""Finds the certificate to trust for a server that a campaign names."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from isotherm.campaign.lane import ServerAt


@contextmanager
def trusting(server: ServerAt | None) -> Iterator[str | None]:
    """A file with the certificate that a campaign gives its server; None where the public ones are to be trusted."""
    if server is None or server.certificate is None:
        yield None
        return
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as trusted:
        trusted.write(server.certificate)
        trusted.flush()
        yield trusted.name
