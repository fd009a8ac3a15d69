"""The shapes of `summary.json`: what a campaign found, ready to be shown. Knows no arithmetic and imports no numpy.

Times are milliseconds, memory is MB, money is dollars. A `_low`/`_high` pair is a confidence interval at
`CampaignSummary.confidence`; a side is None where there are too few samples to bound it. A value is None where it
cannot be computed from what there is (no standard deviation of one sample), never zero in its stead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from isotherm.analysis.shape import OfCell, Shape
from isotherm.campaign.cautions import PlanCaution
from isotherm.campaign.cell import InCell, Kind, cell_key
from isotherm.campaign.lane import CallProtocol, Platform
from isotherm.campaign.left_alone import LeftAlone
from isotherm.campaign.model import Campaign
from isotherm.campaign.plan import RegionInventory
from isotherm.campaign.stopping import IntervalWidth, Quantile
from isotherm.measurement.shot import Outcome
from isotherm.pricing.price import Price
from isotherm.statistics.results import SIGNIFICANT, AdjustedBy, Comparison, MetricSummary, Middle, Slope

FORMAT = 1

MetricName = Literal[
    "init_duration_ms",
    "startup_ms",
    "import_ms",
    "client_ms",
    "overhead_ms",
    "duration_ms",
    "work_ms",
    "billed_duration_ms",
    "max_memory_used_mb",
    "inner_round_trip_ms",
    "inner_duration_ms",
    "inner_billed_duration_ms",
    "database_ms",
    "network_ms",
    "network_share",
    "dns_ms",
    "connect_ms",
    "tls_ms",
    "first_byte_ms",
    "total_ms",
]


METRICS: dict[MetricName, str] = {
    "init_duration_ms": "Init Duration of the platform's report",
    "startup_ms": "process start to handler begin, by the probe",
    "import_ms": "module imports, by the probe",
    "client_ms": "whole call on the client's clock, without the hold",
    "overhead_ms": "client time less what the platform reports: network, download, placement",
    "duration_ms": "Duration of the platform's report; never of a held call",
    "work_ms": "the handler's own time, by the probe",
    "billed_duration_ms": "Billed Duration of the platform's report",
    "max_memory_used_mb": "Max Memory Used of the platform's report",
    "inner_round_trip_ms": "the inner call as the outer function saw it",
    "inner_duration_ms": "Duration of the inner function's report",
    "inner_billed_duration_ms": "Billed Duration of the inner function's report",
    "database_ms": "what the last function of the chain spent on its database, by its own clock",
    "network_ms": "the inner call's round trip less the inner function's Duration",
    "network_share": "network's share of the inner call's round trip, 0 to 1",
    "dns_ms": "name resolution, of a call over HTTP",
    "connect_ms": "TCP connection, of a call over HTTP",
    "tls_ms": "TLS handshake, of a call over HTTPS",
    "first_byte_ms": "from the request sent to the first byte of its answer",
    "total_ms": "a call over HTTP with the opening of its connection, which client time leaves out",
}

EMULATED_NOTE = "emulated: real numbers of this machine, not of AWS"


@dataclass(slots=True)
class Accounting:
    """Where every planned invocation of a cell ended (docs/measuring.md, rule 1). The sums are stated by `imbalances`.

    `sent` were sent, or were about to be when their client was last heard of; those without a sample are `uncollected`,
    and only what was provably not sent is `not_issued` (both are None in summaries of earlier versions).
    `spared` were planned and not needed: the cell was precise enough before their round. `primed` are answered priming
    calls, which never enter statistics. `nested` calls were answered after calling another function in turn.
    """

    planned: int = 0
    sent: int | None = None
    issued: int = 0
    uncollected: int | None = None
    not_issued: int = 0
    spared: int = 0
    answered: int = 0
    failed: int = 0
    function_errors: int = 0
    timeouts: int = 0
    throttles: int = 0
    client_errors: int = 0
    report_found: int = 0
    report_missing: int = 0
    report_not_due: int = 0
    duplicates: int = 0
    cold_verified: int = 0
    contested: int = 0
    unexpected: int = 0
    proactive: int = 0
    unwitnessed: int = 0
    primed: int = 0
    used: int = 0
    retried_throttles: int = 0
    nested: int = 0
    inner_report_found: int = 0
    inner_report_missing: int = 0


class Imbalance(Shape):
    """A sum that does not agree: the number `whole` of what is called `name` is not the sum of its `parts`.

    All names are those of fields, of `Accounting` or of `LoadRow`.
    """

    name: str
    whole: int
    parts: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonInWords(Comparison):
    """A comparison, and its shift as a sentence."""

    sentence: str


class StartupSlope(Shape):
    """What one unit of `per` adds to a time of cold starts in one region and memory size, by a Theil-Sen slope.

    `time` "rest" is the start-up less its imports, so that size and imports are told apart. `held` says that only
    targets of equal archive size were paired; where there are none, both axes are in the slope.
    """

    region: str
    memory_mb: int
    time: Literal["start", "rest", "overhead"]
    per: Literal["archive_mb", "import_ms"]
    held: bool
    slope: Slope


class StartupCost(StartupSlope):
    """The facts of the base class, and a sentence that says them."""

    sentence: str


class TargetDifference(OfCell, serialize_by_alias=True):
    """Two targets in cells that are alike but for them, with rounds as blocks (`isotherm.statistics.blocks`).

    The cell is that of the `other` target, which is what documents call it. All targets of a metric in cells that are
    alike but for them are one family: the ratio and the shift of `result` have intervals that hold for all of them
    together, and `p_holm` is the adjusted p of the same test; `adjusted_by` says how (None: there is one other target,
    or nothing to be told). `rounds` are those that both targets have; below 3 there is neither interval nor p.
    `detectable_ms` is the size of difference that would be found in four of five such campaigns. (The three are None
    in summaries of earlier versions, which took samples as independent and corrected, by Holm, the p alone.)
    """

    target: str = Field(alias="other")
    baseline: str
    metric: MetricName
    p_holm: float | None
    result: Comparison
    adjusted_by: AdjustedBy | None = None
    rounds: int | None = None
    detectable_ms: float | None = None

    @property
    def other(self) -> str:
        """The target that is compared with the baseline."""
        return self.target

    @property
    def is_sure(self) -> bool:
        """Whether the two are told apart."""
        return self.p_holm is not None and self.p_holm < SIGNIFICANT


class TargetComparison(TargetDifference):
    """The facts of the base class, and a sentence that says them."""

    result: ComparisonInWords


class PrecisionReached(Shape):
    """Whether a cell is as precise as was asked for, after `rounds` of at most `most_rounds`.

    `intervals` are those that the campaign's `precision` speaks of, of the time `metric`.
    """

    met: bool
    rounds: int
    most_rounds: int
    metric: MetricName | None
    intervals: list[IntervalWidth]


class Cell(OfCell):
    """What statistics are for: target, region, memory size and what was asked for (cold, warm or priming).

    And besides, where a campaign varies them: from where it was called, by which protocol, what was asked of it, and
    which function it called in turn.

    `coldness` is how the cold samples were obtained (docs/measuring.md, rule 5). Cells of kind `prime` are accounted
    for and have no metrics. `precision` says, where one was asked for, after how many rounds the cell has it, or has it
    not; `precision_reached` are the facts that it says (None in summaries of earlier versions).
    """

    coldness: str | None
    accounting: Accounting
    metrics: dict[MetricName, MetricSummary]
    precision: str | None = None
    precision_reached: PrecisionReached | None = None


class CellDifference(OfCell):
    """Two cells that differ in one thing alone: from where they were called (`client_region`) or how (`protocol`).

    The key is that of the other cell, `other` its place on the axis `across`, `baseline` the place of the cell it is
    compared with. `middle` says of what the two values are; `difference` is taken round by round, its interval is over
    `rounds`, those that both have; below 3 there is neither interval nor p. `p_holm` is corrected for all comparisons
    of the same metric across the same axis, and the interval is widened by as much. `baseline_n` and `other_n` are the
    numbers of samples (None in summaries of earlier versions, where `rounds` None says that there was one round, and
    samples were taken as independent).
    """

    across: Literal["client_region", "protocol"]
    baseline: str
    other: str
    metric: MetricName
    middle: Middle
    baseline_value: float
    other_value: float
    difference: float
    low: float | None
    high: float | None
    p_value: float | None
    p_holm: float | None
    rounds: int | None
    baseline_n: int | None = None
    other_n: int | None = None

    @property
    def is_sure(self) -> bool:
        """Whether the two are told apart."""
        return self.p_holm is not None and self.p_holm < SIGNIFICANT


class CellComparison(CellDifference):
    """The facts of the base class, and a sentence that says them."""

    sentence: str


class ClientDependence(OfCell):
    """Whether one function's billed time depends on where its clients are.

    `within_ms` bounds the difference of the mean billed times of any two of the `clients`: the largest that the
    intervals, which are over rounds, still allow; None where there are too few samples. `differing` are those whose
    billed times are told apart from the baseline's. `verdict` is "independent" where none is and the bound is small,
    "unclear" where none is but a difference that matters could have gone unseen.
    """

    baseline: str
    clients: list[str]
    differing: list[str]
    within_ms: float | None
    verdict: Literal["independent", "differs", "unclear"]

    def is_about(self, found: InCell) -> bool:
        """Whether this is about such a cell, or about a comparison of it: all but the client agree."""
        ours, theirs = cell_key(self), replace(cell_key(found), client_region=None)
        # Version 0.1.0 did not write which function the target called in turn.
        return theirs == ours or (self.inner is None and replace(theirs, inner=None, inner_region=None) == ours)


class ClientFinding(ClientDependence):
    """The facts of the base class, and a sentence that says them."""

    sentence: str


class CellImbalance(OfCell):
    """A sum of a cell's accounting that does not agree."""

    sum: Imbalance


