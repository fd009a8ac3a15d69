"""Says which sums of an accounting do not agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from isotherm.analysis.summary import CellImbalance, Imbalance
from isotherm.analysis.words.cells import cell_name, varying
from isotherm.campaign.cell import InCell

_PARTS: Mapping[str, str] = {
    "not_issued": "not issued",
    "function_errors": "function errors",
    "client_errors": "client errors",
    "report_found": "reports found",
    "report_missing": "reports missing",
    "report_not_due": "reports not due",
    "report_unsaid": "reports unsaid",
    "inner_report_found": "inner reports found",
    "inner_report_missing": "inner reports missing",
    "not_reported": "not reported",
}


def cell_imbalances_in_words(found: Iterable[CellImbalance], cells: Iterable[InCell]) -> list[str]:
    """Each sum that does not agree, with its cell as it is told from the other `cells` of the campaign."""
    named = varying(cells)
    return [f"{cell_name(imbalance, named)}: {imbalance_in_words(imbalance.sum)}" for imbalance in found]


def imbalance_in_words(found: Imbalance) -> str:
    """A sum that does not agree, with its numbers: "planned 6 is not issued 7 + not issued 0 + spared 0"."""
    parts = " + ".join(f"{_PARTS.get(part, part)} {number}" for part, number in found.parts.items())
    return f"{found.name} {found.whole} is not {parts}"
