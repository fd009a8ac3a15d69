"""Writes events as the platform, its emulators and people's tools write them: what the round-trip tests read back."""

from __future__ import annotations

import base64
import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Fields = dict[str, Any]


@dataclass(frozen=True)
class Written:
    """An event and one way of writing it: `lines` are its physical lines, without prefixes."""

    lines: tuple[str, ...]
    expected: Fields
    is_json: bool = False
    # Some forms need their line breaks or their tabs to be told apart from what follows.
    may_be_flattened: bool = True


hexadecimal = st.text("0123456789abcdef", min_size=12, max_size=12)
uuids = st.uuids().map(str)
masked_ids = st.one_of(
    uuids,
    hexadecimal,
    st.sampled_from(
        ["xxx", "2b0a5ad0", "f8ac1208...", "a80c1991-40f4-481a-83d1-************", "<requestId>", "22a3f9a9-…"]
    ),
)
hundredths = st.integers(0, 90_000_000).map(lambda n: n / 100)
whole = st.integers(0, 9_000_000)
error_types = st.sampled_from(["Runtime.ExitError", "Runtime.OutOfMemory", "Extension.Crash", "Sandbox.Timedout"])
statuses = st.sampled_from(["timeout", "error", "failure", "success"])
runtimes = st.sampled_from(["nodejs:18.v20", "provided:al2023.v97", "python:3.12.mainlinev2.v7", "java:21.v38"])
names = st.sampled_from(["lambda-adapter", "datadog-agent", "AWSParametersAndSecretsLambdaExtension"])
times = st.sampled_from(["2024-02-02T20:11:04.919Z", "2020-06-09T15:02:26.150Z"])
traces = st.tuples(st.integers(0, 16**8 - 1), st.integers(0, 16**24 - 1)).map(lambda t: f"1-{t[0]:08x}-{t[1]:024x}")
segments = st.integers(0, 16**16 - 1).map(lambda n: f"{n:016x}")
arns = st.integers(0, 16**64 - 1).map(lambda n: f"arn:aws:lambda:eu-west-3::runtime:{n:064x}")

GAPS = ("\t", " ", "  ", "       ", " \t", "\t ")
WRAPS = ("\t\n", "\n", " \n")


def drawn(draw: st.DrawFn, chance: bool, strategy: st.SearchStrategy[Any]) -> Any:
    return draw(strategy) if chance else None


@st.composite
def report_fields(draw: st.DrawFn, ids: st.SearchStrategy[str] = masked_ids) -> Fields:
    some = draw(st.lists(st.booleans(), min_size=8, max_size=8))
    traced = some[5]
    return {
        "event": "report",
        "request_id": draw(ids),
        "duration_ms": draw(hundredths),
        "billed_duration_ms": drawn(draw, some[0], whole),
        "memory_size_mb": drawn(draw, some[1], st.integers(0, 10240)),
        "max_memory_used_mb": drawn(draw, some[1], st.integers(0, 10241)),
        "init_duration_ms": drawn(draw, some[2], hundredths),
        "restore_duration_ms": drawn(draw, some[3], hundredths),
        "billed_restore_duration_ms": drawn(draw, some[3], whole),
        "status": drawn(draw, some[4], statuses),
        "error_type": drawn(draw, some[4] and some[6], error_types),
        "xray_trace_id": drawn(draw, traced, traces),
        "xray_segment_id": drawn(draw, traced, segments),
        "xray_sampled": drawn(draw, traced, st.booleans()),
    }


