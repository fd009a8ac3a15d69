"""What a campaign costs beyond its invocations: time and state transitions per sample, on the embedded stack.

One campaign of 5 targets x 100 cold x 100 warm samples in one round, against the bare invocations of the same run: the
same versions published beforehand and not timed, then nothing but the calls, at the same concurrency. Half of the bare
calls are made before the campaign and half after it, so that a machine that slows down slows both alike.

The tool to beat takes 2 state transitions and 1.7 s per cold sample. Aim: at most 0.05 transitions per sample, and at
most 1.3 times the bare invocations' time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from isotherm.aws.calls.invoke import Caller
from isotherm.aws.clients import client
from isotherm.aws.measured_function import MeasuredFunction, target_in
from isotherm.campaign.lane import Burst, Lane, Step, TargetFunction
from isotherm.campaign.planner import split_evenly
from isotherm.campaign.publishing import Publishing
from isotherm.local.checkout import find_checkout
from isotherm.local.stack import enter, status
from isotherm.measurement.orders import burst_orders, warm_orders
from isotherm.measurement.shot import Shot

REGION, STACK = "us-east-1", "isotherm"
TARGETS = ["default", "pkg20", "pkg50", "size20", "size50"]
BESIDE_TRANSITIONS, BESIDE_S = 2.0, 1.7


def bare(function: TargetFunction, cold: int, warm: int, concurrency: int) -> tuple[float, float, list[Shot]]:
    """Seconds that the cold and the warm calls of one target take by themselves, and the calls."""
    measured = MeasuredFunction(REGION, function.function_name)
    before = measured.configuration().as_found
    memory_mb = before.memory_mb
    sizes = split_evenly(cold, -(-cold // concurrency))
    step = Step(
        step=0,
        memory_mb=None,
        cold_method="burst",
        bursts=[Burst(burst=number, shots=size) for number, size in enumerate(sizes)],
        warm_shots=warm,
        warm_concurrency=1,
        prime_shots=1,
    )
    mark = f"bench-{time.time_ns()}"
    lane = Lane(
        key=mark,
        target=function.target,
        region=REGION,
        round=0,
        function_name=function.function_name,
        steps=[step],
        client_region=REGION,
    )
    publishing = Publishing(mark, memory_mb)
    cold_s, shots = 0.0, []
    try:
        for _ in sizes:
            version = measured.publish(publishing, before, function.code_sha256)
            publishing = publishing.published(version)
        versions = publishing.versions
        measured.wait_until_callable(versions)
        with Caller(lane, step, concurrency, function.timeout_s) as caller:
            caller.open_connections()
            for burst, version in zip(step.bursts, versions, strict=True):
                orders = burst_orders(lane, step, burst, version, memory_mb)
                began = time.perf_counter()
                shots += caller.burst(orders, hold=len(orders) > 1)
                cold_s += time.perf_counter() - began
                if version != versions[-1]:
                    measured.delete(version)
            orders = warm_orders(lane, step, "warm", 0, warm, versions[-1], memory_mb)
            began = time.perf_counter()
            shots += caller.in_a_row(orders, 1, lambda: True)
            warm_s = time.perf_counter() - began
    finally:
        measured.put_back(before, publishing)
    return cold_s, warm_s, shots


def campaign(cold: int, warm: int, concurrency: int) -> dict[str, float]:
    """Run the campaign through its state machine; seconds in all, to the last lane's end, and what came of it."""
    document = {
        "name": "bench",
        "targets": TARGETS,
        "cold": {"samples": cold, "concurrency": concurrency},
        "warm": {"samples": warm},
        "rounds": 1,
    }
    states, s3 = client("stepfunctions", REGION), client("s3", REGION)
    outputs = client("cloudformation", REGION).describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    machine, bucket = (
        next(output["OutputValue"] for output in outputs if output["OutputKey"] == key)
        for key in ("CampaignStateMachineArn", "ResultsBucketName")
    )
    execution = states.start_execution(
        stateMachineArn=machine, name=f"bench-{time.time_ns()}", input=json.dumps(document)
    )["executionArn"]
    while (told := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(1)
    if told["status"] != "SUCCEEDED":
        sys.exit(f"the campaign ended as {told['status']}: {told.get('error')}: {told.get('cause')}")
    name = execution.rpartition(":")[2]
    summary = json.loads(s3.get_object(Bucket=bucket, Key=f"reports/{name}/summary.json")["Body"].read())
    history = states.get_paginator("get_execution_history").paginate(executionArn=execution)
    measured_at = max(
        event["timestamp"]
        for page in history
        for event in page["events"]
        if event.get("stateExitedEventDetails", {}).get("name") == "MeasureWaves"
    )
    used = summary["accounting"]["used"]
    return {
        "all_s": (told["stopDate"] - told["startDate"]).total_seconds(),
        "measured_s": (measured_at - told["startDate"]).total_seconds(),
        "used": used,
        "transitions": summary["state_transitions"],
    }


def main() -> None:
    """Measure both and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cold", type=int, default=100, help="cold samples of each target (default: 100)")
    parser.add_argument("--warm", type=int, default=100, help="warm samples of each target (default: 100)")
    parser.add_argument("--concurrency", type=int, default=2, help="calls at once (default: 2)")
    args = parser.parse_args()
    checkout = find_checkout()
    isotherm = [str(Path(sys.executable).parent / "isotherm")]
    was_up = status(checkout) is not None
    subprocess.run([*isotherm, "local", "up"], check=True, stdout=subprocess.DEVNULL)
    try:
        subprocess.run([*isotherm, "deploy"], check=True)
        stack = status(checkout)
        assert stack is not None
        enter(stack)
        functions = {name: found for name in TARGETS if (found := target_in(REGION, STACK, name))}
        halves = []
        for part in range(2):
            if part:
                told = campaign(args.cold, args.warm, args.concurrency)
            halves += [bare(functions[name], args.cold // 2, args.warm // 2, args.concurrency) for name in TARGETS]
    finally:
        if not was_up:
            subprocess.run([*isotherm, "local", "down", "--yes"], check=True, stdout=subprocess.DEVNULL)
    failed = [shot for _, _, shots in halves for shot in shots if shot.outcome != "answered"]
    cold_s, warm_s = sum(half[0] for half in halves), sum(half[1] for half in halves)
    cold = len(TARGETS) * args.cold
    samples = cold + len(TARGETS) * args.warm
    bare_s = cold_s + warm_s
    per_sample = told["transitions"] / samples
    print(f"{len(TARGETS)} targets x ({args.cold} cold + {args.warm} warm), {args.concurrency} at once, one round")
    print(f"bare invocations      {bare_s:8.1f} s  {cold_s:.1f} s cold, {warm_s:.1f} s warm, {len(failed)} failed")
    print(f"campaign, measuring   {told['measured_s']:8.1f} s  {told['measured_s'] / bare_s:.2f} x bare")
    print(f"campaign, all of it   {told['all_s']:8.1f} s  {told['all_s'] / bare_s:.2f} x bare, with the page")
    print(f"used samples          {told['used']:8.0f}    of {samples} planned")
    print(f"seconds per cold one  {told['all_s'] / cold:8.2f}    the tool to beat: {BESIDE_S}")
    rate = f"{per_sample:.3f} per sample; to beat: {BESIDE_TRANSITIONS}"
    print(f"transitions           {told['transitions']:8.0f}    {rate}")


if __name__ == "__main__":
    main()
