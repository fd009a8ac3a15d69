"""Samples and reports in the table, each under a key of its own, so that a repeat changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from isotherm.aws.store.table import Table, expiry

if TYPE_CHECKING:
    from isotherm.campaign.stopping import Timing
    from isotherm.measurement.sample import Sample


def put_samples(table: Table, samples: Iterable[Sample]) -> None:
    """Write samples; the fields that are None are left out."""
    expires_at = expiry()
    table.write(
        {
            "pk": f"campaign#{sample.campaign_id}#{sample.lane}",
            "sk": f"sample#{sample.shot_id}",
            "expires_at": expires_at,
            **{name: value for name, value in asdict(sample).items() if value is not None},
        }
        for sample in samples
    )


def samples_of(table: Table, campaign_id: str, lane_key: str) -> list[Sample]:
    """The samples of one lane."""
    from isotherm.measurement.sample import Sample  # a function that reads no samples does without its import

    names = [field.name for field in fields(Sample)]
    items = table.query(f"campaign#{campaign_id}#{lane_key}", "sample#")
    return [Sample(**{name: item[name] for name in names if name in item}) for item in items]


def samples_by_step(table: Table, campaign_id: str, lane_key: str) -> Counter[int]:
    """How many samples there are of each step of a lane."""
    return Counter(item["step"] for item in table.query(f"campaign#{campaign_id}#{lane_key}", "sample#", ["step"]))


def timings_of(table: Table, campaign_id: str, lane_keys: Iterable[str]) -> Iterator[Timing]:
    """The samples of some lanes, with nothing but what says how precise their cells are."""
    from isotherm.campaign.stopping import Timing  # as above

    names = [field.name for field in fields(Timing)]
    for lane_key in lane_keys:
        for item in table.query(f"campaign#{campaign_id}#{lane_key}", "sample#", names):
            yield Timing(**{name: item[name] for name in names if name in item})


def put_reports(table: Table, source: str, reports: Collection[Mapping[str, Any]]) -> int:
    """Write reports that no campaign asked for, by where they were found; answers how many there are."""
    expires_at = expiry()
    table.write(
        {
            "pk": f"log#{source}",
            "sk": f"report#{report['request_id']}",
            "expires_at": expires_at,
            **{name: value for name, value in report.items() if value is not None},
        }
        for report in reports
    )
    return len(reports)
