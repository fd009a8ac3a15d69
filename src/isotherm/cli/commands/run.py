"""`isotherm run`: start a campaign, follow it to its end, show what it found."""

from __future__ import annotations

from isotherm.cli.live import follow_and_show
from isotherm.cli.options import (
    DEFAULT_HOME_REGION,
    DEFAULT_STACK,
    EventArgument,
    HomeOption,
    JsonOption,
    On,
    OnOption,
    OwnOption,
    Place,
    ServerCertificateOption,
    ServerOption,
    StackOption,
    read_event,
    with_server,
)
from isotherm.cli.reports import OutputOption


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
