"""The measured functions' configuration: what a region has, fresh versions, and how everything is put back."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterable
from typing import Any

from isotherm.aws.clients import client
from isotherm.campaign.lane import TargetFunction

#: The variable whose change makes Lambda publish a new version (PublishVersion publishes nothing where neither code
#: nor configuration changed), and by which a campaign's own versions are told from anybody else's.
FRESH = "ISOTHERM_FRESH"

#: The variable by which a function says that it is a target, and which.
TARGET = "ISOTHERM_TARGET"

#: How the description of such a version begins.
DESCRIPTION = "Isotherm"

#: A change of a function takes about a second on AWS, during which it refuses the next one; asking again is shorter
#: than waiting for each one's end first.
PAUSE_S = 0.25
PATIENCE_S = 120.0


def target_name(stack: str, target: str) -> str:
    """What the function of a target is called."""
    return f"{stack}-target_{target}"


def target_in(region: str, stack: str, target: str) -> TargetFunction | None:
    """A target that a stack has in a region; None where there is no such function, or one that says otherwise."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", target):
        return None
    functions = client("lambda", region)
    try:
        configuration = functions.get_function_configuration(FunctionName=target_name(stack, target))
    except functions.exceptions.ResourceNotFoundException:
        return None
    return _target(region, configuration) if _variables(configuration).get(TARGET) == target else None


def concurrency(region: str) -> tuple[int, int]:
    """How many executions an account allows at once in a region, and how many of them no function has reserved."""
    limit = client("lambda", region).get_account_settings()["AccountLimit"]
    return limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]


def _target(region: str, configuration: dict[str, Any]) -> TargetFunction:
    name = configuration["FunctionName"]
    return TargetFunction(
        target=_variables(configuration)[TARGET],
        region=region,
        function_name=name,
        runtime=configuration.get("Runtime") or "container image",
        architecture=configuration.get("Architectures", ["x86_64"])[0],
        memory_mb=configuration["MemorySize"],
        timeout_s=configuration["Timeout"],
        code_size_bytes=configuration["CodeSize"],
        code_sha256=configuration["CodeSha256"],
        log_group=configuration.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{name}",
    )


class MeasuredFunction:
    """One function in one region, as a lane may change it: its memory, one variable, its versions."""

    def __init__(self, region: str, name: str) -> None:
        self._name = name
        self._lambda = client("lambda", region)

    def memory_mb(self) -> int:
        """Memory of the unpublished version, in MB."""
        memory_mb: int = self._lambda.get_function_configuration(FunctionName=self._name)["MemorySize"]
        return memory_mb

    def publish(self, memory_mb: int, mark: str) -> str:
        """Publish a version that never ran before; `wait_until_callable` says when it can be called.

        Parameters
        ----------
        memory_mb : int
            Memory of the version.
        mark : str
            Unique text; it begins with the campaign's id, so that the version can be found again.

        Returns
        -------
        str
            The version's number.
        """
        variables = _variables(self._lambda.get_function_configuration(FunctionName=self._name))
        self._configure(memory_mb, {**variables, FRESH: mark})
        version = self._insist(
            self._lambda.publish_version,
            FunctionName=self._name,
            Description=f"{DESCRIPTION} {mark}; deleted when measured",
        )["Version"]
        return str(version)

    def wait_until_callable(self, versions: Iterable[str]) -> None:
        """Wait until versions just published are active."""
        active = self._lambda.get_waiter("published_version_active")
        for version in versions:
            polling = {"Delay": PAUSE_S, "MaxAttempts": int(PATIENCE_S / PAUSE_S)}
            active.wait(FunctionName=self._name, Qualifier=version, WaiterConfig=polling)

    def versions_of(self, campaign_id: str) -> list[str]:
        """Versions that a campaign published and that are not deleted yet."""
        return [
            configuration["Version"]
            for page in self._lambda.get_paginator("list_versions_by_function").paginate(FunctionName=self._name)
            for configuration in page["Versions"]
            if configuration["Version"] != "$LATEST"
            # A version that was published just as the lane was given up may have lost its variable to the rescue.
            and (
                _variables(configuration).get(FRESH, "").startswith(f"{campaign_id}/")
                or configuration.get("Description", "").startswith(f"{DESCRIPTION} {campaign_id}/")
            )
        ]

    def delete(self, version: str) -> None:
        """Delete one published version; harmless where it is gone."""
        if not version.isdigit():  # without a qualifier DeleteFunction would delete the function
            raise ValueError(f"version: {version!r} is not the number of a published version")
        with contextlib.suppress(self._lambda.exceptions.ResourceNotFoundException):
            self._insist(self._lambda.delete_function, FunctionName=self._name, Qualifier=version)

    def put_back(self, campaign_id: str, memory_mb: int) -> list[str]:
        """Undo what a campaign did: memory, variable, versions; harmless when run again.

        Returns
        -------
        list of str
            What had to be undone, in words; empty where all was as it should be.
        """
        undone = []
        configuration = self._lambda.get_function_configuration(FunctionName=self._name)
        variables = _variables(configuration)
        if configuration["MemorySize"] != memory_mb or FRESH in variables:
            variables.pop(FRESH, None)
            self._configure(memory_mb, variables)
            undone.append(f"memory back to {memory_mb} MB, variable {FRESH} removed")
        for version in self.versions_of(campaign_id):
            self.delete(version)
            undone.append(f"version {version} deleted")
        return undone

    def _configure(self, memory_mb: int, variables: dict[str, str]) -> None:
        self._insist(
            self._lambda.update_function_configuration,
            FunctionName=self._name,
            MemorySize=memory_mb,
            Environment={"Variables": variables},
        )

    def _insist(self, call: Callable[..., dict[str, Any]], **request: Any) -> dict[str, Any]:
        """Make a call, again and again while Lambda says that an earlier change is still under way."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return call(**request)
            except self._lambda.exceptions.ResourceConflictException:
                if time.monotonic() > deadline:
                    raise
                time.sleep(PAUSE_S)


def _variables(configuration: dict[str, Any]) -> dict[str, str]:
    variables: dict[str, str] = configuration.get("Environment", {}).get("Variables", {})
    return variables
