from __future__ import annotations

import re

from isotherm.cli.campaigns import new_campaign_id


def test_an_id_says_which_campaign_and_when() -> None:
    assert re.fullmatch(r"demo-19700101-000000-[0-9a-f]{4}", new_campaign_id("demo", now=0))


def test_campaigns_started_in_the_same_second_have_different_ids() -> None:
    assert len({new_campaign_id("demo", now=0) for _ in range(20)}) > 15


def test_an_id_is_a_name_that_step_functions_accepts() -> None:
    longest = new_campaign_id("x" * 200)

    assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}", longest)
