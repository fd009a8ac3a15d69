"""What a campaign costs beyond its invocations: time and state transitions per sample, on the embedded stack.

A campaign of 5 targets x 100 cold x 100 warm samples, in one round and then in ten, against the bare invocations of the
same run: the same versions published beforehand and not timed, then nothing but the calls, at the same concurrency.
Half of the bare calls are made before the campaigns and half after them, so that a machine that slows down slows both
alike.

The tool to beat takes 2 state transitions and 1.7 s per cold sample. Aim: at most 0.1 transitions per sample in any
number of rounds, ten rounds in at most 1.2 times the time of one, and that in at most 1.3 times the bare invocations'
time; ends with exit code 1 where one of the first two is missed.
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
from isotherm.aws.measured_function import MeasuredFunction
from isotherm.aws.targets import target_in
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
MOST_TRANSITIONS, MOST_TIME = 0.1, 1.2


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


def campaign(cold: int, warm: int, concurrency: int, rounds: int) -> dict[str, float]:
    """Run the campaign through its state machine; seconds in all, to the last lane's end, and what came of it."""
    document = {
        "name": "bench",
        "targets": TARGETS,
        "cold": {"samples": cold, "concurrency": concurrency},
        "warm": {"samples": warm},
        "rounds": rounds,
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
        "rounds": rounds,
        "used": used,
        "transitions": summary["state_transitions"],
    }


def main() -> None:
    """Measure both and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cold", type=int, default=100, help="cold samples of each target (default: 100)")
    parser.add_argument("--warm", type=int, default=100, help="warm samples of each target (default: 100)")
    parser.add_argument("--concurrency", type=int, default=2, help="calls at once (default: 2)")
    parser.add_argument("--rounds", type=int, nargs="+", default=[1, 10], help="campaigns, by rounds (default: 1 10)")
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
                told = [campaign(args.cold, args.warm, args.concurrency, rounds) for rounds in args.rounds]
            halves += [bare(functions[name], args.cold // 2, args.warm // 2, args.concurrency) for name in TARGETS]
    finally:
        if not was_up:
            subprocess.run([*isotherm, "local", "down", "--yes"], check=True, stdout=subprocess.DEVNULL)
    failed = [shot for _, _, shots in halves for shot in shots if shot.outcome != "answered"]
    cold_s, warm_s = sum(half[0] for half in halves), sum(half[1] for half in halves)
    cold = len(TARGETS) * args.cold
    samples = cold + len(TARGETS) * args.warm
    bare_s = cold_s + warm_s
    print(
        f"{len(TARGETS)} targets x ({args.cold} cold + {args.warm} warm), {args.concurrency} at once, {samples} samples"
    )
    print(f"bare invocations {bare_s:.1f} s: {cold_s:.1f} s cold, {warm_s:.1f} s warm, {len(failed)} failed")
    print(f"the tool to beat: {BESIDE_TRANSITIONS} transitions a sample, {BESIDE_S} s a cold one")
    columns = (
        "rounds",
        "transitions",
        "a sample",
        "measuring s",
        "x bare",
        "all of it s",
        "s a cold one",
        "samples used",
    )
    print("  ".join(columns))
    missed = False
    for one in told:
        row = (
            f"{one['rounds']:.0f}",
            f"{one['transitions']:.0f}",
            f"{one['transitions'] / samples:.3f}",
            f"{one['measured_s']:.1f}",
            f"{one['measured_s'] / bare_s:.2f}",
            f"{one['all_s']:.1f}",
            f"{one['all_s'] / cold:.2f}",
            f"{one['used']:.0f}",
        )
        print("  ".join(value.rjust(len(column)) for value, column in zip(row, columns, strict=True)))
        missed |= one["transitions"] / samples > MOST_TRANSITIONS or one["used"] < samples
    longer = max(one["all_s"] for one in told) / told[0]["all_s"]
    print(f"the longest takes {longer:.2f} times as long as that in {args.rounds[0]} rounds; at most {MOST_TIME}")
    sys.exit(1 if missed or longer > MOST_TIME else 0)


if __name__ == "__main__":
    main()
