"""Dollars: a dated price table with its source, and what quantities of each service cost by it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from isotherm.pricing.price import Price, PriceLine

#: Lambda bills a memory size of 1,024 MB as one GB (AWS, Lambda pricing, worked examples).
MB_PER_GB = 1024

#: Prices of a region that the table does not know are those of this one, and the bill says so.
KNOWN_REGION = "us-east-1"

#: What each price is of, by its name in the table.
PRICES: dict[str, str] = {
    "lambda_gb_s_x86_64": "Lambda compute on x86_64, GB-second",
    "lambda_gb_s_arm64": "Lambda compute on arm64, GB-second",
    "lambda_request_x86_64": "Lambda request on x86_64",
    "lambda_request_arm64": "Lambda request on arm64",
    "step_functions_transition": "Step Functions state transition, standard workflow",
    "dynamodb_write": "DynamoDB on-demand write request unit (1 KB)",
    "dynamodb_read": "DynamoDB on-demand read request unit (4 KB)",
    "s3_put": "S3 Standard PUT, COPY, POST or LIST request",
    "s3_get": "S3 Standard GET request",
    "http_api_request": "API Gateway HTTP API request",
    "logs_gb": "CloudWatch Logs ingestion, GB",
}


def price_file() -> Path:
    """Where the table lies that is shipped with the package."""
    return Path(str(resources.files("isotherm.pricing").joinpath("prices.json")))


@cache
def price_table() -> dict[str, Any]:
    """Return the table shipped with the package: `as_of`, `source`, and `usd` by price and region."""
    table: dict[str, Any] = json.loads(resources.files("isotherm.pricing").joinpath("prices.json").read_text("utf-8"))
    return table


def rate(name: str, region: str) -> tuple[float, bool]:
    """USD for one unit in a region, and whether the table knows it (else it is that of us-east-1).

    Parameters
    ----------
    name : str
        One of `PRICES`.
    region : str
        A region's name.
    """
    rates: dict[str, float] = price_table()["usd"][name]
    known = region if region in rates else "default" if "default" in rates else None
    return rates[known or KNOWN_REGION], known is not None


@dataclass(slots=True)
class Bill:
    """Quantities of what AWS charges for, collected line by line, then priced.

    `add_*` may be called in any order and any number of times; `price` sums equal services.
    """

    _lines: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    _unknown: dict[str, set[str]] = field(default_factory=dict)
    _notes: list[str] = field(default_factory=list)

    def _add(self, service: str, unit: str, quantity: float, name: str, region: str, share: float = 1.0) -> None:
        """Book `quantity` in `unit`, which is `share` of what the price `name` is of."""
        usd, known = rate(name, region)
        line = self._lines.setdefault((service, unit), [0.0, 0.0])
        line[0] += quantity
        line[1] += quantity * share * usd
        if quantity and not known:
            self._unknown.setdefault(region, set()).add(service)

    def add_lambda(
        self, region: str, architecture: str, memory_mb: int, requests: float, billed_ms: float, *, own: bool = False
    ) -> None:
        """Add `requests` invocations which are billed `billed_ms` milliseconds in all.

        `own` marks Isotherm's own functions, which are listed apart from those that are measured.
        """
        whose = ", Isotherm's own" if own else ""
        gb_s = memory_mb / MB_PER_GB * billed_ms / 1000
        self._add(f"Lambda compute{whose}", "GB-s", gb_s, f"lambda_gb_s_{architecture}", region)
        self._add(f"Lambda requests{whose}", "requests", requests, f"lambda_request_{architecture}", region)

    def add_transitions(self, region: str, transitions: float) -> None:
        """Add state transitions of standard workflows."""
        self._add("Step Functions", "transitions", transitions, "step_functions_transition", region)

    def add_table(self, region: str, writes: float, reads: float) -> None:
        """Add on-demand DynamoDB requests, each of at most 1 KB written or 4 KB read."""
        self._add("DynamoDB", "writes", writes, "dynamodb_write", region)
        self._add("DynamoDB", "reads", reads, "dynamodb_read", region)

    def add_bucket(self, region: str, puts: float, gets: float) -> None:
        """Add S3 requests."""
        self._add("S3", "puts", puts, "s3_put", region)
        self._add("S3", "gets", gets, "s3_get", region)

    def add_logs(self, region: str, ingested_bytes: float) -> None:
        """Add bytes ingested by CloudWatch Logs."""
        self._add("CloudWatch Logs", "MB", ingested_bytes / 1e6, "logs_gb", region, share=1e-3)

    def add_http_api(self, region: str, requests: float) -> None:
        """Add requests to an HTTP API."""
        self._add("API Gateway", "requests", requests, "http_api_request", region)

    def note(self, sentence: str) -> None:
        """Say something of how a quantity was found."""
        self._notes.append(sentence)

    def price(self) -> Price:
        """Return dollars in all and by service."""
        table = price_table()
        lines = [
            PriceLine(service=service, unit=unit, quantity=quantity, usd=usd)
            for (service, unit), (quantity, usd) in sorted(self._lines.items())
        ]
        unknown = [
            f"{', '.join(sorted(services))} in {region}: priced as in {KNOWN_REGION}, the table does not know better "
            "(isotherm prices --refresh)"
            for region, services in sorted(self._unknown.items())
        ]
        return Price(
            usd=sum(line.usd for line in lines),
            lines=lines,
            as_of=table["as_of"],
            source=table["source"],
            notes=[*self._notes, *unknown],
        )
