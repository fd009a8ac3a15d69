"""`isotherm run`: start a campaign, follow it to its end, show what it found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isotherm.cli.event import EventArgument, read_event
from isotherm.cli.options import (
    DEFAULT_HOME_REGION,
    DEFAULT_STACK,
    HomeOption,
    JsonOption,
    On,
    OnOption,
    Place,
    StackOption,
)
from isotherm.cli.servers import OwnOption, ServerCertificateOption, ServerOption, with_server

if TYPE_CHECKING:
    from isotherm.deployed.campaigns import Campaigns

OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="Folder for the report (else .isotherm/reports/ID).")
]


def run(
    event: EventArgument,
    on: OnOption = On.LOCAL,
    stack: StackOption = DEFAULT_STACK,
    home: HomeOption = DEFAULT_HOME_REGION,
    server: ServerOption = None,
    server_certificate: ServerCertificateOption = None,
    own: OwnOption = None,
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a campaign and show what it found.

    Ctrl-C leaves the campaign running (exit code 130) and says how to follow it again, and how to stop it.
    """
    document = read_event(event, lambda written: with_server(written, server, server_certificate, own))
    from isotherm.deployed.campaigns import Campaigns

    place = Place(on, stack, home)
    place.enter()
    campaigns = Campaigns(place.deployment())
    follow_and_show(campaigns, campaigns.start(document), place, output, as_json)


def follow_and_show(campaigns: Campaigns, campaign_id: str, place: Place, output: Path | None, as_json: bool) -> None:
    """Follow a campaign that was started, fetch its report and print it.

    Raises
    ------
    BadInput
        The campaign was refused.
    Failed
        It failed, or a lane of it did (the results of the others are shown first).
    Interrupted
        Ctrl-C; the campaign goes on.
    """
    from isotherm.cli.console import remarks
    from isotherm.cli.errors import Failed, Interrupted
    from isotherm.cli.live import check_ending, follow_campaign, report_folder, show_results

    remarks().print(f"campaign {campaign_id}", markup=False, soft_wrap=True)
    try:
        ending = follow_campaign(campaigns, campaign_id, remarks())
    except KeyboardInterrupt:
        raise Interrupted(
            f"campaign {campaign_id} goes on without you\n"
            f"  to follow it again:                   isotherm follow {campaign_id}{place.options}\n"
            f"  to stop it and put functions back:    isotherm stop {campaign_id}{place.options}"
        ) from None
    check_ending(campaign_id, ending)
    if ending.progress is None or _is_dry(campaigns, campaign_id):
        _say_dry(campaign_id, as_json)
        return
    fetched = campaigns.fetch(campaign_id, report_folder(campaign_id, output))
    failed = ending.progress.failed
    if as_json:
        print(json.dumps(_document(campaign_id, fetched, failed), indent=2))
    else:
        show_results(fetched)
    if failed:
        raise Failed(
            f"{len(failed)} of {len(ending.progress.lanes)} lanes failed; the results of the others are above: "
            + "; ".join(f"{lane.lane.key}: {lane.reason or 'no reason given'}" for lane in failed)
        )


def _is_dry(campaigns: Campaigns, campaign_id: str) -> bool:
    plan = campaigns.plan(campaign_id)
    return plan is not None and plan.campaign.dry_run


def _say_dry(campaign_id: str, as_json: bool) -> None:
    from isotherm.cli.console import remarks

    if as_json:
        print(json.dumps({"campaign_id": campaign_id, "status": "dry_run"}, indent=2))
    remarks().print("planned only, as dry_run asks; `isotherm plan` shows the plan", markup=False)


def _document(campaign_id: str, fetched: Any, failed: Any) -> dict[str, Any]:
    return {
        "campaign_id": campaign_id,
        "status": "succeeded",
        "lanes_failed": {lane.lane.key: lane.reason for lane in failed},
        "summary": str(fetched.summary),
        "samples": str(fetched.samples),
        "page": str(fetched.page),
    }
