# ruff: noqa: N803 - the names of AWS
"""Lambda in memory, as strict as AWS documents it where moto and the embedded stack are not.

PublishVersion publishes nothing where neither code nor configuration changed since the last version; a change is under
way for a while, and refuses the next one; RevisionId is held against the latest one, which moves once more when a
change is done; a version with an alias cannot be deleted.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

#: How long a change is under way: it refuses so many others.
REFUSALS = 1


class Refused(Exception):
    """Lambda's answer that is an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class StrictLambda:
    """The functions of one region, asked and changed through that region's client."""

    def __init__(self, client: Any) -> None:
        #: What somebody else does just before an operation is carried out, the first time that it is called.
        self.before: dict[str, list[Callable[[], Any]]] = defaultdict(list)
        #: Operations carried out or refused, in order.
        self.called: list[str] = []
        self._functions: dict[str, _Function] = {}
        self._operations: dict[str, Callable[..., dict[str, Any]]] = {
            "GetFunctionConfiguration": self._get,
            "UpdateFunctionConfiguration": self._update,
            "UpdateFunctionCode": self._update_code,
            "PublishVersion": self._publish,
            "ListVersionsByFunction": self._list_versions,
            "ListAliases": self._list_aliases,
            "CreateAlias": self._create_alias,
            "DeleteFunction": self._delete,
        }
        client.meta.events.register_first("provide-client-params.lambda", _keep_params)
        client.meta.events.register_first("before-call.lambda", self._answer)

    def create(self, name: str, memory_mb: int, description: str, variables: dict[str, str], code_sha256: str) -> None:
        """Make a function that is ready at once."""
        self._functions[name] = _Function(
            {
                "FunctionName": name,
                "FunctionArn": f"arn:aws:lambda:us-east-1:123456789012:function:{name}",
                "MemorySize": memory_mb,
                "Description": description,
                "Environment": {"Variables": variables},
                "Timeout": 30,
                "CodeSha256": code_sha256,
                "CodeSize": 169,
                "State": "Active",
                "Version": "$LATEST",
            }
        )

    def _answer(self, model: Any, context: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        self.called.append(model.name)
        params = context["params"]
        if acts := self.before[model.name]:
            acts.pop(0)()
        try:
            said = self._operations[model.name](**params)
        except Refused as refusal:
            fault = {"Error": {"Code": refusal.code, "Message": str(refusal)}}
            return SimpleNamespace(status_code=refusal.status), fault
        return SimpleNamespace(status_code=200), copy.deepcopy(said)

    def _function(self, name: str) -> _Function:
        if name not in self._functions:
            raise Refused(404, "ResourceNotFoundException", f"Function not found: {name}")
        return self._functions[name]

    def _get(self, FunctionName: str, Qualifier: str = "$LATEST") -> dict[str, Any]:
        return self._function(FunctionName).version(Qualifier)

    def _update(self, FunctionName: str, RevisionId: str | None = None, **changes: Any) -> dict[str, Any]:
        return self._function(FunctionName).change(RevisionId, changes)

    def _update_code(
        self, FunctionName: str, ZipFile: bytes, Publish: bool = False, RevisionId: str | None = None
    ) -> dict[str, Any]:
        function = self._function(FunctionName)
        changed = function.change(RevisionId, {"CodeSha256": ZipFile.decode()})
        if not Publish:
            return changed
        function.refusals = 0
        return function.publish(None, None, None)

    def _publish(
        self,
        FunctionName: str,
        CodeSha256: str | None = None,
        Description: str | None = None,
        RevisionId: str | None = None,
    ) -> dict[str, Any]:
        return self._function(FunctionName).publish(CodeSha256, Description, RevisionId)

    def _list_versions(self, FunctionName: str, MaxItems: int = 50) -> dict[str, Any]:  # noqa: ARG002 - all of them
        function = self._function(FunctionName)
        return {"Versions": [function.latest, *function.versions.values()]}

    def _list_aliases(self, FunctionName: str) -> dict[str, Any]:
        return {"Aliases": list(self._function(FunctionName).aliases.values())}

    def _create_alias(self, FunctionName: str, Name: str, FunctionVersion: str, **facts: Any) -> dict[str, Any]:
        function = self._function(FunctionName)
        function.version(FunctionVersion)
        function.aliases[Name] = {"Name": Name, "FunctionVersion": FunctionVersion, **facts}
        return function.aliases[Name]

    def _delete(self, FunctionName: str, Qualifier: str | None = None) -> dict[str, Any]:
        if Qualifier is None:
            self._function(FunctionName)
            del self._functions[FunctionName]
        else:
            self._function(FunctionName).delete(Qualifier)
        return {}


class _Function:
    """One function: $LATEST, versions, aliases, and how many changes are still to be refused."""

    def __init__(self, latest: dict[str, Any]) -> None:
        self.latest = latest
        self.versions: dict[str, dict[str, Any]] = {}
        self.aliases: dict[str, dict[str, Any]] = {}
        self.refusals = 0
        self._revisions = self._numbers = 0
        self._move()

    def version(self, qualifier: str) -> dict[str, Any]:
        if qualifier == "$LATEST":
            return self.latest
        if qualifier not in self.versions:
            raise Refused(404, "ResourceNotFoundException", f"Function not found: version {qualifier}")
        return self.versions[qualifier]

    def change(self, revision: str | None, changes: dict[str, Any]) -> dict[str, Any]:
        self._may_change(revision)
        self.latest |= changes
        self._move()
        self.refusals = REFUSALS
        return self.latest

    def publish(self, code: str | None, description: str | None, revision: str | None) -> dict[str, Any]:
        self._may_change(revision)
        if code is not None and code != self.latest["CodeSha256"]:
            said = f"CodeSHA256 ({code}) is different from current CodeSHA256 in $LATEST"
            raise Refused(400, "InvalidParameterValueException", said)
        last = self.versions.get(str(self._numbers))
        if last is not None and last["_of"] == _content(self.latest):
            return _shown(last)
        self._numbers += 1
        made = {**copy.deepcopy(self.latest), "Version": str(self._numbers), "_of": _content(self.latest)}
        if description:
            made["Description"] = description
        self.versions[made["Version"]] = made
        return _shown(made)

    def delete(self, version: str) -> None:
        self.version(version)
        if users := [alias["Name"] for alias in self.aliases.values() if version in _versions_of(alias)]:
            said = f"Unable to delete version because the following aliases reference it: {users}"
            raise Refused(409, "ResourceConflictException", said)
        del self.versions[version]

    def _may_change(self, revision: str | None) -> None:
        if self.refusals:
            self.refusals -= 1
            if not self.refusals:
                self._move()  # the change is done
            said = "The operation cannot be performed at this time. An update is in progress for resource: function"
            raise Refused(409, "ResourceConflictException", said)
        if revision is not None and revision != self.latest["RevisionId"]:
            said = "The RevisionId provided does not match the latest RevisionId for the Lambda function or alias."
            raise Refused(412, "PreconditionFailedException", said)

    def _move(self) -> None:
        self._revisions += 1
        self.latest["RevisionId"] = f"revision-{self._revisions}"


def _keep_params(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["params"] = params


def _content(configuration: dict[str, Any]) -> dict[str, Any]:
    return {name: copy.deepcopy(value) for name, value in configuration.items() if name != "RevisionId"}


def _shown(version: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in version.items() if name != "_of"}


def _versions_of(alias: dict[str, Any]) -> set[str]:
    return {alias["FunctionVersion"], *alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})}
