"""Shots of a made-up lane, and the lines that a function and its platform write of them."""

from __future__ import annotations

import json

from isotherm.campaign.lane import Burst, Lane, LaneTask, Step, TargetFunction
from isotherm.measurement.shot import Shot

ID = "1f2e3d4c-0000-4000-8000-000000000001"


def shot(shot_id: str, status: int | None = None, **fields: object) -> Shot:
    answered = status is None or status < 500
    values: dict[str, object] = {
        "shot_id": shot_id,
        "kind": "warm",
        "step": 0,
        "burst": 0,
        "index": 0,
        "version": "$LATEST",
        "memory_mb": 128,
        "concurrency": 1,
        "sent_at_ms": 1.0,
        "client_ms": 5.0,
        "outcome": "answered" if answered else "function_error",
        "http_status": status,
    }
    return Shot(**{**values, **fields})  # type: ignore[arg-type]


def probe_line(shot_id: object, request_id: str = ID, **facts: object) -> str:
    known = {
        "shot_id": shot_id,
        "request_id": request_id,
        "environment_id": "e",
        "invocation_index": 1,
        "process_start_at_ms": 0.0,
        "import_begin_at_ms": 0.0,
        "import_ms": 1.0,
        "handler_begin_at_ms": 1.0,
        "work_ms": 1.0,
        "hold_ms": 0.0,
    }
    return json.dumps({"isotherm_probe": 1, **known, **facts})


def report_line(request_id: str = ID, duration_ms: float = 1.48) -> str:
    return (
        f"REPORT RequestId: {request_id}\tDuration: {duration_ms} ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 36 MB\t\n"
    )


STEP = Step(
    step=0,
    memory_mb=128,
    cold_method="burst",
    bursts=[Burst(burst=0, shots=1)],
    warm_shots=0,
    warm_concurrency=1,
    prime_shots=0,
)


def task(step: Step, *, clients_named: bool = False) -> LaneTask:
    lane = Lane(
        key="r01-outer-us-east-1",
        target="outer",
        region="us-east-1",
        round=1,
        function_name="isotherm-target_outer",
        steps=[step],
        client_region="eu-west-1",
    )
    function = TargetFunction(
        target="outer",
        region="us-east-1",
        function_name="isotherm-target_outer",
        runtime="python3.14",
        architecture="x86_64",
        memory_mb=128,
        timeout_s=30,
        code_size_bytes=1,
        code_sha256="sha",
        log_group="/aws/lambda/isotherm-target_outer",
    )
    return LaneTask(
        campaign_id="id",
        lane=lane,
        function=function,
        platform="aws",
        report_deadline_s=60,
        clients_named=clients_named,
    )
