"""A measured function as a lane changes it: fresh versions of it, and how everything is put back."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from isotherm.aws.clients import client
from isotherm.campaign.left_alone import (
    CodeReplaced,
    DescriptionChanged,
    LeftAlone,
    MemoryChanged,
    VersionAliased,
    left_in_words,
)
from isotherm.campaign.publishing import AsFound, Publishing

#: A change of a function takes about a second on AWS, during which it refuses the next one; asking again is shorter
#: than waiting for each one's end first.
PAUSE_S = 0.25
PATIENCE_S = 120.0

#: How often a change is tried anew that came upon somebody else's.
ATTEMPTS = 8

#: What AWS says of a change that can be made later, in a ResourceConflictException: that an update is in progress, or
#: that the function is pending. Any other conflict does not go away by waiting.
_LATER = ("update is in progress", "following state: Pending")


class FunctionChanged(Exception):
    """Somebody else changed the function, so that what was planned cannot be measured; it was left as they made it."""

    def __init__(self, *facts: LeftAlone) -> None:
        super().__init__("; ".join(map(left_in_words, facts)))
        self.facts = facts


class NotPublished(Exception):
    """Lambda published no version of our own."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What Lambda says of a function, as far as a lane looks at it; `revision` changes with every change of it."""

    memory_mb: int
    description: str
    timeout_s: int
    code_sha256: str
    revision: str

    @property
    def as_found(self) -> AsFound:
        """What a lane may change of it."""
        return AsFound(self.memory_mb, self.description)


@dataclass(frozen=True, slots=True)
class PutBack:
    """What had to be undone, in words; and what others had changed, and was left as they made it."""

    undone: list[str]
    left: list[LeftAlone]


