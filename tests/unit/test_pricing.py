"""Bills by the table shipped with the package, against AWS's own worked examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotherm.pricing.bill import Bill, price_table


def test_lambda_compute_is_memory_times_billed_time() -> None:
    # AWS, Lambda pricing, example "mobile application backend": 3 million requests of 120 ms at 1,536 MB
    # are 540,000 GB-s; at 0.0000166667 USD that is 9.00 USD, and 0.60 USD for the requests.
    bill = Bill()
    bill.add_lambda("us-east-1", "x86_64", 1536, 3e6, 3e6 * 120)
    compute, requests = bill.price().lines
    assert compute.quantity == pytest.approx(540_000)
    assert compute.usd == pytest.approx(9.00, abs=0.005)
    assert requests.usd == pytest.approx(0.60)


def test_regions_and_architectures_differ() -> None:
    def usd(region: str, architecture: str) -> float:
        bill = Bill()
        bill.add_lambda(region, architecture, 1024, 0, 1e6)
        return bill.price().usd

    assert usd("us-east-1", "arm64") < usd("us-east-1", "x86_64") < usd("af-south-1", "x86_64")


def test_transitions_cost_more_in_sao_paulo() -> None:
    # AWS, Step Functions pricing: 0.025 USD per 1,000 in N. Virginia, 0.0375 USD in Sao Paulo.
    bill = Bill()
    bill.add_transitions("us-east-1", 1000)
    bill.add_transitions("sa-east-1", 1000)
    assert bill.price().usd == pytest.approx(0.0625)


@given(st.lists(st.integers(0, 10_000), max_size=6))
def test_the_sum_is_that_of_the_lines_whatever_the_parts(parts: list[int]) -> None:
    whole, piecewise = Bill(), Bill()
    whole.add_transitions("us-east-1", sum(parts))
    for part in parts:
        piecewise.add_transitions("us-east-1", part)
        piecewise.add_bucket("us-east-1", 0, 0)
    assert piecewise.price().usd == pytest.approx(whole.price().usd)
    assert piecewise.price().usd == pytest.approx(sum(line.usd for line in piecewise.price().lines))


def test_a_price_says_from_when_and_where_it_is() -> None:
    price = Bill().price()
    assert price.usd == 0
    assert price.as_of == price_table()["as_of"]
    assert "aws.amazon.com/lambda/pricing" in price.source


def test_logs_are_priced_by_the_gigabyte_and_shown_in_megabytes() -> None:
    bill = Bill()
    bill.add_logs("us-east-1", 2.5e9)
    (line,) = bill.price().lines
    assert line.unit == "MB"
    assert line.quantity == pytest.approx(2500)
    assert line.usd == pytest.approx(1.25)  # AWS, CloudWatch pricing: 0.50 USD for each GB in N. Virginia
