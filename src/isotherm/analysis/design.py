"""What a summary has to know besides samples: what was meant, as far as a plan, an earlier summary or a person says it.

Knows no statistics. Where there are samples alone there was no plan, and nothing is made up in its stead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from isotherm.analysis.accounting import Sent, expected
from isotherm.analysis.summary import Accounting, CampaignSummary, CutShort, LaneOutcome, MeasuredOn, OddLines
from isotherm.campaign.cautions import CutRounds, Emulated, FewRounds, FewSamples, PlanCaution, Queueing
from isotherm.campaign.cautions import caution_in_words as said
from isotherm.campaign.cell import CellKey, cell_key
from isotherm.campaign.model import Campaign, InnerCalls, Load, Precision
from isotherm.campaign.plan import Plan, RegionInventory
from isotherm.measurement.sample import Sample
from isotherm.pricing.price import Price
from isotherm.statistics.fewest import FEWEST_ROUNDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """How the samples of a campaign came to be.

    `targets` begin with the baseline; they, `regions` and `clients` are in reading order. `stated` is what was planned,
    spared, sent and uncollected of each cell. `lanes` are in the order in which they ran, `lane_clients` are the
    regions from which they called. All that a plan alone can say is None, or empty, without one.
    """

    campaign_id: str
    platform: MeasuredOn
    version: str
    targets: Sequence[str]
    regions: Sequence[str]
    clients: Sequence[str] = ()
    cautions: Sequence[PlanCaution] = ()
    warnings: Sequence[str] = ()
    stated: Mapping[CellKey, Accounting] | None = None
    lanes: Sequence[LaneOutcome] = ()
    lane_clients: Mapping[str, str | None] = field(default_factory=dict)
    campaign: Campaign | None = None
    inventory: Sequence[RegionInventory] = ()
    packages: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    home_region: str | None = None
    stack: str | None = None
    created_at: str | None = None
    finished_at: str | None = None
    waves: int | None = None
    state_transitions: int | None = None
    planned_price: Price | None = None
    actual_price: Price | None = None
    partial: CutShort | None = None
    others: Sequence[str] = ()
    odd_lines: Mapping[str, int] = field(default_factory=dict)

    @property
    def baseline(self) -> str:
        """The target with which all others are compared."""
        return self.targets[0]

    @property
    def precision(self) -> Precision | None:
        """How narrow intervals were to be, if anybody said so."""
        return self.campaign.precision if self.campaign else None

    @property
    def inner(self) -> InnerCalls | None:
        """Which functions the targets were to call in turn."""
        return self.campaign.inner if self.campaign else None

    @property
    def load(self) -> Load | None:
        """The load that was asked for."""
        return self.campaign.load if self.campaign else None

    @property
    def asked_regions(self) -> Sequence[str]:
        """The regions in the order in which they were asked for."""
        return (self.campaign.regions or []) if self.campaign else self.regions

    @property
    def code_sizes(self) -> dict[str, dict[str, int]]:
        """Archive bytes of each target, by region."""
        return {region.region: {t.target: t.code_size_bytes for t in region.targets} for region in self.inventory}

    def is_foreseen(self, kind: type[PlanCaution]) -> bool:
        """Whether people were told before to be careful of this; plans of earlier versions do not say."""
        return any(isinstance(caution, kind) for caution in self.cautions)


def planned_design(
    plan: Plan,
    lanes: Iterable[LaneOutcome],
    kept: Iterable[Sample],
    sent: Sent | None = None,
    *,
    packages: Mapping[str, Mapping[str, Any]] | None = None,
    finished_at: str | None = None,
    actual_price: Price | None = None,
    partial: CutShort | None = None,
    others: Sequence[str] = (),
    odd_lines: Mapping[str, int] | None = None,
) -> Design:
    """What a plan says, with how its lanes ended; a lane of which nothing was reported is listed as failed.

    Parameters
    ----------
    kept : iterable of Sample
        Without repeats, against which what was sent is held.
    """
    known = {outcome.lane_key: outcome for outcome in lanes}
    spared = {key for key, outcome in known.items() if outcome.status == "spared"}
    return Design(
        campaign_id=plan.campaign_id,
        platform=plan.platform,
        version=plan.version,
        targets=plan.campaign.targets,
        regions=[region.region for region in plan.inventory],
        clients=plan.campaign.clients or [],
        cautions=plan.cautions,
        warnings=plan.warnings,
        stated=expected(plan, kept, spared & plan.lanes.keys(), sent),
        lanes=_every_lane(plan, known),
        lane_clients={lane.key: lane.client_region for lane in plan.lanes.values()},
        campaign=plan.campaign,
        # A summary is made to be shared, and needs no secret's name.
        inventory=[replace(region, server_token=None) for region in plan.inventory],
        packages=packages or {},
        home_region=plan.home_region,
        stack=plan.stack,
        created_at=plan.created_at,
        finished_at=finished_at,
        waves=len(plan.waves),
        state_transitions=plan.state_transitions,
        planned_price=plan.price,
        actual_price=actual_price,
        partial=partial,
        others=others,
        odd_lines=odd_lines or {},
    )


def _every_lane(plan: Plan, known: Mapping[str, LaneOutcome]) -> list[LaneOutcome]:
    silent = (
        LaneOutcome(
            lane_key=lane.key,
            target=lane.target,
            region=lane.region,
            round=lane.round,
            status="failed",
            reason="no outcome was reported",
        )
        for lane in plan.lanes.values()
        if lane.key not in known
    )
    in_order = {lane.key: place for place, lane in enumerate(plan.lanes_in_order)}
    return sorted(
        (*known.values(), *silent), key=lambda lane: (in_order.get(lane.lane_key, len(in_order)), lane.lane_key)
    )


def published_design(summary: CampaignSummary, samples: Iterable[Sample]) -> Design:
    """What a summary that was made before says of how its samples came to be: all of it that samples do not hold."""
    foreseen = [
        caution
        for caution in summary.cautions
        if isinstance(caution, (Emulated, Queueing, FewSamples, FewRounds, CutRounds))
    ]
    campaign = summary.campaign
    named = campaign.targets if campaign else _in_order((cell.target for cell in summary.cells), ())
    # What the plan did not foresee is found again.
    ahead = [caution for caution in foreseen if not isinstance(caution, Emulated) or caution.foreseen]
    stated = None if summary.accounting.planned is None else {cell_key(c): _stated(c.accounting) for c in summary.cells}
    return Design(
        campaign_id=summary.campaign_id,
        platform=summary.platform,
        version=summary.version,
        targets=_in_order(named, [summary.baseline]),
        regions=[region.region for region in summary.inventory] or _in_order((c.region for c in summary.cells), ()),
        clients=(campaign.clients or []) if campaign else [],
        cautions=ahead,
        warnings=[said(caution) for caution in ahead],
        stated=stated,
        lanes=summary.lanes,
        lane_clients={sample.lane: sample.client_region for sample in samples},
        campaign=campaign,
        inventory=summary.inventory,
        packages=summary.packages,
        home_region=summary.home_region,
        stack=summary.stack,
        created_at=summary.created_at,
        finished_at=summary.finished_at,
        waves=summary.waves,
        state_transitions=summary.state_transitions,
        planned_price=summary.planned_price,
        actual_price=summary.actual_price,
        partial=summary.partial,
        others=summary.others,
        odd_lines=next((caution.lanes for caution in summary.cautions if isinstance(caution, OddLines)), {}),
    )


def _stated(of_cell: Accounting) -> Accounting:
    return Accounting(
        planned=of_cell.planned, spared=of_cell.spared, sent=of_cell.sent, uncollected=of_cell.uncollected
    )


def observed_design(
    samples: Sequence[Sample], *, name: str, version: str, platform: MeasuredOn, baseline: str | None = None
) -> Design:
    """What samples alone show, which were not said to be planned.

    Parameters
    ----------
    samples : sequence of Sample
        At least one; targets and regions are read in the order in which they come.
    name : str
        What they are called: the summary's `campaign_id` where they do not agree on one.
    version : str
        Of Isotherm.
    platform : str
        Where they were measured.
    baseline : str, optional
        The target with which the others are compared, else the first.
    """
    rounds = {sample.round for sample in samples}
    ids = {sample.campaign_id for sample in samples}
    few: list[PlanCaution] = [FewRounds(rounds=len(rounds))] if len(rounds) < FEWEST_ROUNDS else []
    return Design(
        campaign_id=ids.pop() if len(ids) == 1 and "" not in ids else name,
        platform=platform,
        version=version,
        targets=_in_order((sample.target for sample in samples), [baseline] if baseline else []),
        regions=_in_order((sample.region for sample in samples), ()),
        clients=_in_order((sample.client_region for sample in samples if sample.client_region), ()),
        cautions=few,
        warnings=[said(caution) for caution in few],
    )


def with_baseline(design: Design, baseline: str) -> Design:
    """The same with another target to compare with."""
    return replace(design, targets=_in_order(design.targets, [baseline]))


def _in_order(names: Iterable[str], first: Collection[str]) -> list[str]:
    """Each name once, those of `first` before the others."""
    return list(dict.fromkeys([*first, *names]))
