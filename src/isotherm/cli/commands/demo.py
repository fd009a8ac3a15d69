"""`isotherm demo`: the whole of it on this machine, from nothing to a table and a page, leaving nothing running."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from isotherm.cli.live import follow_and_show
from isotherm.cli.options import DEFAULT_PLACE, JsonOption
from isotherm.cli.reports import OutputOption

if TYPE_CHECKING:
    from isotherm.local.checkout import Checkout
    from isotherm.local.stack import Stack

EVENT = "events/campaign-demo.json"
NOTHING_LEFT = "nothing is left running"


def demo(
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure five function sizes in two regions of an embedded stack, and show what came out.

    Needs no account and no Docker. An embedded stack that was up before is used and left up; otherwise nothing is left
    running, whatever happens, except a stack that another command or campaign has come to use meanwhile, or that holds
    the only copy of the report, as it could not be written here.
    """
    from isotherm.cli.console import remarks
    from isotherm.cli.errors import Failed, Interrupted, ReportNotFetched
    from isotherm.cli.options import read_event
    from isotherm.cli.waiting import waiting
    from isotherm.local import build as building
    from isotherm.local import deploy as deploying
    from isotherm.local import stack as embedding
    from isotherm.local.checkout import find_checkout
    from isotherm.local.interrupts import interruptible_once
    from isotherm.local.lock import exclusive

    begun = time.monotonic()
    checkout = find_checkout()
    document = read_event(str(checkout.root / EVENT))
    regions = document.get("regions") or [DEFAULT_PLACE.home_region]

    def remark(text: str) -> None:
        remarks().print(text, markup=False, soft_wrap=True)

    # Two at once would measure each other, on functions that one of them holds.
    with interruptible_once(), exclusive(checkout.local / "demo.lock", "the demo", remark):
        running = embedding.status(checkout)
        ours, campaign_id = running is None, None
        if running is not None:
            _refuse_beside_campaigns(running)
        try:
            with waiting(remarks()) as say:
                embedded = embedding.up(checkout, say=say)
                embedding.enter(embedded)
                made = building.build(checkout, say=say)
                deploying.deploy(checkout, made, regions, embedded=embedded, say=say, tell=say.region).check()
            campaigns = DEFAULT_PLACE.campaigns()
            campaign_id = campaigns.start(document)
            follow_and_show(campaigns, campaign_id, DEFAULT_PLACE, output, as_json)
            remark(f"{time.monotonic() - begun:.0f} s in all")
        except (KeyboardInterrupt, Interrupted) as interruption:
            if not ours and isinstance(interruption, Interrupted):
                raise  # the campaign goes on, on the stack that stays up
            if not ours:
                raise Interrupted("interrupted") from None
            ours = False
            number = interruption.number if isinstance(interruption, Interrupted) else signal.SIGINT
            raise Interrupted(f"interrupted; {_take_down(checkout, campaign_id)}", number) from None
        except ReportNotFetched as problem:
            if not ours:
                raise
            ours = False
            raise Failed(
                f"{problem}\nthe embedded stack stays up for that; afterwards: isotherm local down"
            ) from problem
        finally:
            left = _take_down(checkout, campaign_id) if ours else NOTHING_LEFT
            if left != NOTHING_LEFT:
                remark(left)


def _refuse_beside_campaigns(running: Stack) -> None:
    from isotherm.cli.errors import Failed
    from isotherm.local import deploy as deploying
    from isotherm.local import stack as embedding

    embedding.enter(running)
    for campaign_id in deploying.running_campaigns(running):
        raise Failed(
            f"campaign {campaign_id} is running on the embedded stack, and the demo would disturb it: wait for it "
            f"(isotherm follow {campaign_id}), end it (isotherm stop {campaign_id}), or take the stack down with all "
            "that it holds (isotherm local down --yes)"
        )


def _take_down(checkout: Checkout, campaign_id: str | None) -> str:
    """End the embedded stack, unless others than the demo and its campaign use it; in words, what is left."""
    from isotherm.local import deploy as deploying
    from isotherm.local import stack as embedding

    running = embedding.status(checkout)
    if running is not None:
        users = [f"process {user.pid} ({user.what})" for user in embedding.users(running)]
        others = [other for other in deploying.running_campaigns(running) if other != campaign_id]
        users += [f"campaign {other}" for other in others]
        if users:
            return f"the embedded stack stays up for {', '.join(users)}; then: isotherm local down"
    embedding.down(checkout)
    return NOTHING_LEFT
