"""`isotherm run`: start a campaign, follow it to its end, show what it found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from isotherm.cli.errors import BadInput
from isotherm.cli.live import follow_and_show
from isotherm.cli.options import (
    DEFAULT_PLACE,
    EventArgument,
    HomeOption,
    InstanceOption,
    JsonOption,
    OnOption,
    OwnOption,
    Place,
    ServerCertificateOption,
    ServerOption,
    StackOption,
    read_event,
    with_servers,
)
from isotherm.cli.reports import OutputOption

if TYPE_CHECKING:
    from isotherm.deployed.campaigns import Campaigns

WaitOption = Annotated[
    bool, typer.Option("--wait", help="Wait for a campaign that has functions which this one is to measure.")
]
AtMostOption = Annotated[
    float | None, typer.Option("--at-most", metavar="MINUTES", min=0, help="How long to wait (else seven days).")
]


def run(
    event: EventArgument,
    on: OnOption = DEFAULT_PLACE.on,
    stack: StackOption = DEFAULT_PLACE.stack,
    home: HomeOption = DEFAULT_PLACE.home_region,
    server: ServerOption = None,
    instance: InstanceOption = None,
    server_certificate: ServerCertificateOption = None,
    own: OwnOption = None,
    wait: WaitOption = False,
    at_most: AtMostOption = None,
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a campaign and show what it found.

    Another campaign may have functions that this one is to measure: it is then refused, or waits for it (--wait).

    Ctrl-C leaves the campaign running (exit code 130) and says how to follow it again, and how to stop it.
    """
    servers = {"server": server, "instance": instance}
    document = read_event(event, lambda written: with_servers(written, servers, server_certificate, own))
    if at_most is not None and not wait:
        raise BadInput("--at-most: goes with --wait, which is missing")
    place = Place(on, stack, home)
    campaigns = place.campaigns()
    started = _start_when_free(campaigns, document, at_most) if wait else campaigns.start(document)
    follow_and_show(campaigns, started, place, output, as_json)


def _start_when_free(campaigns: Campaigns, document: dict[str, Any], at_most_min: float | None) -> str:
    from isotherm.campaign.watching import CAMPAIGN_S
    from isotherm.cli.console import remarks
    from isotherm.cli.errors import Interrupted
    from isotherm.cli.waiting import waiting

    try:
        with waiting(remarks()) as say:
            return campaigns.start_when_free(document, CAMPAIGN_S if at_most_min is None else at_most_min * 60, say)
    except KeyboardInterrupt:
        raise Interrupted("interrupted while waiting; isotherm list shows whether it was started just then") from None
