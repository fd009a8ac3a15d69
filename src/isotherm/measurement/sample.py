"""Joins what the client saw with what the platform and the probe reported. Knows nothing of where any came from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from isotherm.campaign.cell import InCell, cell_of
from isotherm.campaign.lane import Lane, Step
from isotherm.measurement.orders import is_held
from isotherm.measurement.probe import Probe
from isotherm.measurement.shot import Outcome, Shot

Temperature = Literal["cold", "warm", "contested", "unwitnessed"]
Verdict = Literal["used", "contested", "unexpected", "proactive", "unwitnessed", "failed", "primed", "unusable"]


@dataclass(frozen=True, slots=True)
class Report:
    """The platform's own report of one invocation, None where the line has no such field."""

    request_id: str
    duration_ms: float | None = None
    billed_duration_ms: float | None = None
    init_duration_ms: float | None = None
    restore_duration_ms: float | None = None
    memory_size_mb: int | None = None
    max_memory_used_mb: int | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(InCell):
    """A shot joined with its report and probe: one row of the results.

    client_ms: the client's time without the hold. overhead_ms: client_ms less what the platform reports (init and
    duration; on the embedded stack less what the probe saw, start-up and work): the network and the platform's own
    work, fetching and unpacking the code included. startup_ms: process start to handler begin, by the probe.
    Calls of a burst that is held open have neither duration_ms nor billed_duration_ms, also those that came too late to
    be held, since they alone would be the slow ones; what such a call was billed for, hold included, is
    billed_with_hold_ms, and billed_ms is either, for the campaign's own bill. work_ms is the handler's own time.
    temperature is what was proved, `kind` what was asked for. report_contested: the platform's report, or that of the
    inner function, is contradicted, and none of its numbers is here. report_found None: nobody said.

    Fields that begin with inner_ are of the function that the target called in turn: inner_round_trip_ms is that call
    as the target saw it, the others as the inner function and its region's platform report them; network_ms is the
    round trip less the inner function's Duration, network_share their ratio. database_ms is what the last function of
    the chain spent on its database.
    """

    campaign_id: str
    shot_id: str
    lane: str
    round: int
    step: int
    burst: int
    index: int
    version: str
    concurrency: int
    sent_at_ms: float
    outcome: Outcome
    verdict: Verdict
    temperature: Temperature
    emulated: bool
    coldness: str | None = None
    attempts: int = 1
    request_id: str | None = None
    error_type: str | None = None
    error_message: str | None = None
    report_found: bool | None = False
    report_contested: bool = False
    probe_found: bool = False
    platform_cold: bool | None = None
    probe_cold: bool | None = None
    proactive: bool = False
    client_ms: float | None = None
    hold_ms: float | None = None
    overhead_ms: float | None = None
    init_duration_ms: float | None = None
    restore_duration_ms: float | None = None
    duration_ms: float | None = None
    billed_duration_ms: float | None = None
    memory_size_mb: int | None = None
    max_memory_used_mb: int | None = None
    environment_id: str | None = None
    invocation_index: int | None = None
    startup_ms: float | None = None
    import_ms: float | None = None
    work_ms: float | None = None
    inner_request_id: str | None = None
    inner_report_found: bool | None = None
    inner_cold: bool | None = None
    inner_sent_at_ms: float | None = None
    inner_round_trip_ms: float | None = None
    inner_init_duration_ms: float | None = None
    inner_duration_ms: float | None = None
    inner_billed_duration_ms: float | None = None
    inner_memory_size_mb: int | None = None
    inner_work_ms: float | None = None
    database_ms: float | None = None
    network_ms: float | None = None
    network_share: float | None = None
    http_status: int | None = None
    dns_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    first_byte_ms: float | None = None
    total_ms: float | None = None
    billed_with_hold_ms: float | None = None

    @property
    def billed_ms(self) -> float | None:
        """What the platform billed the call for, be it held or not, in milliseconds."""
        return self.billed_with_hold_ms if self.billed_duration_ms is None else self.billed_duration_ms


#: A function's handler that begins this long after its imports ended was initialised before its request came
#: (docs/measuring.md, rule 6). An environment made for a request begins within a few ms; 500 ms leaves room for a busy
#: machine.
PROACTIVE_GAP_MS = 500.0

