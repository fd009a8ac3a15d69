"""From times to summaries by the functions of `isotherm analyse`, and to sessions of a campaign's name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

from bench.known_truth.shapes import Floats
from isotherm import __version__
from isotherm.analysis.accounting import distinct
from isotherm.analysis.aggregate import summary_of
from isotherm.analysis.comparison import Side
from isotherm.analysis.design import observed_design
from isotherm.analysis.raw_samples import read_samples
from isotherm.analysis.summary import CampaignSummary
from isotherm.campaign.lane import TargetFunction
from isotherm.campaign.model import Campaign, ColdStarts, WarmCalls
from isotherm.campaign.plan import RegionInventory

TARGETS = ("default", "pkg20", "pkg50", "size20", "size50")
METRIC = "init_duration_ms"
REGION = "us-east-1"

#: When the first session of a name began, and how long each takes.
FIRST = datetime(2026, 1, 5, 0, 30, tzinfo=UTC)
_LASTS = timedelta(minutes=10)


def analysed(
    times: Floats, imports: Floats | None = None, sizes: Sequence[int] = (), *, began: datetime | None = None
) -> Side:
    """A campaign's samples and its summary.

    Parameters
    ----------
    times : (targets, rounds, calls) array
        Init Durations in ms.
    imports : array of the same shape, optional
        Import times in ms.
    sizes : sequence of int
        Archive bytes of each target, which samples do not say.
    began : datetime, optional
        Then it is a session of a name, as only campaigns with a plan are, and has client times too.
    """
    raw = read_samples(_rows(times, imports, client=began is not None))
    kept, repeats = distinct(raw.samples)
    design = observed_design(raw.samples, name="coverage", version=__version__, platform="aws", baseline=TARGETS[0])
    if sizes:
        design = replace(design, inventory=[_archives(tuple(sizes))])
    if began is not None:
        targets, rounds, calls = times.shape
        campaign = Campaign(
            name="coverage",
            targets=list(TARGETS[:targets]),
            regions=[REGION],
            cold=ColdStarts(samples=rounds * calls),
            warm=WarmCalls(samples=0),
            rounds=rounds,
        )
        design = replace(
            design,
            campaign=campaign,
            campaign_id=f"coverage-{began:%Y%m%d-%H%M%S}",
            stack="isotherm",
            home_region=REGION,
            created_at=began.isoformat(),
            finished_at=(began + _LASTS).isoformat(),
        )
    summary: CampaignSummary = summary_of(design, kept, repeats)
    return Side(summary.campaign_id, raw.samples, summary)


@cache
def _archives(sizes: tuple[int, ...]) -> RegionInventory:
    functions = [
        TargetFunction(
            target=target,
            region=REGION,
            function_name=target,
            memory_mb=128,
            timeout_s=30,
            runtime="python3.13",
            architecture="x86_64",
            code_size_bytes=size,
            code_sha256="",
            log_group="",
        )
        for target, size in zip(TARGETS, sizes, strict=True)
    ]
    return RegionInventory(region=REGION, targets=functions, concurrency_limit=1000, unreserved_concurrency=1000)


def _rows(times: Floats, imports: Floats | None, *, client: bool) -> Iterator[tuple[int, dict[str, object]]]:
    common = {"region": REGION, "memory_mb": 128, "kind": "cold", "verdict": "used"}
    line = 1
    for place, of_target in enumerate(times.tolist()):
        for number, of_round in enumerate(of_target):
            for call, value in enumerate(of_round):
                line += 1
                row = {**common, "target": TARGETS[place], "round": number, METRIC: value}
                if imports is not None:
                    row["import_ms"] = float(imports[place, number, call])
                if client:
                    row["client_ms"] = value + 40.0
                yield line, row
