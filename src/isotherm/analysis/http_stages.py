"""Where the time of a call over HTTP goes, stage by stage. Knows samples, nothing of HTTP or of AWS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from statistics import fmean

from isotherm.analysis.summary import HttpCell, Stages
from isotherm.campaign.cell import CellKey
from isotherm.measurement.sample import Sample


def http_cells(by_cell: Mapping[CellKey, Sequence[Sample]]) -> list[HttpCell]:
    """Stages and statuses of every cell that was called over HTTP.

    Parameters
    ----------
    by_cell : mapping
        All samples by cell, without repeats, in reading order. Stages are of the used ones that have them all,
        statuses of every answer that had one.
    """
    found = []
    for key, samples in by_cell.items():
        if key.protocol == "invoke" or key.kind == "prime":
            continue
        used = [sample for sample in samples if sample.verdict == "used"]
        found.append(
            HttpCell(
                **asdict(key),
                new=_stages(sample for sample in used if sample.connect_ms is not None),
                reused=_stages(sample for sample in used if sample.connect_ms is None),
                statuses=_statuses(samples),
            )
        )
    return found


def _stages(samples: Iterable[Sample]) -> Stages | None:
    """Mean of each stage, over calls that have the whole and the wait; a stage that some lack took them no time."""
    whole = [s for s in samples if s.total_ms is not None and s.first_byte_ms is not None]
    if not whole:
        return None
    dns, connect, tls = (_opening(whole, stage) for stage in ("dns_ms", "connect_ms", "tls_ms"))
    worked = [s.work_ms for s in whole]
    # The function's own time is told apart only where every call has it: means of different calls do not add up.
    work = None if None in worked else fmean(w for w in worked if w is not None)
    first_byte = fmean(s.first_byte_ms or 0.0 for s in whole)
    total = fmean(s.total_ms or 0.0 for s in whole)
    billed = [s.billed_duration_ms for s in whole if s.billed_duration_ms is not None]
    return Stages(
        calls=len(whole),
        dns=dns,
        connect=connect,
        tls=tls,
        wait=first_byte - (work or 0.0),
        work=work,
        body=total - first_byte - sum(stage or 0.0 for stage in (dns, connect, tls)),
        total=total,
        billed=fmean(billed) if billed else None,
    )


def _opening(samples: Sequence[Sample], stage: str) -> float | None:
    times: list[float | None] = [getattr(sample, stage) for sample in samples]
    return None if all(time is None for time in times) else fmean(time or 0.0 for time in times)


def _statuses(samples: Iterable[Sample]) -> dict[str, int]:
    found: dict[str, int] = {}
    for status in sorted(sample.http_status for sample in samples if sample.http_status is not None):
        found[str(status)] = found.get(str(status), 0) + 1
    return found