def report_parts(fields: Fields) -> tuple[list[str], list[str]]:
    """The fields of a report as written, and those of its X-Ray line."""
    parts = [f"REPORT RequestId: {fields['request_id']}"]
    for label, name, form in (
        ("Duration", "duration_ms", "{:.2f} ms"),
        ("Billed Duration", "billed_duration_ms", "{} ms"),
        ("Memory Size", "memory_size_mb", "{} MB"),
        ("Max Memory Used", "max_memory_used_mb", "{} MB"),
        ("Init Duration", "init_duration_ms", "{:.2f} ms"),
        ("Restore Duration", "restore_duration_ms", "{:.2f} ms"),
        ("Billed Restore Duration", "billed_restore_duration_ms", "{} ms"),
        ("Status", "status", "{}"),
        ("Error Type", "error_type", "{}"),
    ):
        if fields[name] is not None:
            parts.append(f"{label}: {form.format(fields[name])}")
    trace = []
    if fields["xray_trace_id"] is not None:
        sampled = "true" if fields["xray_sampled"] else "false"
        trace = [
            f"XRAY TraceId: {fields['xray_trace_id']}",
            f"SegmentId: {fields['xray_segment_id']}",
            f"Sampled: {sampled}",
        ]
    return parts, trace


@st.composite
def text_reports(draw: st.DrawFn) -> Written:
    fields = draw(report_fields())
    parts, trace = report_parts(fields)
    if fields["init_duration_ms"] is not None and draw(st.booleans()):  # emulators write it first
        at = next(place for place, part in enumerate(parts) if part.startswith("Init"))
        parts.insert(1, parts.pop(at))
    text = parts[0]
    for part in parts[1:]:
        text += draw(st.sampled_from(GAPS)) + part
    text += draw(st.sampled_from(["", "\t", " "]))
    if trace:
        text += draw(st.sampled_from(["\n", "\t\n", "\t"])).replace("\t\t", "\t") + "\t".join(trace)
    return Written(tuple(text.split("\n")), fields)


@st.composite
def wrapped_reports(draw: st.DrawFn) -> Written:
    fields = draw(report_fields())
    parts, trace = report_parts(fields)
    text = parts[0]
    for part in [*parts[1:], *trace]:
        gap = draw(st.sampled_from(GAPS + WRAPS))
        if draw(st.integers(0, 5)) == 0 and part[0] not in "SE" and "XRAY" not in part:
            label, _, value = part.partition(": ")
            part = f"{label}:\n{value}"
        text += gap + part
    return Written(tuple(text.split("\n")), fields)


@st.composite
def glued_reports(draw: st.DrawFn) -> Written:
    """Copied from a terminal where a tab has no width."""
    fields = draw(report_fields(ids=uuids))
    parts, trace = report_parts(fields)
    return Written(("".join([*parts, *trace]),), fields)


@st.composite
def starts_and_ends(draw: st.DrawFn) -> Written:
    request_id = draw(masked_ids)
    if draw(st.booleans()):
        return Written((f"END RequestId: {request_id}",), {"event": "end", "request_id": request_id})
    version = draw(st.sampled_from(["$LATEST", "7", "240"]))
    gap = draw(st.sampled_from([" ", "\t"]))
    expected = {"event": "start", "request_id": request_id, "version": version}
    return Written((f"START RequestId: {request_id}{gap}Version: {version}",), expected)


@st.composite
def phases(draw: st.DrawFn) -> Written:
    gap = draw(st.sampled_from(GAPS))
    kind = draw(st.sampled_from(["INIT_START", "RESTORE_START", "INIT_REPORT", "RESTORE_REPORT"]))
    if kind.endswith("START"):
        version, arn = draw(runtimes), draw(arns)
        line = f"{kind} Runtime Version: {version}{gap}Runtime Version ARN: {arn}"
        return Written((line,), {"event": kind.lower(), "runtime_version": version, "runtime_version_arn": arn})
    label, name = ("Init", "init_duration_ms") if kind == "INIT_REPORT" else ("Restore", "restore_duration_ms")
    duration = draw(hundredths)
    line, expected = f"{kind} {label} Duration: {duration:.2f} ms", {"event": kind.lower(), name: duration}
    if kind == "INIT_REPORT":
        phase = draw(st.sampled_from(["init", "invoke"]))
        line, expected = f"{line}{gap}Phase: {phase}", {**expected, "phase": phase}
    if draw(st.booleans()):
        status, error_type = draw(statuses), draw(error_types)
        line = f"{line}{gap}Status: {status}{gap}Error Type: {error_type}"
        expected = {**expected, "status": status, "error_type": error_type}
    return Written((line,), expected)