class MeasuredFunction:
    """One function in one region, as a lane may change it: its memory, its description, its own versions."""

    def __init__(self, region: str, name: str) -> None:
        self._name = name
        self._lambda = client("lambda", region)

    def configuration(self) -> Configuration:
        """The unpublished version as it is now."""
        found = self._lambda.get_function_configuration(FunctionName=self._name)
        return Configuration(
            memory_mb=found["MemorySize"],
            description=found.get("Description", ""),
            timeout_s=found["Timeout"],
            code_sha256=found["CodeSha256"],
            revision=found["RevisionId"],
        )

    def publish(self, publishing: Publishing, before: AsFound, code_sha256: str) -> str:
        """Publish the next version, which never ran before; `wait_until_callable` says when it can be called.

        Parameters
        ----------
        publishing : Publishing
            What was published before it; noted already, so that the version can be found again.
        before : AsFound
            How the function was before the lane.
        code_sha256 : str
            Of the code that is to be measured.

        Returns
        -------
        str
            The version's number.

        Raises
        ------
        FunctionChanged
            Somebody else has changed memory, description or code.
        NotPublished
            Others publish so often that none of the versions is ours.
        """
        number = len(publishing.versions)
        wanted = publishing.of_version(number)
        for attempt in range(ATTEMPTS):
            told = publishing.of_function(number, attempt)
            self._set(publishing, before, told, code_sha256)
            made = self._publish(AsFound(publishing.memory_mb, told), wanted, code_sha256)
            # Where somebody published just before us, Lambda answers with their version: nothing had changed since.
            if made.get("Description", "") == wanted:
                if made["CodeSha256"] != code_sha256:
                    raise FunctionChanged(CodeReplaced(measured=False))
                return str(made["Version"])
        raise NotPublished(f"{self._name}: others published a version before ours, {ATTEMPTS} times")

    def wait_until_callable(self, versions: Iterable[str]) -> None:
        """Wait until versions just published are active."""
        active = self._lambda.get_waiter("published_version_active")
        for version in versions:
            polling = {"Delay": PAUSE_S, "MaxAttempts": int(PATIENCE_S / PAUSE_S)}
            active.wait(FunctionName=self._name, Qualifier=version, WaiterConfig=polling)

    def delete(self, version: str) -> None:
        """Delete one published version; harmless where it is gone."""
        if not version.isdigit():  # without a qualifier DeleteFunction would delete the function
            raise ValueError(f"version: {version!r} is not the number of a published version")
        with contextlib.suppress(self._lambda.exceptions.ResourceNotFoundException):
            self._insist(self._lambda.delete_function, FunctionName=self._name, Qualifier=version)

    def put_back(self, before: AsFound, publishing: Publishing | None) -> PutBack:
        """Undo what a lane did, and nothing else: memory, description, its versions; harmless when run again.

        Parameters
        ----------
        before : AsFound
            How the function was before.
        publishing : Publishing or None
            What the lane noted; None: it has not changed anything yet.
        """
        back = self.put_settings_back(before, publishing)
        undone, left = back.undone, back.left
        for version in self._versions_of(publishing) if publishing else []:
            if aliases := self._aliases().get(version):
                left.append(VersionAliased(version=version, aliases=aliases))
                continue
            try:
                self.delete(version)
            except self._lambda.exceptions.ResourceConflictException:
                aliases = self._aliases().get(version)  # made just then?
                if not aliases:
                    raise
                left.append(VersionAliased(version=version, aliases=aliases))
            else:
                undone.append(f"version {version} deleted")
        return PutBack(undone, left)

    def put_settings_back(self, before: AsFound, publishing: Publishing | None) -> PutBack:
        """Give the function its memory and description of before, where they are what a lane gave it."""
        for _ in range(ATTEMPTS):
            found = self.configuration()
            left = _foreign(found, before, publishing)
            changes: dict[str, Any] = {}
            if found.memory_mb != before.memory_mb and not any(isinstance(fact, MemoryChanged) for fact in left):
                changes["MemorySize"] = before.memory_mb
            if publishing is not None and publishing.gave(found.description):
                changes["Description"] = before.description
            if not changes:
                return PutBack([], left)
            if self._configure(found.revision, changes):
                return PutBack([f"memory of {before.memory_mb} MB and description put back"], left)
        raise FunctionChanged(MemoryChanged(found_mb=found.memory_mb, before_mb=before.memory_mb))

    def _set(self, publishing: Publishing, before: AsFound, description: str, code_sha256: str) -> None:
        """Give the function what the next version is to have; what others changed meanwhile is not written over."""
        for _ in range(ATTEMPTS):
            found = self.configuration()
            facts = _foreign(found, before, publishing)
            if found.code_sha256 != code_sha256:
                facts = [*facts, CodeReplaced(measured=False)]
            if facts:
                raise FunctionChanged(*facts)
            if self._configure(found.revision, {"MemorySize": publishing.memory_mb, "Description": description}):
                return
        raise NotPublished(f"{self._name}: others changed it each time that we were about to, {ATTEMPTS} times")

    def _publish(self, wanted: AsFound, description: str, code_sha256: str) -> dict[str, Any]:
        for _ in range(ATTEMPTS):
            found = self.configuration()
            facts = [] if found.as_found == wanted else _foreign(found, wanted, None)
            if found.code_sha256 != code_sha256:
                facts = [*facts, CodeReplaced(measured=False)]
            if facts:
                raise FunctionChanged(*facts)
            try:
                return self._insist(
                    self._lambda.publish_version,
                    FunctionName=self._name,
                    Description=description,
                    RevisionId=found.revision,
                )
            # Somebody changed something; or our own change is done just now, which moves the revision too.
            except self._lambda.exceptions.PreconditionFailedException:
                continue
        raise NotPublished(f"{self._name}: others changed it each time that we were about to publish it")

    def _versions_of(self, publishing: Publishing) -> list[str]:
        return publishing.ours(
            (configuration["Version"], configuration.get("Description", ""))
            for page in self._lambda.get_paginator("list_versions_by_function").paginate(FunctionName=self._name)
            for configuration in page["Versions"]
            if configuration["Version"] != "$LATEST"
        )

    def _aliases(self) -> dict[str, list[str]]:
        """Names of the aliases that point to each version, also those that send it a part of their calls."""
        pointing = defaultdict(list)
        for page in self._lambda.get_paginator("list_aliases").paginate(FunctionName=self._name):
            for alias in page["Aliases"]:
                weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
                for version in {alias["FunctionVersion"], *weights}:
                    pointing[version].append(alias["Name"])
        return pointing

    def _configure(self, revision: str, changes: dict[str, Any]) -> bool:
        """Change the function if it is still as it was read; False: somebody else was quicker."""
        try:
            self._insist(
                self._lambda.update_function_configuration, FunctionName=self._name, RevisionId=revision, **changes
            )
        except self._lambda.exceptions.PreconditionFailedException:
            return False
        return True

    def _insist(self, call: Callable[..., dict[str, Any]], **request: Any) -> dict[str, Any]:
        """Make a call, again and again while Lambda says that an earlier change is still under way."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return call(**request)
            except self._lambda.exceptions.ResourceConflictException as conflict:
                if not _passes(conflict) or time.monotonic() > deadline:
                    raise
                time.sleep(PAUSE_S)


def _foreign(found: Configuration, before: AsFound, publishing: Publishing | None) -> list[LeftAlone]:
    """What is neither as before nor what the lane gave the function: somebody else's."""
    facts: list[LeftAlone] = []
    ours_mb = publishing.memory_mb if publishing is not None and not publishing.back else before.memory_mb
    if found.memory_mb not in (before.memory_mb, ours_mb):
        facts.append(MemoryChanged(found_mb=found.memory_mb, before_mb=before.memory_mb))
    if found.description != before.description and not (publishing is not None and publishing.gave(found.description)):
        facts.append(DescriptionChanged(found=found.description))
    return facts


def _passes(conflict: ClientError) -> bool:
    message = conflict.response["Error"]["Message"]
    return any(later in message for later in _LATER)