class Sent(Shape):
    """When the used calls of a cell were sent: epoch milliseconds, and the scatter in seconds."""

    first_at_ms: float
    last_at_ms: float
    mean_at_ms: float
    sd_s: float | None


class FailedCalls(Shape):
    """Calls that failed for one reason."""

    calls: int
    reason: str


class Missing(Shape):
    """Why a cell has no used sample.

    Its lanes failed, and `lanes` are the reasons that were given; or none of its `calls` was issued; or they were, and
    nothing was collected; or none could be used: then the rest says what became of them.
    """

    kind: Literal["lanes_failed", "not_issued", "uncollected", "unusable"]
    calls: int
    lanes: list[str | None] = Field(default_factory=list)
    failed: list[FailedCalls] = Field(default_factory=list)
    contested: int = 0
    unexpected: int = 0
    unwitnessed: int = 0


class CrisscrossPair(Shape):
    """One cell of a criss-cross: `outer` in `region` calling `inner` in `inner_region`.

    Its columns (client, billed and actual outer, round trip, billed and actual inner, database, network and its share)
    are the metrics of the summary's cell with the same key; `why_missing` are the facts of why it has none (None
    besides in summaries of earlier versions).
    """

    region: str
    inner: str
    inner_region: str
    used: int
    sent: Sent | None
    why_missing: Missing | None = None


