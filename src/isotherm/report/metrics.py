"""The words that page and tables share: names of metrics, the accounting as a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from isotherm.analysis.summary import Accounting, CampaignSummary, Cell, Failure, MetricName
from isotherm.analysis.words.cells import cell_name, row_name, varying, way
from isotherm.campaign.cell import InCell, Kind
from isotherm.campaign.lane import Operation
from isotherm.numbers import count, listed
from isotherm.pricing.price import Price, PriceLine

#: Short names for column headings; what each is: `isotherm.analysis.summary.METRICS`.
METRIC_LABELS: dict[str, str] = {
    "init_duration_ms": "Init",
    "startup_ms": "Start-up",
    "import_ms": "Imports",
    "client_ms": "Client",
    "overhead_ms": "Overhead",
    "duration_ms": "Duration",
    "work_ms": "Work",
    "billed_duration_ms": "Billed",
    "max_memory_used_mb": "Memory used",
    "inner_round_trip_ms": "Round trip",
    "inner_duration_ms": "Inner",
    "inner_billed_duration_ms": "Billed inner",
    "database_ms": "Database",
    "network_ms": "Network",
    "network_share": "Network's share",
    "dns_ms": "DNS",
    "connect_ms": "Connect",
    "tls_ms": "TLS",
    "first_byte_ms": "First byte",
    "total_ms": "Total",
}

KIND_LABELS: dict[Kind, str] = {"cold": "Cold starts", "warm": "Warm calls", "prime": "Priming calls"}


def unit(metric: str) -> str:
    """Unit of a metric: ms or MB; empty for a share of 1."""
    return "" if metric.endswith("_share") else "MB" if metric.endswith("_mb") else "ms"


def metric_label(name: str) -> str:
    """The label of a metric, also of one that another version of Isotherm measured: then its own name."""
    return METRIC_LABELS.get(name, name)


class CellGroup(NamedTuple):
    """What cells that are compared side by side have in common."""

    region: str
    memory_mb: int
    operation: Operation | None = None

    def __str__(self) -> str:
        return f"{self.region}, {self.memory_mb} MB" + (f", {self.operation}" if self.operation else "")


def groups(cells: Iterable[Cell], kind: Kind) -> dict[CellGroup, list[Cell]]:
    """Cells of one kind by what is compared side by side, in the summary's order.

    Those that call another function in turn are not among them: they are shown pair by pair.
    """
    found: dict[CellGroup, list[Cell]] = {}
    for cell in cells:
        if cell.kind == kind and cell.inner is None:
            found.setdefault(CellGroup(cell.region, cell.memory_mb, cell.operation), []).append(cell)
    return found


def row_names(cells: Sequence[InCell]) -> list[str]:
    """What the rows of a group are called: by their target, or by what tells them apart."""
    mention = varying(cells)
    return [row_name(cell, mention) for cell in cells]


def are_targets(cells: Sequence[InCell]) -> bool:
    """Whether `row_names` are names of targets, which are short, and not of calls."""
    return varying(cells) <= {"target"}


def row_heading(cells: Sequence[InCell]) -> str:
    """What `row_names` are names of."""
    if are_targets(cells):
        return "Target"
    telling = varying(cells)
    return {"client_region": "Client", "protocol": "Way"}.get(min(telling), "Call") if len(telling) == 1 else "Call"


def where(cell: InCell) -> str:
    """Region and memory size of a cell, and the way by which it was called unless that is the plain one."""
    route = " ".join(way(cell))
    return f"{cell.region}, {cell.memory_mb} MB" + (f", {route}" if route else "")


def shown_metrics(summary: CampaignSummary, kind: Kind) -> list[MetricName]:
    """Metrics that speak for a kind of call, most telling first, of those that were measured."""
    cold: tuple[MetricName, ...] = ("init_duration_ms", "startup_ms", "import_ms", "client_ms", "overhead_ms")
    warm: tuple[MetricName, ...] = ("client_ms", "duration_ms", "work_ms", "overhead_ms")
    cells = [cell for cell in summary.cells if cell.kind == kind and cell.inner is None]
    if any(cell.client_region or cell.operation for cell in cells):  # what is billed is in question there
        warm = ("client_ms", "billed_duration_ms", "duration_ms", "work_ms", "database_ms", "overhead_ms")
    measured = {metric for cell in cells for metric in cell.metrics}
    return [metric for metric in (cold if kind == "cold" else warm) if metric in measured]


def compared(summary: CampaignSummary) -> tuple[str, str]:
    """How many of what a campaign compares, and between what else, for a page's first facts."""
    cells = summary.cells
    regions = count(len({cell.region for cell in cells}), "region")
    if summary.crisscross:
        pairs = {(cell.region, cell.inner_region) for found in summary.crisscross for cell in found.cells}
        missing = len(pairs) - len({(c.region, c.inner_region) for f in summary.crisscross for c in f.cells if c.used})
        inner = listed(summary.crisscross[0].inner_targets)
        return f"{len(pairs)}", f"pairs of regions, {inner}" + (f"; {missing} missing" if missing else "")
    clients = {cell.client_region for cell in cells if cell.client_region}
    if clients:
        return f"{len(clients)}", f"{'client' if len(clients) == 1 else 'clients'} of {regions}"
    targets = len({cell.target for cell in cells})
    return f"{targets}", f"{'target' if targets == 1 else 'targets'} in {regions}"


