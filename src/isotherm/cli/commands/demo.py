"""`isotherm demo`: the whole of it on this machine, from nothing to a table and a page, leaving nothing running."""

from __future__ import annotations

import time

from isotherm.cli.live import follow_and_show
from isotherm.cli.options import DEFAULT_PLACE, JsonOption
from isotherm.cli.reports import OutputOption

EVENT = "events/campaign-demo.json"


def demo(
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure five function sizes in two regions of an embedded stack, and show what came out.

    Needs no account and no Docker. An embedded stack that was up before is used and left up; otherwise nothing is left
    running, whatever happens.
    """
    from isotherm.cli.console import remarks
    from isotherm.cli.errors import Interrupted
    from isotherm.cli.options import read_event
    from isotherm.cli.waiting import waiting
    from isotherm.local import build as building
    from isotherm.local import deploy as deploying
    from isotherm.local import stack as embedding
    from isotherm.local.checkout import find_checkout

    begun = time.monotonic()
    checkout = find_checkout()
    document = read_event(str(checkout.root / EVENT))
    regions = document.get("regions") or [DEFAULT_PLACE.home_region]
    was_up = embedding.status(checkout) is not None
    try:
        with waiting(remarks()) as say:
            embedded = embedding.up(checkout, say=say)
            embedding.enter(embedded)
            made = building.build(checkout, say=say)
            deploying.deploy(checkout, made, regions, embedded=embedded, say=say, tell=say.region).check()
        campaigns = DEFAULT_PLACE.campaigns()
        follow_and_show(campaigns, campaigns.start(document), DEFAULT_PLACE, output, as_json)
        remarks().print(f"{time.monotonic() - begun:.0f} s in all", markup=False)
    except (KeyboardInterrupt, Interrupted) as interruption:
        if was_up and isinstance(interruption, Interrupted):
            raise  # the campaign goes on, on the stack that stays up
        raise Interrupted("interrupted" + ("" if was_up else "; nothing is left running")) from None
    finally:
        if not was_up:
            embedding.down(checkout)
