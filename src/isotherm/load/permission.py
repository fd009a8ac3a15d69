"""Whether load may be made on an address: this machine's own, or one that somebody answers for."""

from __future__ import annotations

from isotherm.http.origin import Origin, may_load, same_origin

#: The option, and the campaign's field, that answers for an address.
OPTION = "--i-own-this-endpoint"


class NotPermitted(Exception):
    """Load on this address was not allowed by its owner."""


def require_permission(url: str, owned: str | None) -> None:
    """Refuse an address that is not loopback, unless somebody says that it is theirs.

    Parameters
    ----------
    url : str
        What load is to be made on.
    owned : str, optional
        What somebody says is theirs: has to name the scheme, host and port of `url`.

    Raises
    ------
    NotPermitted
        The text names the option that would permit it.
    ValueError
        `url` cannot be one, or `owned` names another one.
    """
    origin = Origin.of(url, field="URL")
    if owned is not None and not same_origin(url, owned):
        raise ValueError(f"{OPTION}: {owned!r} is not the URL that load is to be made on, {url!r}")
    if may_load(origin, [owned]):
        return
    raise NotPermitted(
        f"URL: {url} is not on this machine; load on it has to be permitted by its owner. "
        f"If that is you: {OPTION} {url}"
    )