#: A part of a call may be longer than the whole by this much (ms): they are measured by two clocks, and a billed time
#: is rounded up, once to the next 100 ms.
CLOCKS_DIFFER_MS = 100.0

_OF_INNER_REPORT = frozenset(
    {
        "inner_cold",
        "inner_init_duration_ms",
        "inner_duration_ms",
        "inner_billed_duration_ms",
        "inner_memory_size_mb",
        "network_ms",
        "network_share",
    }
)
_NO_NUMBERS = Report(request_id="")


@dataclass(frozen=True, slots=True)
class StepContext:
    """What all shots of a lane's step have in common; `clients_named` says that cells are told apart by client."""

    campaign_id: str
    lane: Lane
    step: Step
    emulated: bool
    clients_named: bool = False


def join(
    context: StepContext,
    shots: Iterable[Shot],
    probes: Mapping[str, Probe],
    reports: Mapping[str, Report],
    inner_probes: Mapping[str, Probe] | None = None,
    inner_reports: Mapping[str, Report] | None = None,
    unreadable: Collection[str] = (),
    contested: Collection[str] = (),
) -> list[Sample]:
    """Join each shot with its probe and its report; one sample a shot, the first of those with the same id.

    Parameters
    ----------
    context : StepContext
        What the shots have in common.
    shots : iterable of Shot
        In any order; a shot that was delivered twice counts once (docs/measuring.md, rule 3).
    probes : mapping
        Probe by shot id.
    reports : mapping
        Report by request id.
    inner_probes, inner_reports : mapping, optional
        The same of the function that the target called in turn.
    unreadable : collection of str
        Shots of which the probe's line could not be read: whatever the platform says of them, they are unwitnessed
        (docs/measuring.md, rule 29).
    contested : collection of str
        Requests whose reports contradict each other, or the order of the log.
    """
    samples: dict[str, Sample] = {}
    for shot in shots:
        if shot.shot_id in samples:
            continue
        probe = probes.get(shot.shot_id)
        # The embedded stack answers with a request id of its own, so the id that the function saw comes first.
        request_id = probe.request_id if probe else shot.request_id
        report = _report_of_server(probe) if context.step.on_server else reports.get(request_id or "")
        nested = _nested(context, shot, probe, inner_probes or {}, inner_reports or {})
        inner_id = nested.get("inner_request_id")
        doubtful = (
            request_id in contested
            or _is_too_long(shot, probe, report)
            or inner_id in contested
            or _is_longer(nested.get("inner_duration_ms"), nested.get("inner_round_trip_ms"))
        )
        if doubtful:  # none of their numbers enters, not even a bill
            report = replace(_NO_NUMBERS, request_id=report.request_id) if report else None
            nested |= dict.fromkeys(_OF_INNER_REPORT.intersection(nested))
        heard = shot.shot_id not in unreadable
        sample = _sample(context, shot, request_id, probe, report, nested, heard=heard and not doubtful)
        samples[shot.shot_id] = _contested(sample) if doubtful else sample
    return list(samples.values())


def _contested(sample: Sample) -> Sample:
    """As it is where its platform's report is contradicted."""
    verdict: Verdict = sample.verdict if sample.verdict in ("failed", "primed") else "contested"
    return replace(sample, verdict=verdict, temperature="contested", platform_cold=None, report_contested=True)


def _is_too_long(shot: Shot, probe: Probe | None, report: Report | None) -> bool:
    """Whether a report's times do not fit into the client's: then not the platform wrote it (or not of this call).

    Billed Duration may hold the init, whole or not (docs/platform-logs.md, "What Billed Duration counts"), and only
    that of an environment which was made for this call was within the call.
    """
    waited_for_all = shot.outcome == "answered" or (shot.outcome == "function_error" and shot.http_status is None)
    if report is None or not waited_for_all:
        return False
    init_ms = report.init_duration_ms or 0.0
    billed_ms = None if report.billed_duration_ms is None else report.billed_duration_ms - init_ms
    if _is_longer(report.duration_ms, shot.client_ms) or _is_longer(billed_ms, shot.client_ms):
        return True
    return _is_longer(init_ms, shot.client_ms) and not (probe is not None and _waited(probe))


def _is_longer(part_ms: float | None, whole_ms: float | None) -> bool:
    return part_ms is not None and whole_ms is not None and part_ms > whole_ms + CLOCKS_DIFFER_MS


