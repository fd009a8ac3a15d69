"""Asks AWS's price list (GetProducts) for the prices that Isotherm's table holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from isotherm.aws.clients import client
from isotherm.pricing.bill import KNOWN_REGION
from isotherm.pricing.price_list import QUERIES, NoPrice, PriceQuery, usd_by_region

#: AWS, Price List Query API: endpoints are in us-east-1, eu-central-1 and ap-south-1, and know all regions.
ENDPOINT_REGION = "us-east-1"


def fetch_table(say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """A price table as `isotherm.pricing.bill.price_table` returns it, with today's prices of every region.

    Raises
    ------
    NoPrice
        The price list does not know a price, or not that of us-east-1: nothing is guessed.
    """
    usd: dict[str, dict[str, float]] = {}
    for query in QUERIES:
        say(f"price of {query.name}")
        found = usd_by_region(_products(query), query.usage)
        if KNOWN_REGION not in found:
            raise NoPrice(
                f"AWS's price list has no {query.name} ({query.service_code}, {query.usage}) in {KNOWN_REGION}"
            )
        usd[query.name] = dict(sorted(found.items()))
    return {
        "as_of": datetime.now(UTC).date().isoformat(),
        "source": "AWS Price List Query API, GetProducts: " + ", ".join(dict.fromkeys(q.service_code for q in QUERIES)),
        "usd": usd,
    }


def _products(query: PriceQuery) -> list[str]:
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in query.filters.items()]
    pages = client("pricing", ENDPOINT_REGION).get_paginator("get_products").paginate(
        ServiceCode=query.service_code, Filters=filters, FormatVersion="aws_v1"
    )  # fmt: skip
    return [document for page in pages for document in page["PriceList"]]
