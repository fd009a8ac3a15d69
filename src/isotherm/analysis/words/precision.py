"""Says whether a cell is as precise as was asked for."""

from __future__ import annotations

from isotherm.analysis.summary import PrecisionReached
from isotherm.campaign.stopping import IntervalWidth
from isotherm.numbers import count


def precision_in_words(found: PrecisionReached) -> str:
    """Whether it is enough, after how many rounds, and how wide the intervals are."""
    verdict = "precise enough" if found.met else "not precise enough"
    widths = "; ".join(map(_width, found.intervals))
    return f"{verdict} after {found.rounds} of at most {count(found.most_rounds, 'round')}: {widths}"


def _width(interval: IntervalWidth) -> str:
    shown = "unbounded" if interval.width is None else f"{100 * interval.width:.2g} % wide"
    own = " by its own rounds" if interval.quantile == "p95" else ""
    return f"interval of the {interval.quantile} {shown}{own}, {100 * interval.wanted:.4g} % asked for"