def _waited(probe: Probe) -> bool:
    """Whether an environment was there for a while before its first handler began."""
    return probe.handler_begin_at_ms - (probe.import_begin_at_ms + probe.import_ms) > PROACTIVE_GAP_MS


def _report_of_server(probe: Probe | None) -> Report | None:
    """What a server's own log line says of a request: no platform reports on it, and nothing is billed by the call."""
    return Report(probe.request_id, probe.duration_ms) if probe and probe.duration_ms is not None else None


def _nested(
    context: StepContext,
    shot: Shot,
    probe: Probe | None,
    inner_probes: Mapping[str, Probe],
    inner_reports: Mapping[str, Report],
) -> dict[str, Any]:
    """What is known of a call that the target made in turn, as fields of its sample."""
    noted = (probe.notes or {}) if probe else {}
    if context.step.inner is None:
        return {"database_ms": noted.get("database_ms")}
    inner = inner_probes.get(shot.shot_id)
    request_id = inner.request_id if inner else noted.get("inner_request_id")
    report = inner_reports.get(request_id) if request_id else None
    round_trip_ms = noted.get("inner_round_trip_ms")
    duration_ms = report.duration_ms if report else None
    network_ms = None if round_trip_ms is None or duration_ms is None else round_trip_ms - duration_ms
    return {
        "inner_request_id": request_id,
        "inner_report_found": report is not None,
        "inner_cold": _inner_cold(inner, report, context.emulated),
        "inner_sent_at_ms": noted.get("inner_sent_at_ms"),
        "inner_round_trip_ms": round_trip_ms,
        "inner_init_duration_ms": report.init_duration_ms if report else None,
        "inner_duration_ms": duration_ms,
        "inner_billed_duration_ms": report.billed_duration_ms if report else None,
        "inner_memory_size_mb": report.memory_size_mb if report else None,
        "inner_work_ms": inner.work_ms if inner else None,
        "database_ms": (inner.notes or {}).get("database_ms") if inner else None,
        "network_ms": network_ms,
        "network_share": network_ms / round_trip_ms if network_ms is not None and round_trip_ms else None,
    }


def _inner_cold(inner: Probe | None, report: Report | None, emulated: bool) -> bool | None:
    """Whether the inner function met the call cold, by any witness: such a call is not a warm one."""
    platform_cold = _platform_cold(report, emulated)
    if inner is None:
        return platform_cold
    return bool(platform_cold) or inner.invocation_index == 0


def _sample(
    context: StepContext,
    shot: Shot,
    request_id: str | None,
    probe: Probe | None,
    report: Report | None,
    nested: dict[str, Any],
    *,
    heard: bool,
) -> Sample:
    platform_cold = _platform_cold(report, context.emulated)
    environment_id, invocation_index = _environment(shot, probe)
    probe_cold = None if invocation_index is None else invocation_index == 0
    temperature = _temperature(platform_cold, probe_cold) if heard else "unwitnessed"
    # SnapStart: process and imports are those of the snapshot, made when the version was published.
    restored = report is not None and report.restore_duration_ms is not None
    # Without the platform's Init Duration beside it, a gap before the handler says only that the machine is busy.
    proactive = (
        probe is not None and probe.invocation_index == 0 and not context.emulated and not restored and _waited(probe)
    )
    hold_ms = probe.hold_ms if probe else None
    held = bool(hold_ms) or is_held(context.step, shot)
    billed_ms = report.billed_duration_ms if report else None
    client_ms = None if shot.client_ms is None else shot.client_ms - (hold_ms or 0.0)
    inside_ms = _probe_ms(probe) if context.emulated else _platform_ms(report, hold_ms)
    cell = cell_of(context.lane, context.step, shot.kind, shot.memory_mb, clients_named=context.clients_named)
    return Sample(
        **asdict(cell),
        campaign_id=context.campaign_id,
        shot_id=shot.shot_id,
        lane=context.lane.key,
        round=context.lane.round,
        step=shot.step,
        coldness={"burst": "burst", "isolated": "forced"}[context.step.cold_method] if shot.kind == "cold" else None,
        burst=shot.burst,
        index=shot.index,
        version=shot.version,
        concurrency=shot.concurrency,
        sent_at_ms=shot.sent_at_ms,
        outcome=shot.outcome,
        verdict=_verdict(shot, temperature, proactive, bool(nested.get("inner_cold"))),
        temperature=temperature,
        emulated=context.emulated,
        attempts=shot.attempts,
        request_id=request_id,
        error_type=shot.error_type,
        error_message=shot.error_message,
        report_found=report is not None,
        probe_found=probe is not None,
        platform_cold=platform_cold,
        probe_cold=probe_cold,
        proactive=proactive,
        client_ms=client_ms,
        hold_ms=hold_ms,
        overhead_ms=None if client_ms is None or inside_ms is None else client_ms - inside_ms,
        init_duration_ms=report.init_duration_ms if report else None,
        restore_duration_ms=report.restore_duration_ms if report else None,
        duration_ms=report.duration_ms if report and not held else None,
        billed_duration_ms=None if held else billed_ms,
        billed_with_hold_ms=billed_ms if held else None,
        memory_size_mb=report.memory_size_mb if report else None,
        # The embedded stack reports the most that any of its processes ever used: nothing about this function.
        max_memory_used_mb=report.max_memory_used_mb if report and not context.emulated else None,
        environment_id=environment_id,
        invocation_index=invocation_index,
        startup_ms=_startup_ms(probe) if probe and not restored else None,
        import_ms=probe.import_ms if probe and probe_cold and not restored else None,
        work_ms=probe.work_ms if probe else None,
        http_status=shot.http_status,
        dns_ms=shot.dns_ms,
        connect_ms=shot.connect_ms,
        tls_ms=shot.tls_ms,
        first_byte_ms=shot.first_byte_ms,
        total_ms=shot.total_ms,
        **nested,
    )


