"""Collects what was said of a step's shots, by the probe and in reports. Does not know where logs are kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from isotherm.campaign.lane import LaneTask, Step
from isotherm.measurement.probe import Probe, is_number, read_probe_lines
from isotherm.measurement.sample import Report, Sample, StepContext, join
from isotherm.measurement.shot import Shot
from isotherm.platform_log import Event, parse_events


class Witnesses:
    """The probes (by shot) and the reports (by request) of one function that were found so far."""

    def __init__(self, *, reports_due: bool = True) -> None:
        """`reports_due` is false of a server, of whose requests its own line is all there is."""
        self._reports_due = reports_due
        self.probes: dict[str, Probe] = {}
        self.reports: dict[str, Report] = {}
        self.contested: set[str] = set()
        self.odd_lines: set[str] = set()
        self._odd_shots: set[str] = set()

    def read(self, text: str, *, in_order: bool = False) -> None:
        """Take every probe line and every report out of a text.

        A function can print what looks like a report (docs/measuring.md, rule 29). Requests of which there are two
        reports that differ are `contested`, and where the lines are `in_order`, those with a report before their END.
        """
        found = read_probe_lines(text)
        self.odd_lines.update(found.odd)
        self._odd_shots.update(found.odd_shots)
        for probe in found.probes:
            if probe.shot_id:
                self.probes[probe.shot_id] = probe
        events = parse_events(text)
        for event in _reports(events):
            known: dict[str, Any] = {name: event.get(name) for name in Report.__dataclass_fields__}
            report = Report(**known)
            if self.reports.setdefault(report.request_id, report) != report:
                self.contested.add(report.request_id)
        if in_order:
            self.contested |= _reported_early(events)

    @property
    def odd_shots(self) -> set[str]:
        """The shots of which there is a probe's line that cannot be read, and no other."""
        return self._odd_shots - self.probes.keys()

    def missing(self, shots: Iterable[Shot]) -> list[Shot]:
        """The shots that reached the function and still lack their report or their probe."""
        return [
            shot for shot in shots if shot.outcome not in ("throttled", "client_error") and not self._complete(shot)
        ]

    def silent(self, shots: Iterable[Shot]) -> list[Shot]:
        """The shots over HTTP that failed on the other side and of which no probe tells whose report is theirs."""
        return [shot for shot in shots if (shot.http_status or 0) >= 500 and shot.shot_id not in self.probes]

    def name_timeouts(self, shots: list[Shot]) -> list[Shot]:
        """The same shots, silent ones as timeouts where exactly as many reports of a timeout are nobody's."""
        silent = {shot.shot_id for shot in self.silent(shots)}
        claimed = {probe.request_id for probe in self.probes.values()} | {shot.request_id for shot in shots}
        cut_off = [name for name, report in self.reports.items() if report.status == "timeout" and name not in claimed]
        if not silent or len(cut_off) != len(silent):
            return shots
        return [replace(shot, outcome="timeout") if shot.shot_id in silent else shot for shot in shots]

    def called_in_turn(self, shots: Iterable[Shot]) -> list[Shot]:
        """The shots whose function called another one and had its answer, as that one's log is to be asked for them."""
        found = []
        for shot in shots:
            noted = self.probes[shot.shot_id].notes if shot.shot_id in self.probes else None
            if noted and "inner_round_trip_ms" in noted and shot.outcome == "answered":
                found.append(replace(shot, request_id=noted.get("inner_request_id")))
        return found

    @property
    def package(self) -> dict[str, object] | None:
        """What the function said of its package; None where none of its probes said it."""
        return next((probe.package for probe in self.probes.values() if probe.package), None)

    def _complete(self, shot: Shot) -> bool:
        probe = self.probes.get(shot.shot_id)
        request_id = probe.request_id if probe else shot.request_id
        # A function that was cut off never wrote its line.
        reported = request_id in self.reports or not self._reports_due
        # Nor will a line come that was there and could not be read.
        return reported and (probe is not None or shot.outcome == "timeout" or shot.shot_id in self._odd_shots)


@dataclass(frozen=True, slots=True)
class StepWitnesses:
    """The shots of a step with all that was said of them: by their own function, and by the one that it called in turn.

    `missing` counts the shots of either function whose report or probe line never came.
    """

    shots: list[Shot]
    own: Witnesses
    inner: Witnesses
    missing: int

    @property
    def odd_lines(self) -> int:
        """How many different lines said that they are a probe's, and could not be read as such."""
        return len(self.own.odd_lines | self.inner.odd_lines)

    def samples(self, task: LaneTask, step: Step) -> list[Sample]:
        """The shots joined with what was said of them."""
        context = StepContext(
            campaign_id=task.campaign_id,
            lane=task.lane,
            step=step,
            emulated=task.platform == "emulated",
            clients_named=task.clients_named,
        )
        inner_said = self.inner.probes, self.inner.reports
        return join(
            context,
            self.shots,
            self.own.probes,
            self.own.reports,
            *inner_said,
            unreadable=self.own.odd_shots,
            contested=self.own.contested | self.inner.contested,
        )


def reports_in(text: str) -> list[Event]:
    """Every report in a log text that says whose it is; the last one where a request has several.

    One with a number that cannot have been measured is passed over.
    """
    return list({event["request_id"]: event for event in _reports(parse_events(text))}.values())


def _reports(events: Iterable[Event]) -> list[Event]:
    reports = (event for event in events if event["event"] in _REPORTS and event.get("request_id"))
    return [event for event in reports if _is_measured(event)]


def _reported_early(events: Iterable[Event]) -> set[str]:
    """The requests with a report before the platform said that they had ended: whoever wrote it, it did not."""
    reported: set[str] = set()
    early: set[str] = set()
    for event in events:
        request_id = event.get("request_id")
        if request_id and event["event"] in _REPORTS:
            reported.add(request_id)
        elif request_id in reported and event["event"] in _ENDS:
            early.add(request_id)
    return early


def _is_measured(event: Event) -> bool:
    values = [event.get(name) for name in _MEASURED]
    return all(value is None or is_number(value) for value in values)


_REPORTS = ("report", "platform.report")
_ENDS = ("end", "platform.runtimeDone")
_MEASURED = [name for name in Report.__dataclass_fields__ if name.endswith(("_ms", "_mb"))]