@st.composite
def agents(draw: st.DrawFn) -> Written:
    gap = draw(st.sampled_from(["\t", "  ", " "]))
    name, joint = draw(names), draw(st.sampled_from([",", ", "]))
    if draw(st.booleans()):
        events = draw(st.lists(st.sampled_from(["INVOKE", "SHUTDOWN"]), unique=True))
        state = draw(st.sampled_from(["Ready", "Registered", "Started", "LaunchError"]))
        fields = [f"Name: {name}", f"State: {state}", f"Events: [{joint.join(events)}]"]
        expected: Fields = {
            "event": "extension",
            "extension_name": name,
            "extension_state": state,
            "extension_events": events,
        }
        if state == "LaunchError":
            fields.append("Error Type: PermissionDenied")
            expected["error_type"] = "PermissionDenied"
        return Written((gap.join(["EXTENSION", *draw(st.permutations(fields))]),), expected)
    word, event = draw(st.sampled_from([("TELEMETRY", "telemetry_subscription"), ("LOGS", "logs_subscription")]))
    types = draw(st.lists(st.sampled_from(["Platform", "Function", "Extension"]), unique=True))
    line = gap.join([word, f"Name: {name}", "State: Subscribed", f"Types: [{joint.join(types)}]"])
    expected = {"event": event, "extension_name": name, "extension_state": "Subscribed", "subscribed_types": types}
    return Written((line,), expected)


