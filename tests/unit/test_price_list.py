"""AWS's price list, in documents of its published shape, becomes a price table; what it does not say is not guessed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isotherm.pricing.bill import KNOWN_REGION, PRICES, price_table
from isotherm.pricing.price_list import QUERIES, NoPrice, usd_by_region


def product(region: str, usagetype: str, *tiers: tuple[str, str], location_type: str = "AWS Region") -> str:
    """A product as GetProducts returns it (aws_v1); a tier is where it begins and what it costs."""
    dimensions = {
        f"SKU.TERM.{number}": {
            "unit": "Request",
            "beginRange": begin,
            "endRange": "Inf",
            "description": "",
            "appliesTo": [],
            "rateCode": f"SKU.TERM.{number}",
            "pricePerUnit": {"USD": usd},
        }
        for number, (begin, usd) in enumerate(tiers)
    }
    return json.dumps(
        {
            "product": {
                "productFamily": "Serverless",
                "attributes": {
                    "regionCode": region,
                    "usagetype": usagetype,
                    "locationType": location_type,
                    "servicecode": "AWSLambda",
                },
                "sku": "SKU",
            },
            "serviceCode": "AWSLambda",
            "terms": {
                "OnDemand": {
                    "SKU.TERM": {
                        "priceDimensions": dimensions,
                        "sku": "SKU",
                        "effectiveDate": "2026-11-01T00:00:00Z",
                        "offerTermCode": "TERM",
                        "termAttributes": {},
                    }
                }
            },
            "version": "20261101000000",
            "publicationDate": "2026-11-01T00:00:00Z",
        }
    )


def test_prices_are_read_by_region_with_and_without_a_prefix() -> None:
    documents = [
        product("us-east-1", "Lambda-GB-Second", ("0", "0.0000166667"), ("6000000000", "0.000015")),
        product("ap-northeast-1", "APN1-Lambda-GB-Second", ("0", "0.0000166667")),
        product("af-south-1", "AFS1-Lambda-GB-Second", ("0", "0.0000221")),
    ]
    assert usd_by_region(documents, "Lambda-GB-Second") == {
        "us-east-1": 0.0000166667,
        "ap-northeast-1": 0.0000166667,
        "af-south-1": 0.0000221,
    }


def test_other_uses_with_the_same_end_are_passed_over() -> None:
    documents = [
        product("us-east-1", "USE1-DataProcessing-Bytes", ("0", "0.5")),
        product("us-east-1", "USE1-IA-DataProcessing-Bytes", ("0", "0.25")),
        product("us-east-1", "Edge-DataProcessing-Bytes", ("0", "0.6")),
        product("us-east-1", "USE1-DataProcessingIA-Bytes", ("0", "0.25")),
        product("us-east-1", "USL1-DataProcessing-Bytes", ("0", "0.7"), location_type="AWS Local Zone"),
        product("", "Global-DataProcessing-Bytes", ("0", "0.0")),
    ]
    assert usd_by_region(documents, "DataProcessing-Bytes") == {"us-east-1": 0.5}


def test_what_is_free_is_an_allowance_and_no_price() -> None:
    documents = [product("us-east-1", "USE1-StateTransition", ("4000", "0.000025"), ("0", "0.0"))]
    assert usd_by_region(documents, "StateTransition") == {"us-east-1": 0.000025}
    assert usd_by_region([product("us-east-1", "StateTransition", ("0", "0"))], "StateTransition") == {}


def test_two_prices_of_one_region_are_not_chosen_from() -> None:
    documents = [product("us-east-1", "Request", ("0", "2e-7")), product("us-east-1", "USE1-Request", ("0", "3e-7"))]
    with pytest.raises(NoPrice, match="Request in us-east-1 has two prices, 2e-07 and 3e-07 USD"):
        usd_by_region(documents, "Request")


def test_there_is_a_query_for_every_price_and_a_price_for_every_query() -> None:
    assert {query.name for query in QUERIES} == set(PRICES) == set(price_table()["usd"])
    assert all("default" in rates or KNOWN_REGION in rates for rates in price_table()["usd"].values())


class PriceList:
    """Answers GetProducts from a list, two products a page; stands where botocore's client does."""

    def __init__(self, missing: str | None = None) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._missing = missing

    def get_paginator(self, operation: str) -> PriceList:
        assert operation == "get_products"
        return self

    def paginate(self, **request: Any) -> list[dict[str, list[str]]]:
        filters = {f["Field"]: f["Value"] for f in request["Filters"]}
        self.asked.append((request["ServiceCode"], filters))
        query = next(q for q in QUERIES if (q.service_code, dict(q.filters)) == (request["ServiceCode"], filters))
        if query.name == self._missing:
            return [{"PriceList": []}]
        return [
            {"PriceList": [product("us-east-1", query.usage, ("0", "0.001")), product("x", "Other", ("0", "1"))]},
            {"PriceList": [product("eu-west-1", f"EU-{query.usage}", ("0", "0.002"))]},
        ]


def test_a_fetched_table_has_every_price_of_every_region(monkeypatch: pytest.MonkeyPatch) -> None:
    from isotherm.aws import price_list

    fake = PriceList()
    monkeypatch.setattr(price_list, "client", lambda *_: fake)
    table = price_list.fetch_table()
    assert table["usd"] == {name: {"eu-west-1": 0.002, "us-east-1": 0.001} for name in PRICES}
    assert "GetProducts" in table["source"]
    assert len(fake.asked) == len(QUERIES)


def test_a_price_that_is_missing_is_said_and_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from isotherm.aws import price_list

    monkeypatch.setattr(price_list, "client", lambda *_: PriceList(missing="s3_put"))
    with pytest.raises(NoPrice, match="no s3_put"):
        price_list.fetch_table()


def test_the_request_is_one_that_aws_accepts() -> None:
    """Validated against botocore's own model of the API; nothing is sent."""
    import botocore.session
    from botocore.validate import validate_parameters

    model = botocore.session.get_session().get_service_model("pricing").operation_model("GetProducts")
    for query in QUERIES:
        filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in query.filters.items()]
        request = {"ServiceCode": query.service_code, "Filters": filters, "FormatVersion": "aws_v1"}
        validate_parameters(request, model.input_shape)


@pytest.mark.aws
def test_aws_itself_still_knows_every_price() -> None:
    """Live; needs credentials that may call pricing:GetProducts."""
    import botocore.session

    if botocore.session.get_session().get_credentials() is None:
        pytest.skip("no AWS credentials")
    from isotherm.aws.price_list import fetch_table

    table = fetch_table()
    assert 1e-5 < table["usd"]["lambda_gb_s_x86_64"]["us-east-1"] < 1e-4
    assert len(table["usd"]["s3_put"]) > 10
