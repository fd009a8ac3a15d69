"""The plan as a person reads it: what precision may spare, and which prices are not a region's own."""

from __future__ import annotations

from dataclasses import replace

from rich.console import Console

from isotherm.campaign.model import Precision
from isotherm.campaign.plan import Plan
from isotherm.cli.commands.plan import describe
from unit.statistics.made_up import made_up_plan

PLAN = made_up_plan(cold=20, warm=20, rounds=4)


def shown(plan: Plan) -> str:
    console = Console(width=160)
    with console.capture() as printed:
        for renderable in describe(plan):
            console.print(renderable)
    return printed.get()


def test_rounds_that_may_be_spared_and_the_most_they_cost_are_said() -> None:
    asked = PLAN.campaign.model_copy(update={"rounds": 2, "max_rounds": 4, "precision": Precision()})
    text = shown(PLAN.model_copy(update={"campaign": asked}))
    assert "at most 0.0123 USD" in text
    assert "rounds 3 to 4 are run only for the targets whose cells are not precise enough by then" in text
    assert "about 0.0123 USD" in shown(PLAN)
    assert "precise" not in shown(PLAN)


def test_prices_that_are_not_a_regions_own_are_named() -> None:
    price = replace(PLAN.price, notes=["S3 in eu-west-1: priced as in us-east-1"])
    assert "S3 in eu-west-1: priced as in us-east-1" in shown(PLAN.model_copy(update={"price": price}))
