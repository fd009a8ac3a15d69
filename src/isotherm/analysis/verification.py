"""Holds a published summary against one that was computed again: what differs, field by field. Knows no statistics."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from isotherm.analysis.accounting import distinct
from isotherm.analysis.aggregate import summary_of
from isotherm.analysis.design import published_design
from isotherm.analysis.shape import Shape
from isotherm.analysis.summary import CampaignSummary
from isotherm.measurement.sample import Sample

#: Numbers further apart than this share are different ones: sums made in another order differ in their last digits.
SAME = 1e-9
_NOTHING = 1e-12

_Path = tuple[str | int, ...]


class Differing(Shape):
    """A field of two summaries that is not the same; `absent` is the side that has no such field."""

    path: str
    published: Any
    recomputed: Any
    absent: str | None = None


class Verification(NamedTuple):
    """What came of computing a published campaign again; other values come before fields that a side has not.

    `new_fields` are the names of fields that the published summary lacks: it was made by an earlier version.
    """

    published_by: str
    differing: list[Differing]
    new_fields: list[str]

    @property
    def of_other_statistics(self) -> bool:
        """Whether the published summary was made by a version with other fields than this one's."""
        return bool(self.new_fields)


def verify(published: Mapping[str, Any], summary: CampaignSummary, samples: list[Sample]) -> Verification:
    """Compute a campaign again from its samples, and hold every field against what was published.

    What samples do not hold (the plan, how lanes ended, prices, loads) is taken as it was published.

    Parameters
    ----------
    published : mapping
        The published document as it is.
    summary : CampaignSummary
        The same as it was read.
    samples : list of Sample
        All of its samples.
    """
    kept, repeats = distinct(samples)
    again = summary_of(
        published_design(summary, kept), kept, repeats, confidence=summary.confidence, loads=summary.loads
    )
    found = sorted(_differing(dict(published), again.model_dump(mode="json"), ()), key=lambda entry: entry[3] or "")
    new = dict.fromkeys(str(path[-1]) for path, _, _, absent in found if absent == "published" and path)
    differing = [
        Differing(path=_in_words(path), published=before, recomputed=after, absent=absent)
        for path, before, after, absent in found
    ]
    return Verification(summary.version, differing, list(new))


def _differing(before: Any, after: Any, path: _Path) -> Iterator[tuple[_Path, Any, Any, str | None]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*after, *before]):
            if name not in before:
                yield (*path, name), None, after[name], "published"
            elif name not in after:
                yield (*path, name), before[name], None, "recomputed"
            else:
                yield from _differing(before[name], after[name], (*path, name))
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield (*path, "length"), len(before), len(after), None
        for place, (ours, theirs) in enumerate(zip(before, after, strict=False)):
            yield from _differing(ours, theirs, (*path, place))
    elif not _same(before, after):
        yield path, before, after, None


def _same(before: Any, after: Any) -> bool:
    numbers = [value for value in (before, after) if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if len(numbers) == 2:
        return math.isclose(*numbers, rel_tol=SAME, abs_tol=_NOTHING)
    return type(before) is type(after) and bool(before == after)


def _in_words(path: _Path) -> str:
    """A path as jq writes it: cells[3].metrics.client_ms.median."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)[1:]
