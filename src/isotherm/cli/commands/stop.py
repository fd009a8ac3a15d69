"""`isotherm stop`: end a campaign early and see to it that every function is as before."""

from __future__ import annotations

import json

from isotherm.cli.commands.follow import IdArgument
from isotherm.cli.options import DEFAULT_PLACE, HomeOption, JsonOption, OnOption, Place, StackOption

RESTORE_TIMEOUT_S = 300.0


def stop(
    campaign_id: IdArgument,
    on: OnOption = DEFAULT_PLACE.on,
    stack: StackOption = DEFAULT_PLACE.stack,
    home: HomeOption = DEFAULT_PLACE.home_region,
    as_json: JsonOption = False,
) -> None:
    """Stop a campaign and its lanes, and wait until the stack has restored every function.

    Harmless on a campaign that has ended: it is then only checked that nothing was left changed.
    """
    from isotherm.cli.console import remarks
    from isotherm.cli.waiting import waiting
    from isotherm.deployed.campaigns import RUNNING

    campaigns = Place(on, stack, home).campaigns()
    was = campaigns.state(campaign_id).status
    with waiting(remarks()) as say:
        say("stopping" if was == RUNNING else f"the campaign has ended ({was}); checking its functions")
        campaigns.stop(campaign_id)
        lanes = campaigns.await_restored(campaign_id, RESTORE_TIMEOUT_S, say)
    functions = sorted({f"{lane.function_name} in {lane.region}" for lane in lanes})
    if as_json:
        print(json.dumps({"campaign_id": campaign_id, "was": was, "restored": functions}, indent=2))
        return
    remarks().print(
        f"campaign {campaign_id} is {campaigns.state(campaign_id).status.lower()}; "
        f"{len(functions)} functions are as they were before it",
        markup=False,
        soft_wrap=True,
    )
