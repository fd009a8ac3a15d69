"""Reads the documents of AWS's price list into a price table. Knows their shape, not where they come from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


class NoPrice(Exception):
    """The price list has no price that was asked for."""


@dataclass(frozen=True, slots=True)
class PriceQuery:
    """How a price of the table is found: the service's code, filters that AWS applies, and the end of its usage type.

    A usage type is the kind of use behind a region's prefix (USE1-StateTransition); us-east-1 has no prefix for some
    services. AWS's filters match whole values, so the end is looked at here.
    """

    name: str
    service_code: str
    filters: Mapping[str, str]
    usage: str


#: One for each price of `isotherm.pricing.bill.PRICES`. Values as in AWS's price list (offer files, aws_v1).
QUERIES: tuple[PriceQuery, ...] = (
    PriceQuery("lambda_gb_s_x86_64", "AWSLambda", {"group": "AWS-Lambda-Duration"}, "Lambda-GB-Second"),
    PriceQuery("lambda_gb_s_arm64", "AWSLambda", {"group": "AWS-Lambda-Duration-ARM"}, "Lambda-GB-Second-ARM"),
    PriceQuery("lambda_request_x86_64", "AWSLambda", {"group": "AWS-Lambda-Requests"}, "Request"),
    PriceQuery("lambda_request_arm64", "AWSLambda", {"group": "AWS-Lambda-Requests-ARM"}, "Request-ARM"),
    PriceQuery("step_functions_transition", "AmazonStates", {"group": "SFN-StateTransitions"}, "StateTransition"),
    PriceQuery("dynamodb_write", "AmazonDynamoDB", {"group": "DDB-WriteUnits"}, "WriteRequestUnits"),
    PriceQuery("dynamodb_read", "AmazonDynamoDB", {"group": "DDB-ReadUnits"}, "ReadRequestUnits"),
    PriceQuery("s3_put", "AmazonS3", {"group": "S3-API-Tier1"}, "Requests-Tier1"),
    PriceQuery("s3_get", "AmazonS3", {"group": "S3-API-Tier2"}, "Requests-Tier2"),
    PriceQuery("http_api_request", "AmazonApiGateway", {"productFamily": "API Calls"}, "ApiGatewayHttpRequest"),
    PriceQuery("logs_gb", "AmazonCloudWatch", {"productFamily": "Data Payload"}, "DataProcessing-Bytes"),
)


def usd_by_region(documents: Iterable[str | Mapping[str, Any]], usage: str) -> dict[str, float]:
    """USD for one unit by region, from products of AWS's price list.

    Of a price with tiers the first that costs anything is taken: what is free is an account's allowance, and the
    discounts of higher tiers begin far above what a campaign uses.

    Parameters
    ----------
    documents : iterable of str or mapping
        Products as GetProducts returns them (aws_v1), JSON text or parsed.
    usage : str
        End of the usage type; "Request" is that of USE1-Request and of Request, not of Edge-Request-ARM.

    Raises
    ------
    NoPrice
        A region has two prices that differ: the query is no longer narrow enough.
    """
    found: dict[str, float] = {}
    for document in documents:
        product: Mapping[str, Any] = json.loads(document) if isinstance(document, str) else document
        attributes = product["product"]["attributes"]
        region = attributes.get("regionCode", "")
        # A prefix names the region (USE1, APN1, EUC1, EU); "Edge" or "IA" mean another kind of use.
        prefix, _, rest = attributes.get("usagetype", "").partition("-")
        whole = attributes.get("usagetype") == usage or (rest == usage and prefix.isalnum() and prefix.isupper())
        if not whole or attributes.get("locationType", "AWS Region") != "AWS Region" or not region:
            continue
        usd = _first_paid_tier(product)
        if usd is None:
            continue
        if found.setdefault(region, usd) != usd:
            raise NoPrice(f"{usage} in {region} has two prices, {found[region]:g} and {usd:g} USD")
    return found


def _first_paid_tier(product: Mapping[str, Any]) -> float | None:
    tiers = [
        (float(tier["beginRange"]), float(tier["pricePerUnit"]["USD"]))
        for offer in product.get("terms", {}).get("OnDemand", {}).values()
        for tier in offer["priceDimensions"].values()
        if "USD" in tier["pricePerUnit"]
    ]
    return next((usd for _, usd in sorted(tiers) if usd > 0), None)