class CrisscrossCell(CrisscrossPair):
    """The facts of the base class; `missing` says in words why it has no metrics."""

    missing: str | None


#: Whether a time depends on distance; "unclear" where it cannot be told.
Dependence = Literal["rises", "falls", "independent", "unclear"]


#: Why there is no slope on distance, or no interval of one: too few pairs of regions, too few calls of a pair, network
#: times that are not told apart (on one machine there is no distance), or too few pairs to bound the slope.
NoSlope = Literal["few_pairs", "few_calls", "alike", "one_machine", "no_interval"]


class DistanceDependence(Shape):
    """By how much a time rises for each ms of network between the two functions; a point is a pair of regions.

    `verdict` is "independent" where the interval holds nothing but slopes too small to matter, "unclear" where it
    holds both such and others, or where there is none: then `why` says what was missing. `network_ms` is the least and
    the largest network time of a pair. (Both are None besides in summaries of earlier versions.)
    """

    inner: str
    time: MetricName
    slope: Slope
    verdict: Dependence
    why: NoSlope | None = None
    network_ms: tuple[float, float] | None = None


class DistanceSlope(DistanceDependence):
    """The facts of the base class, and a sentence that says them."""

    sentence: str


class DatabaseDifference(Shape):
    """What the database adds to the inner function of one region: the one with it against the one without.

    `middle` says of what the two values are, over all calls; `difference` is taken between calls of one outer region
    in one round, its interval is over these `blocks`; below 3 there is neither interval nor p. `p_holm` is corrected
    for all places of the same metric, and the interval is widened by as much.
    `without_n` and `with_n` are the numbers of samples (None in summaries of earlier versions).
    """

    inner_region: str
    without: str
    with_database: str
    metric: MetricName
    middle: Middle
    without_value: float
    with_value: float
    difference: float
    low: float | None
    high: float | None
    p_value: float | None
    p_holm: float | None
    blocks: int | None
    without_n: int | None = None
    with_n: int | None = None

    @property
    def is_sure(self) -> bool:
        """Whether the two are told apart."""
        return self.p_holm is not None and self.p_holm < SIGNIFICANT


