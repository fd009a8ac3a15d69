"""Dollars: a dated price table with its source, and what quantities of each service cost by it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from isotherm.campaign import Price, PriceLine

#: Lambda bills a memory size of 1,024 MB as one GB (AWS, Lambda pricing, worked examples).
MB_PER_GB = 1024


@cache
def price_table() -> dict[str, Any]:
    """Return the table shipped with the package: `as_of`, `source`, and USD by service, architecture and region."""
    table: dict[str, Any] = json.loads(resources.files("isotherm").joinpath("prices.json").read_text("utf-8"))
    return table


def _rate(name: str, region: str, architecture: str | None = None) -> float:
    rates = price_table()[name]
    if architecture is not None:
        rates = rates[architecture]
    return float(rates.get(region, rates["default"]))


@dataclass(slots=True)
class Bill:
    """Quantities of what AWS charges for, collected line by line, then priced.

    `add_*` may be called in any order and any number of times; `price` sums equal services.
    """

    _lines: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def _add(self, service: str, unit: str, quantity: float, usd: float) -> None:
        line = self._lines.setdefault((service, unit), [0.0, 0.0])
        line[0] += quantity
        line[1] += usd

    def add_lambda(self, region: str, architecture: str, memory_mb: int, requests: float, billed_ms: float) -> None:
        """Add `requests` invocations which are billed `billed_ms` milliseconds in all."""
        gb_s = memory_mb / MB_PER_GB * billed_ms / 1000
        self._add("Lambda compute", "GB-s", gb_s, gb_s * _rate("lambda_usd_per_gb_s", region, architecture))
        self._add("Lambda requests", "requests", requests, requests * _rate("lambda_usd_per_request", region))

    def add_transitions(self, region: str, transitions: float) -> None:
        """Add state transitions of standard workflows."""
        self._add(
            "Step Functions",
            "transitions",
            transitions,
            transitions * _rate("step_functions_usd_per_transition", region),
        )

    def add_table(self, region: str, writes: float, reads: float) -> None:
        """Add on-demand DynamoDB requests, each of at most 1 KB written or 4 KB read."""
        self._add("DynamoDB", "requests", writes, writes * _rate("dynamodb_usd_per_write", region))
        self._add("DynamoDB", "requests", reads, reads * _rate("dynamodb_usd_per_read", region))

    def add_bucket(self, region: str, puts: float, gets: float) -> None:
        """Add S3 requests."""
        self._add("S3", "requests", puts, puts * _rate("s3_usd_per_put", region))
        self._add("S3", "requests", gets, gets * _rate("s3_usd_per_get", region))

    def add_logs(self, region: str, ingested_bytes: float) -> None:
        """Add bytes ingested by CloudWatch Logs."""
        gb = ingested_bytes / 1e9
        self._add("CloudWatch Logs", "GB", gb, gb * _rate("logs_usd_per_gb", region))

    def price(self) -> Price:
        """Return dollars in all and by service."""
        table = price_table()
        lines = [
            PriceLine(service=service, unit=unit, quantity=quantity, usd=usd)
            for (service, unit), (quantity, usd) in sorted(self._lines.items())
        ]
        return Price(usd=sum(line.usd for line in lines), lines=lines, as_of=table["as_of"], source=table["source"])
