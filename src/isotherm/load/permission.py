"""Whether load may be made on an address: this machine's own, the stack's own, or one that somebody answers for."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

from isotherm.exchange import Origin

#: The option, and the campaign's field, that answers for an address.
OPTION = "--i-own-this-endpoint"


class NotPermitted(Exception):
    """Nobody has answered for load on this address."""


def require_permission(url: str, owned: str | None, stack_endpoints: Iterable[str] = ()) -> None:
    """Refuse an address that is neither loopback nor the stack's, unless somebody says that it is theirs.

    Parameters
    ----------
    url : str
        What load is to be made on.
    owned : str, optional
        What somebody says is theirs: has to be `url`, letter by letter.
    stack_endpoints : iterable of str
        URLs that the stack deployed; whatever lies below them is the stack's.

    Raises
    ------
    NotPermitted
        The text names the option that would permit it.
    ValueError
        `url` cannot be one, its name has no address, or `owned` is another URL.
    """
    origin = Origin.of(url, field="URL")
    if owned is not None and owned != url:
        raise ValueError(f"{OPTION}: {owned!r} is not the URL that load is to be made on, {url!r}")
    stack_origins = {Origin.of(endpoint, field="endpoint") for endpoint in stack_endpoints}
    if owned is not None or origin in stack_origins or is_loopback(origin):
        return
    raise NotPermitted(
        f"URL: {url} is neither on this machine nor part of the stack; load on it has to be permitted by its owner. "
        f"If that is you: {OPTION} {url}"
    )


def is_loopback(origin: Origin) -> bool:
    """Whether all addresses of an origin are this machine's loopback.

    Raises
    ------
    ValueError
        It has none.
    """
    try:
        found = socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as problem:
        raise ValueError(f"URL: {origin.host} has no known address: {problem}") from None
    return all(ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback for *_, address in found)
