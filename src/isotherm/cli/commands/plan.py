"""`isotherm plan`: what a campaign would do and cost, or why it may not start."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from rich.table import Table

    from isotherm.campaign.plan import Plan


def plan(
    event: EventArgument,
    on: OnOption = DEFAULT_PLACE.on,
    stack: StackOption = DEFAULT_PLACE.stack,
    home: HomeOption = DEFAULT_PLACE.home_region,
    server: ServerOption = None,
    instance: InstanceOption = None,
    server_certificate: ServerCertificateOption = None,
    own: OwnOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a campaign would do and cost. Nothing is changed.

    The deployed stack itself plans it, so this is exactly what `run` and the Step Functions console would do. Its plan
    is deleted from the bucket once it is read; who may not delete there leaves it for a day.
    """
    servers = {"server": server, "instance": instance}
    document = read_event(event, lambda written: with_servers(written, servers, server_certificate, own))
    from isotherm.cli.console import remarks, results
    from isotherm.cli.waiting import waiting

    with waiting(remarks(), brief=True) as say:
        say("planning")
        made = Place(on, stack, home).campaigns().make_plan(document)
    if as_json:
        print(json.dumps(made.model_dump(mode="json"), indent=2, ensure_ascii=False))
        return
    for renderable in describe(made):
        results().print(renderable)


def describe(made: Plan) -> list[Any]:
    """The plan as tables and lines for a terminal."""
    from rich.text import Text

    from isotherm.deployed.progress import planned_shots

    lanes = _table(f"{made.campaign.name}: {len(made.lanes)} lanes in {len(made.waves)} waves")
    lanes.add_column("target", overflow="fold")
    lanes.add_column("region", no_wrap=True)
    counted = ["rounds", "versions", "cold", "priming", "warm"]
    if made.campaign.load is not None:
        counted.append("load")
    for title in ("package", "memory", *counted):
        lanes.add_column(title, justify="right")
    functions = {(t.target, t.region): t for region in made.inventory for t in region.targets}
    rows: dict[tuple[str, str], Counter[str]] = {}
    memory: dict[tuple[str, str], set[int]] = {}
    for lane in made.lanes.values():
        key = (lane.target, lane.region)
        row = rows.setdefault(key, Counter())
        row["rounds"] = max(row["rounds"], lane.round + 1)
        for step in lane.steps:
            row["versions"] += step.versions
            row["cold"] += sum(burst.shots for burst in step.bursts)
            row["priming"] += step.prime_shots
            row["warm"] += step.warm_shots
            row["load"] += step.load.requests if step.load else 0
            memory.setdefault(key, set()).add(step.memory_mb or functions[key].memory_mb)
    for (target, region), row in sorted(rows.items()):
        lanes.add_row(
            target,
            region,
            f"{functions[target, region].code_size_bytes / 1e6:.1f} MB",
            ", ".join(map(str, sorted(memory[target, region]))) + " MB",
            *(str(row[name]) for name in counted),
        )
    price = _table("price, estimated")
    price.add_column("service", no_wrap=True)
    price.add_column("quantity", justify="right")
    price.add_column("unit")
    price.add_column("USD", justify="right")
    for line in made.price.lines:
        price.add_row(line.service, f"{line.quantity:,.6g}", line.unit, f"{line.usd:.6f}")
    price.add_row("in all", "", f"prices of {made.price.as_of}", f"{made.price.usd:.6f}")
    runtimes = sorted({f"{function.runtime} on {function.architecture}" for function in functions.values()})
    shots = sum(planned_shots(lane) for lane in made.lanes.values())
    total = Text(
        f"{shots} calls of {', '.join(runtimes)}, {made.state_transitions} state transitions, "
        f"{'at most' if made.campaign.precision else 'about'} {made.price.usd:.4f} USD "
        f"of a budget of {made.campaign.budget_usd:g} USD"
        + (" (what AWS would charge; the embedded stack costs nothing)" if made.platform == "emulated" else "")
    )
    warnings = [Text(f"warning: {warning}", style="yellow") for warning in made.warnings]
    notes = [Text(note, style="dim") for note in made.price.notes]
    enough = []
    if made.campaign.most_rounds > made.campaign.rounds:
        enough.append(
            Text(
                f"rounds {made.campaign.rounds + 1} to {made.campaign.most_rounds} are run only for the targets "
                "whose cells are not precise enough by then"
            )
        )
    return [lanes, price, *notes, total, *enough, *warnings]


def _table(title: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    return Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
    )
