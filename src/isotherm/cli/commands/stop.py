"""`isotherm stop`: end a campaign early, see to it that every function is as before, show what it had measured."""

from __future__ import annotations

import json

from isotherm.cli.commands.follow import IdArgument
from isotherm.cli.options import DEFAULT_PLACE, HomeOption, JsonOption, OnOption, Place, StackOption
from isotherm.cli.reports import RESTORE_TIMEOUT_S, OutputOption


def stop(
    campaign_id: IdArgument,
    on: OnOption = DEFAULT_PLACE.on,
    stack: StackOption = DEFAULT_PLACE.stack,
    home: HomeOption = DEFAULT_PLACE.home_region,
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Stop a campaign and its lanes, and wait until the stack has restored every function.

    What it had measured until then is shown, as a partial report. Harmless on a campaign that has ended: it is then
    only checked that nothing was left changed, and a report is made where there is none.
    """
    from isotherm.cli.console import remarks
    from isotherm.cli.reports import fetch_or_make, report_folder, show_results
    from isotherm.cli.waiting import waiting
    from isotherm.deployed.campaigns import RUNNING, read_summary
    from isotherm.deployed.errors import NoReport

    campaigns = Place(on, stack, home).campaigns()
    was = campaigns.state(campaign_id).status
    with waiting(remarks()) as say:
        say("stopping" if was == RUNNING else f"the campaign has ended ({was}); checking its functions")
        campaigns.stop(campaign_id)
        lanes = campaigns.await_restored(campaign_id, RESTORE_TIMEOUT_S, say)
    functions = sorted({f"{lane.function_name} in {lane.region}" for lane in lanes})
    try:
        fetched, none = fetch_or_make(campaigns, campaign_id, report_folder(campaign_id, output)), None
    except NoReport as problem:
        fetched, none = None, str(problem)
    if as_json:
        summary = None if fetched is None else str(fetched.summary)
        print(json.dumps({"campaign_id": campaign_id, "was": was, "restored": functions, "summary": summary}, indent=2))
        return
    if fetched is not None:
        show_results(fetched, read_summary(fetched))
    else:
        remarks().print(none, markup=False, soft_wrap=True)
    remarks().print(
        f"campaign {campaign_id} is {campaigns.state(campaign_id).status.lower()}; "
        f"{len(functions)} functions are as they were before it",
        markup=False,
        soft_wrap=True,
    )