@st.composite
def failures(draw: st.DrawFn) -> Written:
    request_id = draw(st.one_of(uuids, hexadecimal))
    kind = draw(st.integers(0, 5))
    error_type = draw(error_types)
    seconds = draw(hundredths)
    if kind == 0:
        time = draw(times)
        expected = {"event": "timeout", "request_id": request_id, "timeout_seconds": seconds, "time": time}
        return Written((f"{time} {request_id} Task timed out after {seconds:.2f} seconds",), expected)
    if kind == 1:
        expected = {"event": "timeout", "request_id": request_id, "timeout_seconds": seconds}
        return Written((f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds",), expected)
    if kind == 2:
        message = draw(
            st.sampled_from(["Runtime exited with error: exit status 1", "fork/exec /x.sh: exec format error"])
        )
        expected = {
            "event": "runtime_error",
            "request_id": request_id,
            "error_message": message,
            "error_type": error_type,
        }
        lines = (f"RequestId: {request_id} Error: {message}", error_type)
        return Written(lines if draw(st.booleans()) else (" ".join(lines),), expected)
    if kind == 3:
        expected = {
            "event": "runtime_error",
            "request_id": request_id,
            "error_message": "Process exited before completing request",
        }
        return Written((f"RequestId: {request_id} Process exited before completing request",), expected)
    if kind == 4:
        status = draw(statuses)
        expected = {"event": "fault", "request_id": request_id, "status": status, "error_type": error_type}
        return Written((f"RequestId: {request_id}\tStatus: {status}\tErrorType: {error_type}",), expected)
    expected = {
        "event": "image_error",
        "error_message": "fork/exec /e.sh: exec format error",
        "entrypoint": "/e.sh",
        "cmd": "src/index.handler",
        "working_dir": "/var/task",
    }
    image = "Entrypoint: [/e.sh] Cmd: [src/index.handler] WorkingDir: [/var/task]"
    return Written((f"IMAGE Launch error: fork/exec /e.sh: exec format error {image}",), expected)


@st.composite
def emulator_lines(draw: st.DrawFn) -> Written:
    duration, count = draw(hundredths), draw(whole)
    kind = draw(st.integers(0, 3))
    if kind == 0:
        line, expected = (
            f"INIT REPORT(durationMs: {duration:.6f})",
            {"event": "rie_init_report", "duration_ms": duration},
        )
    elif kind == 1:
        line = f"INVOKE RTDONE(status: success, produced bytes: {count}, duration: {duration:.6f}ms)"
        expected = {"event": "rie_invoke_rtdone", "status": "success", "produced_bytes": count, "duration_ms": duration}
    elif kind == 2:
        line = "INIT START(type: on-demand, phase: init)"
        expected = {"event": "rie_init_start", "initialization_type": "on-demand", "phase": "init"}
    else:
        request_id = draw(uuids)
        line, expected = (
            f"INVOKE START(requestId: {request_id})",
            {"event": "rie_invoke_start", "request_id": request_id},
        )
    return Written((f"14 Nov 2025 15:55:49,792 [INFO] (rapid) {line}",), expected)


text_events = st.one_of(
    text_reports(), text_reports(), starts_and_ends(), phases(), agents(), failures(), emulator_lines()
)  # fmt: skip


@st.composite
def json_events(draw: st.DrawFn) -> Written:
    time, request_id = draw(times), draw(uuids)
    kind = draw(
        st.sampled_from(["report", "start", "runtimeDone", "initStart", "extension", "fault", "spinDownReport"])
    )
    record: Any = {"requestId": request_id}
    expected: Fields = {"event": f"platform.{kind}", "time": time, "request_id": request_id}
    if kind == "report":
        status, duration, billed, used = draw(statuses), draw(hundredths), draw(whole), draw(whole)
        metrics = {"durationMs": duration, "billedDurationMs": billed, "memorySizeMB": 128, "maxMemoryUsedMB": used}
        record |= {"status": status, "metrics": metrics}
        expected |= {"status": status, "duration_ms": duration, "billed_duration_ms": billed, "memory_size_mb": 128}
        expected |= {"max_memory_used_mb": used}
        if draw(st.booleans()):
            trace, segment = draw(traces), draw(segments)
            value = f"Root={trace};Parent=35465b3a9e2f7c6a;Sampled=1"
            record["tracing"] = {"spanId": segment, "type": "X-Amzn-Trace-Id", "value": value}
            expected |= {"xray_trace_id": trace, "xray_segment_id": segment, "xray_sampled": True}
            expected |= {"tracing_parent": "35465b3a9e2f7c6a"}
    elif kind == "start":
        record["version"] = expected["version"] = "$LATEST"
    elif kind == "runtimeDone":
        duration = draw(hundredths)
        record |= {"spans": [{"name": "responseLatency", "durationMs": 1.5}], "metrics": {"durationMs": duration}}
        expected |= {"spans": ["responseLatency"], "duration_ms": duration}
    elif kind == "initStart":
        record = {
            "initializationType": "snap-start",
            "phase": "init",
            "functionName": "f",
            "runtimeVersion": "java:21.v38",
        }
        expected = {"event": "platform.initStart", "time": time, "initialization_type": "snap-start", "phase": "init"}
        expected |= {"function_name": "f", "runtime_version": "java:21.v38"}
    elif kind == "extension":
        name = draw(names)
        record = {"name": name, "state": "Ready", "events": ["INVOKE"]}
        expected = {"event": "platform.extension", "time": time, "extension_name": name, "extension_state": "Ready"}
        expected["extension_events"] = ["INVOKE"]
    elif kind == "fault":
        record = f"RequestId: {request_id} Process exited before completing request"
        expected["error_message"] = "Process exited before completing request"
    else:
        record |= {"somethingNew": 3, "metrics": {"spinMs": 1.5}}
        expected |= {"something_new": 3, "spin_ms": 1.5}
    pairs = list({"time": time, "type": f"platform.{kind}", "record": record}.items())
    if isinstance(record, dict):
        pairs[2] = ("record", dict(draw(st.permutations(list(record.items())))))
    document = dict(draw(st.permutations(pairs)))
    form = draw(st.integers(0, 2))
    text = json.dumps(document, separators=(",", ":")) if form else json.dumps(document)
    return Written((text,), expected, is_json=True)


# What tools write in front of every physical line.
LINE_PREFIXES = (
    "2024-03-05T16:02:57.691000+00:00 2024/03/05/apcReplicateWk[$LATEST]66dae4eef2bf42f6afd0e4cc70b48606 ",
    "2024/04/23/[$LATEST]aa01846ebbac447abcf20f17cb27c146 2024-04-23T13:26:04.780000 ",
    "2024/04/23/[12]aa01846ebbac447abcf20f17cb27c146 2024-04-23T13:26:04.780000+00:00 ",
    "2021-01-16T17:26:43.137+01:00\t",
    "function_1  | ",
    "[auth-post-confirmation] 3:38:41 PM ",
    "Sep 14, 09:03:01 PM: ",
    "21:00:55  ",
    "[2021-04-17T12:30:43+12:00] ",
    "# ",
    "// ",
    " * ",
    "> ",
    "    ",
    "- `20:17:50`   ",
    "\t",
)


def prefixed(prefix: str) -> Callable[[str], str]:
    return lambda text: "".join(prefix + line for line in text.splitlines(keepends=True))


def timed_line_before(text: str) -> str:
    return f"2025-05-21T14:26:56.661Z\n{text}"


def coloured(text: str) -> str:
    return "\n".join(f"\x1b[32m{line}\x1b[0m" for line in text.split("\n"))


def coloured_and_mangled(text: str) -> str:
    return "\n".join(f"?[32m{line} ?[0m" for line in text.split("\n"))


def message(text: str) -> str:
    return json.dumps({"events": [{"logStreamName": "s", "timestamp": 1, "message": text, "eventId": "3"}]}, indent=4)


def fragment(text: str) -> str:
    return f'"message": {json.dumps(text)},'


def fragment_twice(text: str) -> str:
    return fragment(json.dumps(text)[1:-1])


def state_machine_cause(text: str) -> str:
    inner = json.dumps({"errorMessage": json.dumps({"message": text})})
    return json.dumps({"Error": "States.TaskFailed", "Cause": inner})


def array(text: str) -> str:
    return json.dumps(["unrelated", text])


def subscription(text: str) -> str:
    return json.dumps(
        {"messageType": "DATA_MESSAGE", "logGroup": "/aws/lambda/f", "logEvents": [{"id": "1", "message": text}]}
    )


def insights(text: str) -> str:
    row = [
        {"field": "@timestamp", "value": "2024"},
        {"field": "@message", "value": text},
        {"field": "@ptr", "value": "x"},
    ]
    return json.dumps({"results": [row], "status": "Complete"}, indent=2)


def python_repr(text: str) -> str:
    return repr({"logStreamName": "s", "message": text})


def console_csv(text: str) -> str:
    return 'timestamp,message\n1764447307734,"' + text.replace('"', '""') + '\n"\n'


def log_result(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def log_result_wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(log_result(text), 76))


def log_result_from_the_middle(text: str) -> str:
    return log_result(f"the end of a line that began before the last 4 KB\n{text}")


def invocation_answer(text: str) -> str:
    return json.dumps({"StatusCode": 200, "LogResult": log_result(text), "ExecutedVersion": "$LATEST"}, indent=4)


def same(text: str) -> str:
    return text


def windows_lines(text: str) -> str:
    return text.replace("\n", "\r\n")


def table_row(text: str) -> str:
    flat = text.replace("\n", " ").replace("\t", " ")
    return f"|  2020-05-15 01:01:48.787 | {flat}                                        | 1d4e | REPORT |\n"


def quoted_in_another_log(text: str) -> str:
    return f'2024 Aug 28 10:09:42 (fedora40) any->aws-s3 DEBUG: The message is "{text}"'


def pipes_for_newlines(text: str) -> str:
    return "tail: 4feda01-4e66 | " + text.replace("\n", " | ")


inner_wrappers = st.sampled_from(
    [same, same, timed_line_before, coloured, coloured_and_mangled, windows_lines, *map(prefixed, LINE_PREFIXES)]
)
outer_wrappers = st.sampled_from(
    [
        same, same, message, fragment, fragment_twice, state_machine_cause, array, subscription, insights, python_repr,
        console_csv, log_result, log_result_wrapped, log_result_from_the_middle, invocation_answer,
    ]
)  # fmt: skip
one_line_wrappers = st.sampled_from([table_row, quoted_in_another_log, pipes_for_newlines])