def failure_lines(failures: Sequence[Failure]) -> list[str]:
    """Why calls failed, the same reason of several cells in one line: how many, and the message met first."""
    found: dict[str, list[Failure]] = {}
    for failure in failures:
        found.setdefault(failure.reason, []).append(failure)
    mention = varying(failures)
    return [
        f"{count(sum(f.calls for f in of_reason), 'call')} failed ({reason}), {cell_name(of_reason[0], mention)}"
        + (f" and {count(len(of_reason) - 1, 'other cell')}" if len(of_reason) > 1 else "")
        + (f": {of_reason[0].example}" if of_reason[0].example else "")
        for reason, of_reason in found.items()
    ]


#: What is known of samples that come without a plan.
NO_PLAN = "There are samples alone: what was planned, and what it cost, is not known"


def platform_in_words(summary: CampaignSummary) -> str:
    """Where the samples were measured."""
    if summary.note:
        return summary.note
    return "where it was measured is not said" if summary.platform == "unknown" else "measured on AWS"


def accounting_line(account: Accounting) -> str:
    """Where every planned call ended, in one line that can be checked by adding up."""
    failures = {
        "function errors": account.function_errors,
        "timeouts": account.timeouts,
        "throttled": account.throttles,
        "client errors": account.client_errors,
        "not said how": account.unexplained or 0,
    }
    asides = {
        "contested": account.contested,
        "unexpected": account.unexpected,
        "proactive": account.proactive,
        "unwitnessed": account.unwitnessed,
        "priming": account.primed,
        "unusable": account.unusable or 0,
    }
    failed = f"{account.failed:,} failed" + _bracket(failures)
    rest = {"uncollected": account.uncollected, "not issued": account.not_issued, "spared": account.spared}
    planned = "" if account.planned is None else f"planned {account.planned:,} = "
    issued = f"{planned}issued {account.issued:,}" + "".join(
        f" + {number:,} {name}" for name, number in rest.items() if number
    )
    reports = f"reports: {account.report_found:,} found, {account.report_missing:,} missing" + (
        f", {account.report_not_due:,} not due" if account.report_not_due else ""
    )
    if account.report_unsaid:
        reports += f", {account.report_unsaid:,} not said"
    if account.nested:
        reports += f"; inner reports: {account.inner_report_found:,} found, {account.inner_report_missing:,} missing"
    aside = "".join(f" + {number:,} {name}" for name, number in asides.items() if number)
    return (
        f"{issued} = {account.answered:,} answered + {failed}; answered = {account.used:,} used{aside}; {reports}; "
        f"contested {account.contested:,}; duplicates {account.duplicates:,}"
    )


def _bracket(parts: dict[str, int]) -> str:
    named = [f"{name} {number:,}" for name, number in parts.items() if number]
    return f" ({', '.join(named)})" if named else ""


def price_lines(planned: Price, actual: Price | None) -> list[tuple[str, str, PriceLine | None, PriceLine | None]]:
    """Service, unit, planned and actual line of each service of either price, the planned ones first."""
    before = {(line.service, line.unit): line for line in planned.lines}
    after = {(line.service, line.unit): line for line in actual.lines} if actual else {}
    return [(*key, before.get(key), after.get(key)) for key in dict.fromkeys([*before, *after])]


def how_adjusted(summary: CampaignSummary) -> str:
    """By what the p-values and intervals of targets hold for all of them together."""
    methods = {c.adjusted_by for c in summary.comparisons}
    if all(c.rounds is None for c in summary.comparisons):  # of an earlier version
        return "p: Mann-Whitney over all samples, corrected (Holm); the intervals are not corrected."
    said = {
        "dunnett": "Rounds are blocks; p and interval hold for all targets of a metric in a place together (Dunnett).",
        "holm": "Where targets scatter differently, or a time is zero, differences are taken by round (Holm).",
    }
    return " ".join([said[method] for method in ("dunnett", "holm") if method in methods] or [_ALONE])


_ALONE = "Rounds are blocks, and of each metric in a place there is one comparison, or none from fewer than 3 rounds."
