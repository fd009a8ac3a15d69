"""What a campaign costs: estimated from its lanes before it, counted from what it did after it. Calls nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from isotherm.campaign.lane import Lane, LoadStep, Step, TargetFunction, hold_ms, is_server
from isotherm.campaign.model import Campaign
from isotherm.campaign.tour import Tour
from isotherm.load import REQUESTS_PER_ITERATION
from isotherm.pricing.bill import Bill
from isotherm.pricing.price import Price

#: What an estimate assumes of calls that have not been made; generous, so that a campaign costs less than it says.
ASSUMED_COLD_BILLED_MS = 2000.0
ASSUMED_WARM_BILLED_MS = 20.0
ASSUMED_NESTED_BILLED_MS = 500.0
ASSUMED_LOAD_ANSWER_S = 0.15
ASSUMED_CONTROL_BILLED_MS = 3000.0
ASSUMED_PUBLISH_BILLED_MS = 3000.0
ASSUMED_BURST_FIRE_MS = 3000.0
CONTROL_MEMORY_MB = 512
FIRE_MEMORY_MB = 1769
LOG_BYTES_PER_CALL = 900
#: DynamoDB requests of a lane beside its samples': task, lease, progress.
TABLE_REQUESTS_PER_LANE = 8
#: A sample of about 1 KB is a quarter of a strongly consistent read of 4 KB when many are queried.
READS_PER_SAMPLE = 0.25

TOUR_TRANSITIONS = 4  # DispatchTour, RunStages, RestoreFunctions, NotifyCampaign
STAGE_TRANSITIONS = 3  # PublishFreshVersions, FireShots, CollectReports; and Fire, once or several times
CAMPAIGN_TRANSITIONS = 5  # PlanCampaign, AdmitOrRefuse, MeasureWaves, AggregateResults, PublishReport

Functions = Mapping[tuple[str, str], TargetFunction]
Lanes = Mapping[str, Lane]


def tour_transitions(tour: Tour, lanes: Lanes) -> int:
    """State transitions of a tour that is run to its end, its dispatch included."""
    return TOUR_TRANSITIONS + sum(
        STAGE_TRANSITIONS + fires_of(lanes[steps[0].lane_key].step(steps[0].step)) for steps in tour.stages
    )


def fires_of(step: Step) -> int:
    """How many Fires carry out the stage that a step is in: those that share a load, else one."""
    return step.load.fires if step.load else 1


def campaign_transitions(waves: int, tours: Iterable[Tour], lanes: Lanes) -> int:
    """State transitions of a campaign all of whose tours are run."""
    return CAMPAIGN_TRANSITIONS + waves + sum(tour_transitions(tour, lanes) for tour in tours)


def estimate(
    campaign: Campaign,
    lanes: Lanes,
    tours: Collection[Tour],
    functions: Functions,
    waves: int,
    home_region: str,
) -> Price:
    """The most that a campaign is expected to cost, before anything was called.

    Parameters
    ----------
    campaign : Campaign
        What was asked for.
    lanes : mapping
        All that the plan holds, by key, those that precision may spare included.
    tours : collection of Tour
        The executions that carry them out.
    functions : mapping
        Deployed function by region and target.
    waves : int
        How many waves the tours are in.
    home_region : str
        Where table, bucket and campaign machine are.
    """
    bill = Bill()
    calls = 0
    for lane in lanes.values():
        function = functions[lane.region, lane.target]
        for step in lane.steps:
            cold, warm = _cold_shots(step), step.warm_shots + step.prime_shots
            calls += cold + warm
            if step.load is not None:
                add_load(bill, lane, step, step.load, function, step.load.requests)
                continue
            warm_ms = _assumed_warm_ms(step.inner is not None)
            if not step.on_server:
                bill.add_lambda(
                    lane.region,
                    function.architecture,
                    step.memory_mb or function.memory_mb,
                    cold + warm,
                    _cold_billed_ms(step) + warm * warm_ms,
                )
            if step.inner is not None:
                called = functions[step.inner.region, step.inner.target]
                bill.add_lambda(
                    called.region, called.architecture, called.memory_mb, warm, warm * ASSUMED_WARM_BILLED_MS
                )
                bill.add_table(called.region, *table_requests(called.target, None, warm))
            if step.protocol == "http":
                bill.add_http_api(lane.region, warm)
            bill.add_table(lane.region, *table_requests(lane.target, step.operation, cold + warm))
    for tour in tours:
        first = lanes[tour.lanes[0]]
        architecture = functions[first.region, first.target].architecture
        for stage in tour.stages:
            steps = [lanes[one.lane_key].step(one.step) for one in stage]
            if steps[0].load is None:
                add_control(bill, tour, steps, architecture, sum(map(_assumed_firing_ms, steps)))
        add_tour(bill, tour, architecture)
        bill.add_transitions(tour.client_region, tour_transitions(tour, lanes) - 1)
    bill.add_transitions(home_region, CAMPAIGN_TRANSITIONS + waves + len(tours))
    note_servers(bill, campaign)
    add_stores(bill, home_region, calls, list(lanes.values()))
    add_looks(bill, campaign, list(lanes.values()), home_region)
    return bill.price()


def add_control(bill: Bill, tour: Tour, steps: Iterable[Step], architecture: str, firing_ms: float) -> None:
    """Book the control functions of one stage: Prepare, Collect, and Fire for `firing_ms`."""
    publishing_ms = sum(step.versions for step in steps) * ASSUMED_PUBLISH_BILLED_MS
    control_ms = publishing_ms + 2 * ASSUMED_CONTROL_BILLED_MS
    bill.add_lambda(tour.client_region, architecture, FIRE_MEMORY_MB, 1, firing_ms, own=True)
    bill.add_lambda(tour.client_region, architecture, CONTROL_MEMORY_MB, 2, control_ms, own=True)


def _assumed_firing_ms(step: Step) -> float:
    in_a_row = step.warm_shots / step.warm_concurrency
    return len(step.bursts) * ASSUMED_BURST_FIRE_MS + in_a_row * _assumed_warm_ms(step.inner is not None)


def _cold_billed_ms(step: Step) -> float:
    """Billed time of a step's bursts; each call of a wide one is held open until all are in."""
    return sum(
        burst.shots * max(ASSUMED_COLD_BILLED_MS, hold_ms(burst.shots) + ASSUMED_COLD_BILLED_MS / 2)
        for burst in step.bursts
    )