class DatabaseCost(DatabaseDifference):
    """The facts of the base class, and a sentence that says them."""

    sentence: str


class CrisscrossFacts(Shape):
    """Every pair of regions, with one memory size of the outer function and one client (None: its own region)."""

    target: str
    memory_mb: int
    client_region: str | None
    regions: list[str]
    inner_regions: list[str]
    inner_targets: list[str]
    cells: Sequence[CrisscrossPair]
    slopes: Sequence[DistanceDependence]
    database: Sequence[DatabaseDifference]

    def holds(self, cell: InCell) -> bool:
        """Whether a cell is one of its pairs."""
        place = (cell.target, cell.memory_mb, cell.client_region)
        return (
            cell.kind == "warm"
            and cell.inner is not None
            and place == (self.target, self.memory_mb, self.client_region)
        )


class Crisscross(CrisscrossFacts):
    """The facts of the base class, and sentences: `findings` says for each inner target who pays for distance."""

    cells: list[CrisscrossCell]
    slopes: list[DistanceSlope]
    database: list[DatabaseCost]
    findings: list[str]


class Stages(Shape):
    """Mean times in ms of calls over HTTP, by stage; means, as only means add up to the mean of the whole.

    `wait` is from the request sent to the first byte of its answer, less the function's own `work`; `body` is what is
    left of `total`. Stages that open a connection are None where it was open. `billed` is the function's.
    """

    calls: int
    dns: float | None
    connect: float | None
    tls: float | None
    wait: float
    work: float | None
    body: float
    total: float
    billed: float | None


class HttpCell(OfCell):
    """Stages of one cell's used calls, by whether their connection was new, and the statuses of all its answers."""

    new: Stages | None
    reused: Stages | None
    statuses: dict[str, int]


class Failure(OfCell):
    """Calls of one cell that failed for one reason; `example` is the message met most often."""

    outcome: Outcome
    reason: str
    calls: int
    example: str | None


class ContestedSample(Shape):
    """A sample whose witnesses disagree on whether it was cold; counted, shown, kept out of the statistics.

    `report_contested`: it is the platform's report that is contradicted (None in summaries of earlier versions).
    """

    shot_id: str
    lane: str
    target: str
    region: str
    kind: Kind
    platform_cold: bool | None
    probe_cold: bool | None
    init_duration_ms: float | None
    invocation_index: int | None
    request_id: str | None
    report_contested: bool | None = None


class LaneOutcome(Shape):
    """How one lane ended: `reason` says why where it did not succeed; spared: its cells were precise enough already.

    Not begun: the campaign's execution had ended before its turn. `left` is what others had changed meanwhile, and was
    left as they made it (none in summaries of earlier versions).
    """

    lane_key: str
    target: str
    region: str
    round: int
    status: Literal["succeeded", "failed", "spared", "not_begun"]
    reason: str | None = None
    left: list[LeftAlone] = Field(default_factory=list)


