"""The functions that a stack has to be measured: what they are called, and what a region says of one of them."""

from __future__ import annotations

import re
from typing import Any

from isotherm.aws.clients import client
from isotherm.campaign.lane import TargetFunction

#: The variable by which a function says that it is a target, and which.
TARGET = "ISOTHERM_TARGET"


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
        description=configuration.get("Description", ""),
    )


def _variables(configuration: dict[str, Any]) -> dict[str, str]:
    variables: dict[str, str] = configuration.get("Environment", {}).get("Variables", {})
    return variables
