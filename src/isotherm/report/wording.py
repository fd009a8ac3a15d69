"""The words that page and tables share: names of metrics, the accounting as a line."""

from __future__ import annotations

from collections.abc import Iterable

from isotherm.campaign import Price, PriceLine
from isotherm.sample import Accounting, Kind
from isotherm.summary import CampaignSummary, Cell, MetricName

#: Short names for column headings; what each is: `isotherm.summary.METRICS`.
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


def groups(cells: Iterable[Cell], kind: Kind) -> dict[tuple[str, int], list[Cell]]:
    """Cells of one kind by region and memory size, in the summary's order: what is compared side by side."""
    found: dict[tuple[str, int], list[Cell]] = {}
    for cell in cells:
        if cell.kind == kind:
            found.setdefault((cell.region, cell.memory_mb), []).append(cell)
    return found


def shown_metrics(summary: CampaignSummary, kind: Kind) -> list[MetricName]:
    """Metrics that speak for a kind of call, most telling first, of those that were measured."""
    cold: tuple[MetricName, ...] = ("init_duration_ms", "startup_ms", "import_ms", "client_ms", "overhead_ms")
    warm: tuple[MetricName, ...] = ("client_ms", "duration_ms", "work_ms", "overhead_ms")
    measured = {metric for cell in summary.cells if cell.kind == kind for metric in cell.metrics}
    return [metric for metric in (cold if kind == "cold" else warm) if metric in measured]


def accounting_line(account: Accounting) -> str:
    """Where every planned call ended, in one line that can be checked by adding up."""
    failures = {
        "function errors": account.function_errors,
        "timeouts": account.timeouts,
        "throttled": account.throttles,
        "client errors": account.client_errors,
    }
    asides = {
        "contested": account.contested,
        "unexpected": account.unexpected,
        "proactive": account.proactive,
        "unwitnessed": account.unwitnessed,
        "priming": account.primed,
    }
    failed = f"{account.failed:,} failed" + _bracket(failures)
    rest = {"not issued": account.not_issued, "spared": account.spared}
    issued = f"planned {account.planned:,} = issued {account.issued:,}" + "".join(
        f" + {number:,} {name}" for name, number in rest.items() if number
    )
    reports = f"reports: {account.report_found:,} found, {account.report_missing:,} missing" + (
        f", {account.report_not_due:,} not due" if account.report_not_due else ""
    )
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
