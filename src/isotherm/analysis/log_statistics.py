"""Reports to statistics per function, memory size and temperature. Knows nothing of where the reports came from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from isotherm.platform_log.events import Event
from isotherm.statistics.describe import summarize
from isotherm.statistics.results import MetricSummary

METRICS = (
    "init_duration_ms",
    "restore_duration_ms",
    "duration_ms",
    "billed_duration_ms",
    "max_memory_used_mb",
)
"""What is described: milliseconds, and MB."""

_REPORTS = frozenset(("report", "platform.report", "report_fragment"))


@dataclass(frozen=True, slots=True)
class Group:
    """Reports that are described together.

    `temperature` is "cold" where the report has an init or a restore duration, "warm" elsewhere.
    """

    function: str
    memory_size_mb: float | None
    temperature: str


class Measures:
    """Collects what reports measured, each report once however often its log is read.

    `duplicates` counts the repetitions left out, `shared_ids` the reports whose request id another function has too:
    they count, for a log does not tell which of the two is a slip of who pasted it.
    """

    def __init__(self) -> None:
        self.duplicates = 0
        self.shared_ids = 0
        self._function_of: dict[str, str] = {}
        self._values: dict[Group, dict[str, list[float]]] = {}
        self._seen: set[tuple[str, str]] = set()

    def add(self, function: str, event: Event) -> None:
        """Take a report; anything else is passed over.

        Parameters
        ----------
        function : str
            Name of the function the event belongs to.
        event : Event
            Any event.
        """
        if event.event not in _REPORTS:
            return
        if event.request_id is not None:
            # A request that was retried reports again under the same id; only the same report is a repetition.
            identity = (function, json.dumps(event.to_dict(), default=str))
            if identity in self._seen:
                self.duplicates += 1
                return
            self._seen.add(identity)
            self.shared_ids += self._function_of.setdefault(event.request_id, function) != function
        cold = event.init_duration_ms is not None or event.restore_duration_ms is not None
        size = event.memory_size_mb
        group = Group(function, size, "cold" if cold else "warm")
        measured = self._values.setdefault(group, {})
        for metric in METRICS:
            value = event.get(metric)
            if value is not None:
                measured.setdefault(metric, []).append(value)

    def summaries(self) -> Iterator[tuple[Group, str, MetricSummary]]:
        """Statistics of every metric of every group that has any, in the order the functions came.

        Yields
        ------
        group : Group
            What was described together.
        metric : str
            One of `METRICS`.
        summary : MetricSummary
            As `isotherm.statistics.summarize` defines it, in the metric's unit.
        """
        order = {function: place for place, function in enumerate(dict.fromkeys(g.function for g in self._values))}
        for group in sorted(self._values, key=lambda g: (order[g.function], g.memory_size_mb or 0, g.temperature)):
            for metric in METRICS:
                values = self._values[group].get(metric)
                if values:
                    yield group, metric, summarize(np.asarray(values, dtype=np.float64))
