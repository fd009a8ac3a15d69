"""Somebody else publishes versions of a function before, while and after it is measured: only ours are gone."""

from __future__ import annotations

import time
from typing import Any

from .embedded import HOME, STACK, Embedded, await_lane

FUNCTION = f"{STACK}-target_default"
CAMPAIGN: dict[str, Any] = {
    "name": "outsiders",
    "targets": ["default"],
    "regions": [HOME],
    "memory_mb": [256],
    "cold": {"samples": 12, "method": "burst", "concurrency": 1},
    "warm": {"samples": 5},
    "rounds": 1,
    "budget_usd": 1,
}


def test_what_others_publish_alias_and_set_meanwhile_stays(embedded: Embedded) -> None:
    functions = embedded.client("lambda")
    before = embedded.configurations()[HOME, "default"]

    def publish(**asked: str) -> str:
        return str(functions.publish_version(FunctionName=FUNCTION, **asked)["Version"])

    theirs = [publish(Description="release 41")]
    name = embedded.start(f"outsiders-{time.time_ns()}", CAMPAIGN)
    await_lane(embedded, name, "firing")
    theirs.append(publish())
    functions.create_alias(FunctionName=FUNCTION, Name="live", FunctionVersion=theirs[-1])
    # One of the lane's own, which has not been called yet: it is somebody's from now on.
    ours = max(_versions(embedded), key=int)
    if ours in theirs:
        ours = max(set(_versions(embedded)) - set(theirs), key=int)
    functions.create_alias(FunctionName=FUNCTION, Name="kept", FunctionVersion=ours)
    functions.update_function_configuration(FunctionName=FUNCTION, MemorySize=192)
    try:
        assert embedded.wait(name)["status"] == "SUCCEEDED"
        theirs.append(publish(Description="release 43"))
        assert _versions(embedded) == {*theirs, ours}
        after = embedded.configurations()[HOME, "default"]
        assert (after["memory"], after["variables"]) == (192, before["variables"])
        assert embedded.leases() == []
        summary = embedded.summary(name)
        (lane,) = summary["lanes"]
        assert lane["status"] == "succeeded", lane["reason"]
        assert {fact["kind"] for fact in lane["left"]} == {"memory_changed", "version_aliased"}
        assert any(f"version {ours}, published to be measured, was not deleted" in said for said in summary["warnings"])
    finally:
        for alias in ("live", "kept"):
            functions.delete_alias(FunctionName=FUNCTION, Name=alias)
        for version in _versions(embedded):
            functions.delete_function(FunctionName=FUNCTION, Qualifier=version)
        functions.update_function_configuration(FunctionName=FUNCTION, MemorySize=before["memory"])
    assert embedded.configurations()[HOME, "default"] == before


def _versions(embedded: Embedded) -> set[str]:
    found = embedded.client("lambda").list_versions_by_function(FunctionName=FUNCTION)["Versions"]
    return {version["Version"] for version in found} - {"$LATEST"}
