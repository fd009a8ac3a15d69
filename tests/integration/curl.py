"""An HTTP client that shares no code with ours, and signs requests itself: curl."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, replace
from typing import Any

import pytest

PATIENCE_S = 60


@dataclass(frozen=True)
class Answered:
    """What curl was told."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Curl:
    """curl, in somebody's name; `region` None signs nothing."""

    region: str | None
    access_key_id: str
    secret: str

    def with_secret(self, secret: str) -> Curl:
        """The same person with another key."""
        return replace(self, secret=secret)

    def in_region(self, region: str) -> Curl:
        """Signing for another region."""
        return replace(self, region=region)

    def unsigned(self) -> Curl:
        """Nobody."""
        return replace(self, region=None)

    def get(self, url: str) -> Answered:
        """Read."""
        return self(url)

    def post(self, url: str, body: bytes | None) -> Answered:
        """Send JSON."""
        return self("--header", "content-type: application/json", "--data-binary", "@-", url, sent=body)

    def __call__(self, *arguments: str, sent: bytes | None = None) -> Answered:
        """Run curl."""
        signing = ["--aws-sigv4", f"aws:amz:{self.region}:execute-api", "--user", f"{self.access_key_id}:{self.secret}"]
        ended = subprocess.run(
            ["curl", "--silent", "--show-error", "--include", *(signing if self.region else []), *arguments],
            input=sent,
            capture_output=True,
            check=False,
            timeout=PATIENCE_S,
        )
        assert ended.returncode == 0, ended.stderr.decode()
        head, _, body = ended.stdout.decode().partition("\r\n\r\n")
        first, *rest = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        return Answered(int(first.split()[1]), headers, body)


def curl_that_signs(region: str, access_key_id: str, secret: str) -> Curl:
    """curl, or a skip where there is none that can sign."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not here")
    told = subprocess.run(["curl", "--help", "all"], capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    if "--aws-sigv4" not in told.stdout:
        pytest.skip("this curl cannot sign (--aws-sigv4 came with 7.75)")
    return Curl(region, access_key_id, secret)
