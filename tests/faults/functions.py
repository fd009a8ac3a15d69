"""The functions that are measured under faults: made for one campaign, counted from outside, described as facts."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integration.embedded import ROOT, STACK, Embedded

from .oracle import FunctionFacts

SOURCE = Path(__file__).parent / "target" / "app.py"
PROBE = ROOT / "functions" / "targets" / "isotherm_probe.py"

#: Of a function's configuration, what only says when somebody last touched it.
_PASSING = {"ResponseMetadata", "LastModified", "RevisionId", "State", "StateReason", "StateReasonCode"}
_PASSING |= {"LastUpdateStatus", "LastUpdateStatusReason", "LastUpdateStatusReasonCode"}


@dataclass(frozen=True)
class Measured:
    """One function of one campaign; each of its calls is a line of the file `count`."""

    embedded: Embedded
    target: str
    region: str
    count: Path

    @property
    def name(self) -> str:
        """What the function is called."""
        return f"{STACK}-target_{self.target}"

    @property
    def client(self) -> Any:
        """Lambda of its region."""
        return self.embedded.client("lambda", self.region)

    def create(self, behaviour: str, memory_mb: int = 128, timeout_s: int = 3) -> None:
        """Make the function."""
        probe = self.client.get_function_configuration(FunctionName=f"{STACK}-target_default")
        variables = {
            "ISOTHERM_TARGET": self.target,
            "FAULTS_COUNT": str(self.count),
            "FAULTS_BEHAVIOUR": behaviour,
            "ODD": "a 'quoted' é\nsecond line",
        }
        self.client.create_function(
            FunctionName=self.name,
            Runtime=probe["Runtime"],
            Role=probe["Role"],
            Handler="app.handler",
            Description="the team's own words",
            Timeout=timeout_s,
            MemorySize=memory_mb,
            Environment={"Variables": variables},
            Code={"ZipFile": code()},
        )

    def delete(self) -> None:
        """Remove the function with all its versions."""
        try:
            self.client.delete_function(FunctionName=self.name)
        except self.client.exceptions.ResourceNotFoundException:
            return  # that was the fault

    def facts(self) -> FunctionFacts:
        """All that there is of it, byte for byte."""
        functions = self.client
        try:
            versions = functions.list_versions_by_function(FunctionName=self.name)["Versions"]
            configuration = functions.get_function_configuration(FunctionName=self.name)
            aliases = functions.list_aliases(FunctionName=self.name)["Aliases"]
        except functions.exceptions.ResourceNotFoundException:
            return {}
        found = {name: text_of(value) for name, value in configuration.items() if name not in _PASSING}
        found |= {f"version {one['Version']}": version_text(one) for one in versions if one["Version"] != "$LATEST"}
        return found | {f"alias {one['Name']}": one["FunctionVersion"] for one in aliases}

    def calls(self) -> list[str]:
        """Shots it was called with, as it counted them itself."""
        if not self.count.exists():
            return []
        return [json.loads(line)["shot_id"] for line in self.count.read_text().splitlines()]


@dataclass(frozen=True)
class Deployed(Measured):
    """A function that the stack itself has, called since then (Unix ms): what its probe wrote to its log is counted."""

    since_ms: int

    def create(self, behaviour: str, memory_mb: int = 128, timeout_s: int = 3) -> None:
        """It is there."""

    def delete(self) -> None:
        """It stays."""

    def calls(self) -> list[str]:
        """Shots it was called with, as its log has them."""
        logs = self.embedded.client("logs", self.region)
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{self.name}", startTime=self.since_ms
        )
        messages = [event["message"] for page in pages for event in page["events"]]
        return [json.loads(text)["shot_id"] for text in messages if '"isotherm_probe"' in text]


def version_text(version: dict[str, Any]) -> str:
    """A version as one text: whose it is, its code and its memory."""
    return text_of([version.get("Description", ""), version["CodeSha256"], version["MemorySize"]])


def code(further: str = "") -> bytes:
    """The measured function's package; `further` makes it another one."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", SOURCE.read_text() + further)
        archive.writestr("isotherm_probe.py", PROBE.read_text())
    return packed.getvalue()


def text_of(value: object) -> str:
    """A fact as one text, the same for equal facts."""
    return json.dumps(value, sort_keys=True, default=str)
