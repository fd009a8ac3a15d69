"""`isotherm run`: start a campaign, follow it to its end, show what it found."""

from __future__ import annotations

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


def run(
    event: EventArgument,
    on: OnOption = DEFAULT_PLACE.on,
    stack: StackOption = DEFAULT_PLACE.stack,
    home: HomeOption = DEFAULT_PLACE.home_region,
    server: ServerOption = None,
    instance: InstanceOption = None,
    server_certificate: ServerCertificateOption = None,
    own: OwnOption = None,
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a campaign and show what it found.

    Ctrl-C leaves the campaign running (exit code 130) and says how to follow it again, and how to stop it.
    """
    servers = {"server": server, "instance": instance}
    document = read_event(event, lambda written: with_servers(written, servers, server_certificate, own))
    place = Place(on, stack, home)
    campaigns = place.campaigns()
    follow_and_show(campaigns, campaigns.start(document), place, output, as_json)