class LoadRow(Shape):
    """One phase of a load, or all of them; times in milliseconds, latency from the intended start.

    planned = succeeded + failed (by kind) + not_reported, which are those of a Fire that never said what it did.
    Throughput is of the requests that succeeded, over the time that an open loop was planned to take, or that a closed
    one took. A request that failed counts as one that takes longer than it waited; times named in `at_least` can be
    longer than stated, because too many failed to tell. (Summaries of earlier versions have throughput over the wall
    time, and times without most of what failed.)
    """

    name: str
    planned: int
    sent: int
    succeeded: int
    failed: dict[str, int]
    not_reported: int = 0
    wall_s: float = 0.0
    throughput_per_s: float | None = None
    mean_ms: float | None = None
    median_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    p999_ms: float | None = None
    max_ms: float | None = None
    service_median_ms: float | None = None
    service_p99_ms: float | None = None
    lateness_median_ms: float | None = None
    lateness_p99_ms: float | None = None
    lateness_max_ms: float | None = None
    cold_starts: int = 0
    at_least: list[str] = Field(default_factory=list)


class LoadSecond(Shape):
    """One second of a load: what was sent in it, and what ended in it; `at_s` counts from its phase's first.

    Times are of what ended in it; where requests failed, at least that.
    """

    phase: str
    at_s: int
    unix_s: int
    sent: int
    succeeded: int
    failed: int
    median_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None


class RowImbalance(Shape):
    """A row of a load that does not agree: with the plan, which holds `in_plan` requests, or in a `sum` of its own."""

    row: str
    planned: int
    in_plan: int | None = None
    sum: Imbalance | None = None


class Late(Shape):
    """Why a generator did not keep up in a phase, as it says it itself."""

    phase: str
    reason: str


class LoadFacts(Shape):
    """A load on one target by one protocol, phase by phase; the last of its `rows` is of all phases.

    `lateness` says where a generator did not keep up: its own slowness is in those numbers. `unbalanced` are the sums
    that do not agree (both are empty besides in summaries of earlier versions). `latency_us` are the phases'
    histograms of requests that succeeded, in HdrHistogram's compressed text, `failed_after_us` those of the time until
    a request failed (in summaries of earlier versions it is empty, and time-outs are in `latency_us`).
    """

    lane_key: str
    target: str
    region: str
    client_region: str | None
    protocol: CallProtocol
    round: int
    fires: int
    rows: list[LoadRow]
    unbalanced: list[RowImbalance] = Field(default_factory=list)
    lateness: list[Late] = Field(default_factory=list)
    seconds: list[LoadSecond]
    latency_us: dict[str, str]
    failed_after_us: dict[str, str] = Field(default_factory=dict)


class LoadRun(LoadFacts):
    """The facts of the base class, and sentences: which sums do not agree, and where a generator was `late`."""

    imbalances: list[str]
    late: list[str]


class Billed(Shape):
    """What the platform's reports say was billed; `unreported` shots ran, or may have run, without a report found."""

    reports: int
    unreported: int
    billed_ms: float
    gb_seconds: float


class LanesFailed(Shape):
    """Some of the `planned` lanes failed; what they lack is not issued or uncollected, or of a load not reported."""

    kind: Literal["lanes_failed"] = "lanes_failed"
    failed: int
    planned: int
    of_load: bool


class ChangedByOthers(Shape):
    """Others changed a lane's function while it was measured, and that was left as they made it."""

    kind: Literal["changed_by_others"] = "changed_by_others"
    lane_key: str
    left: list[LeftAlone]


class RanBeside(Shape):
    """Other campaigns of the stack ran at the same time: they share the account's concurrency, or the machine."""

    kind: Literal["ran_beside"] = "ran_beside"
    campaigns: list[str]


class OddLines(Shape):
    """Lines of the log said that they are a probe's and could not be read: how many, by lane."""

    kind: Literal["odd_lines"] = "odd_lines"
    lanes: dict[str, int]


class NotReported(Shape):
    """Of some requests of a load, or of all, no generator said what became of them."""

    kind: Literal["not_reported"] = "not_reported"
    lane_key: str
    protocol: CallProtocol
    planned: int
    not_reported: int


class LateLoad(Shape):
    """A load whose generator did not keep up in some phases."""

    lane_key: str
    protocol: CallProtocol
    phases: list[str]


