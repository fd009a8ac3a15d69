"""A price: what it is made of, line by line, in USD."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class PriceLine:
    """Dollars for one service; `quantity` in `unit`."""

    service: str
    unit: str
    quantity: float
    usd: float


@dataclass(frozen=True, kw_only=True)
class Price:
    """Dollars, in all and by service, from a dated table; an estimate before the campaign, a bill after it.

    `notes` say how quantities were found, and of which regions the table does not know a price.
    """

    usd: float
    lines: list[PriceLine]
    as_of: str
    source: str
    notes: list[str] = field(default_factory=list)