def note_servers(bill: Bill, campaign: Campaign) -> None:
    """Note that a server's own hours are not in the price, where a campaign calls one."""
    if any(map(is_server, campaign.protocols)):
        bill.note(
            "the server's own hours (Fargate, EC2, load balancer) are not included: they cost the same "
            "whether it is called or not"
        )


def load_s(load: LoadStep) -> float:
    """About how long a phase of a load takes, in seconds; a closed loop takes as long as its answers let it."""
    if load.spec.duration_s is not None:
        return load.spec.duration_s
    return (load.spec.iterations or 0) * REQUESTS_PER_ITERATION * ASSUMED_LOAD_ANSWER_S


def add_load(bill: Bill, lane: Lane, step: Step, load: LoadStep, function: TargetFunction, requests: int) -> None:
    """Book a phase of a load: half of its requests write, half of them read."""
    if not step.on_server:
        billed_ms = requests * ASSUMED_WARM_BILLED_MS
        bill.add_lambda(lane.region, function.architecture, function.memory_mb, requests, billed_ms)
        bill.add_logs(lane.region, requests * LOG_BYTES_PER_CALL)
    if step.protocol == "http":
        bill.add_http_api(lane.region, requests)
    bill.add_table(lane.region, writes=requests / 2, reads=requests / 2)
    own = [(FIRE_MEMORY_MB, load.fires, load_s(load) * 1000 + ASSUMED_CONTROL_BILLED_MS)]
    own.append((CONTROL_MEMORY_MB, 2, ASSUMED_CONTROL_BILLED_MS))
    for memory_mb, runs, each_ms in own:
        bill.add_lambda(lane.client_region, function.architecture, memory_mb, runs, runs * each_ms, own=True)


def table_requests(target: str, operation: str | None, calls: int) -> tuple[float, float]:
    """What calls of a target write to and read from a database of its own, in DynamoDB's request units."""
    writes = operation == "post" or target == "inner_db"
    reads = operation == "get" or target == "inner_db"
    return float(calls * writes), float(calls * reads)


def _assumed_warm_ms(calls_inner: bool) -> float:
    """A call that waits for another function, perhaps across an ocean, is billed for the wait."""
    return ASSUMED_NESTED_BILLED_MS if calls_inner else ASSUMED_WARM_BILLED_MS


def add_tour(bill: Bill, tour: Tour, architecture: str) -> None:
    """Book the control functions that a tour has once: Dispatch, Restore and Notify."""
    bill.add_lambda(tour.client_region, architecture, CONTROL_MEMORY_MB, 3, 3 * ASSUMED_CONTROL_BILLED_MS, own=True)


def add_stores(bill: Bill, home_region: str, calls: int, lanes: Sequence[Lane]) -> None:
    """Book what `calls` samples and `lanes` write and read: table, bucket and logs."""
    requests = TABLE_REQUESTS_PER_LANE * len(lanes)
    # Each part of the shots is announced in the table and is an object of its own; listing them is priced as a put.
    steps = [step for lane in lanes for step in lane.steps if step.load is None]
    parts = sum(step.parts for step in steps)
    bill.add_table(home_region, writes=calls + requests + parts, reads=calls * READS_PER_SAMPLE + requests)
    bill.add_bucket(home_region, puts=4 + 2 * len(lanes) + parts + len(steps), gets=4 + requests + parts)
    bill.add_logs(home_region, calls * LOG_BYTES_PER_CALL)


def add_looks(bill: Bill, campaign: Campaign, lanes: Sequence[Lane], home_region: str) -> None:
    """What Dispatch reads to tell whether a lane's cells are precise enough: all samples of its earlier rounds."""
    if campaign.precision is None:
        return
    shots: dict[tuple[str, str, int], int] = {}
    for lane in lanes:
        count = sum(_cold_shots(step) + step.prime_shots + step.warm_shots for step in lane.steps)
        shots[lane.region, lane.target, lane.round] = count
    read = sum(
        count * sum(later >= max(number + 1, campaign.rounds) for later in range(campaign.most_rounds))
        for (_, _, number), count in shots.items()
    )
    bill.add_table(home_region, writes=0, reads=read * READS_PER_SAMPLE)


def _cold_shots(step: Step) -> int:
    return sum(burst.shots for burst in step.bursts)
