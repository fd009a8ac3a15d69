"""Samples and reports in the table, each under a key of its own, so that a repeat changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from typing import Any

from isotherm.aws.store.table import Table, expiry
from isotherm.campaign.stopping import Timing
from isotherm.measurement.sample import Sample

_SAMPLE_FIELDS = [field.name for field in fields(Sample)]
_TIMING_FIELDS = [field.name for field in fields(Timing)]


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
    items = table.query(f"campaign#{campaign_id}#{lane_key}", "sample#")
    return [Sample(**{name: item[name] for name in _SAMPLE_FIELDS if name in item}) for item in items]


def timings_of(table: Table, campaign_id: str, lane_keys: Iterable[str]) -> Iterator[Timing]:
    """The samples of some lanes, with nothing but what says how precise their cells are."""
    for lane_key in lane_keys:
        for item in table.query(f"campaign#{campaign_id}#{lane_key}", "sample#", _TIMING_FIELDS):
            yield Timing(**{name: item[name] for name in _TIMING_FIELDS if name in item})


def put_reports(table: Table, source: str, reports: Iterable[Mapping[str, Any]]) -> None:
    """Write reports that no campaign asked for, by where they were found."""
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