class LateGenerator(Shape):
    """The generator of some loads did not keep up."""

    kind: Literal["late_generator"] = "late_generator"
    loads: list[LateLoad]


class NotIssued(Shape):
    """Some of the planned calls were not issued."""

    kind: Literal["not_issued"] = "not_issued"
    not_issued: int
    planned: int


class Uncollected(Shape):
    """Some of the calls that were sent, or may have been, have no sample: what their client wrote was lost."""

    kind: Literal["uncollected"] = "uncollected"
    uncollected: int
    planned: int


class ReportsMissing(Shape):
    """Some of the platform's reports never came."""

    kind: Literal["reports_missing"] = "reports_missing"
    reports: int


class Contested(Shape):
    """The witnesses of some samples disagree on coldness, or their report is contradicted."""

    kind: Literal["contested"] = "contested"
    samples: int


class Imprecise(Shape):
    """A cell is not as precise as was asked for."""

    kind: Literal["imprecise"] = "imprecise"
    cell: OfCell
    reached: PrecisionReached


class FewSamplesUsed(Shape):
    """`short` of the `cells` have fewer used samples than are `enough` for a quantile: `least` to `most`."""

    kind: Literal["few_samples_used"] = "few_samples_used"
    quantile: Quantile
    enough: int
    short: int
    cells: int
    least: int
    most: int


class UnevenRounds(Shape):
    """Rounds differ by more than chance in `uneven` of the `cells`, by the largest `factor` in `widest`."""

    kind: Literal["uneven_rounds"] = "uneven_rounds"
    uneven: int
    cells: int
    factor: float
    widest: OfCell


#: What makes people careful of a campaign's numbers: what its plan foresaw, and what came of it.
Caution = Annotated[
    PlanCaution
    | LanesFailed
    | ChangedByOthers
    | RanBeside
    | OddLines
    | NotReported
    | LateGenerator
    | NotIssued
    | Uncollected
    | ReportsMissing
    | Contested
    | Imprecise
    | FewSamplesUsed
    | UnevenRounds,
    Field(discriminator="kind"),
]


class CutShort(Shape):
    """A campaign's execution ended before it had a report: as what in Step Functions' words, and what was said of it.

    The report was made afterwards, of what had been measured until then.
    """

    ended_as: Literal["ABORTED", "FAILED", "TIMED_OUT"]
    error: str | None = None
    cause: str | None = None


class CampaignSummary(Shape):
    """All of `summary.json`.

    `warnings` and `imbalances` are for people: what to be careful of, and what does not agree in the accounting of
    cells and of loads. The facts that they say are `cautions`, `unbalanced` and the same of each load (none in
    summaries of earlier versions). `partial`: the campaign was cut short. `others`
    are ids of campaigns of the stack that ran at the same time, as far as the report could know.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    format: int = FORMAT
    campaign_id: str
    campaign: Campaign
    platform: Platform
    home_region: str
    stack: str
    version: str
    created_at: str
    finished_at: str | None
    partial: CutShort | None = None
    others: list[str] = Field(default_factory=list)
    inventory: list[RegionInventory]
    packages: dict[str, dict[str, Any]] = Field(default_factory=dict)
    headline: str
    note: str | None
    start_metric: MetricName | None
    baseline: str
    confidence: float
    warnings: list[str]
    cautions: list[Caution] = Field(default_factory=list)
    imbalances: list[str]
    unbalanced: list[CellImbalance] = Field(default_factory=list)
    accounting: Accounting
    cells: list[Cell]
    comparisons: list[TargetComparison]
    startup_costs: list[StartupCost] = Field(default_factory=list)
    crisscross: list[Crisscross] = Field(default_factory=list)
    cell_comparisons: list[CellComparison] = Field(default_factory=list)
    client_findings: list[ClientFinding] = Field(default_factory=list)
    http: list[HttpCell] = Field(default_factory=list)
    failures: list[Failure] = Field(default_factory=list)
    contested: list[ContestedSample]
    lanes: list[LaneOutcome]
    waves: int
    state_transitions: int
    loads: list[LoadRun] = Field(default_factory=list)
    planned_price: Price
    actual_price: Price | None
    billed: Billed