_LONGEST_INDEX = 15


def _environment(shot: Shot, probe: Probe | None) -> tuple[str | None, int | None]:
    """Which environment answered, and how many calls it had before: by the probe's line, else the answer's header."""
    if probe is not None:
        return probe.environment_id, probe.invocation_index
    environment_id, _, index = (shot.answered_by or "").partition("/")
    # The function writes it: other digits than 0 to 9, or a million of them, are no index.
    known = environment_id and index.isascii() and index.isdigit() and len(index) <= _LONGEST_INDEX
    return (environment_id, int(index)) if known else (None, None)


def _platform_cold(report: Report | None, emulated: bool) -> bool | None:
    """Whether the report says that the call was cold; None if none came, or none can (embedded stack)."""
    if report is None or emulated:
        return None
    return report.init_duration_ms is not None or report.restore_duration_ms is not None


def _temperature(platform_cold: bool | None, probe_cold: bool | None) -> Temperature:
    witnesses = {witness for witness in (platform_cold, probe_cold) if witness is not None}
    if not witnesses:
        return "unwitnessed"
    if len(witnesses) == 2:
        return "contested"
    return "cold" if witnesses.pop() else "warm"


def _verdict(shot: Shot, temperature: Temperature, proactive: bool, inner_cold: bool) -> Verdict:
    if shot.outcome != "answered":
        return "failed"
    if shot.kind == "prime":
        return "primed"
    if temperature in ("contested", "unwitnessed"):
        return temperature
    if temperature != shot.kind or (inner_cold and shot.kind == "warm"):
        return "unexpected"
    return "proactive" if proactive else "used"


def _platform_ms(report: Report | None, hold_ms: float | None) -> float | None:
    """What the platform says it spent on the request: start-up and Duration, less the hold inside Duration."""
    if report is None or report.duration_ms is None:
        return None
    start = (report.init_duration_ms or 0.0) + (report.restore_duration_ms or 0.0)
    return start + report.duration_ms - (hold_ms or 0.0)


def _probe_ms(probe: Probe | None) -> float | None:
    """What the function saw of the request, for the embedded stack, whose Duration contains the unpacking."""
    if probe is None:
        return None
    if probe.invocation_index > 0:
        return probe.work_ms
    startup_ms = _startup_ms(probe)
    return None if startup_ms is None else startup_ms + probe.work_ms


def _startup_ms(probe: Probe) -> float | None:
    """Process start to handler begin, of an environment's first call; None where there is no /proc to tell."""
    if probe.invocation_index > 0 or probe.process_start_at_ms is None:
        return None
    return probe.handler_begin_at_ms - probe.process_start_at_ms
