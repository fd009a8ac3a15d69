"""Reads scheme, host and port of a URL, and says whether load may go there. Resolves no name, sends nothing."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port that connections go to."""

    scheme: Literal["http", "https"]
    host: str
    port: int

    @classmethod
    def of(cls, url: str, *, field: str = "origin_url") -> Origin:
        """Read it from the scheme, host and port of a URL.

        Raises
        ------
        ValueError
            `url` is not an http or https URL, or carries a user name; the message names `field`.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as problem:
            raise ValueError(f"{field}: {url!r} is not a URL: {problem}") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{field}: {url!r} does not start with http://HOST or https://HOST")
        if "@" in parts.netloc:
            raise ValueError(f"{field}: {url!r} carries a user name, which is not sent")
        if port == 0:
            raise ValueError(f"{field}: {url!r} names port 0; accepted are 1 to 65535")
        try:
            host = parts.hostname if ":" in parts.hostname else parts.hostname.encode("idna").decode()
        except UnicodeError:
            raise ValueError(f"{field}: {parts.hostname!r} is not a host name") from None
        if parts.scheme == "http":
            return cls("http", host, port or 80)
        return cls("https", host, port or 443)

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"http": 80, "https": 443}[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine, by an address of loopback's or by the name that is kept for it (RFC 6761)."""
        try:
            return ipaddress.ip_address(self.host.partition("%")[0]).is_loopback
        except ValueError:
            return self.host == "localhost"


def same_origin(url: str, other: str) -> bool:
    """Whether two URLs name the same scheme, host and port; False where one of them is not a URL."""
    try:
        return Origin.of(url) == Origin.of(other)
    except ValueError:
        return False


def may_load(origin: Origin, owned: Iterable[str | None]) -> bool:
    """Whether load may be made there: on loopback, or at the address of a URL in `owned` (None: no address)."""
    return origin.is_loopback or any(url is not None and same_origin(str(origin), url) for url in owned)
