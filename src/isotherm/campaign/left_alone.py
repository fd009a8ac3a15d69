"""What a lane found changed by others and left as they made it: the facts, and each of them as a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, assert_never, get_args

from isotherm.numbers import listed


@dataclass(frozen=True, kw_only=True)
class MemoryChanged:
    """The function has a memory size that no lane gave it; both in MB."""

    found_mb: int
    before_mb: int
    kind: Literal["memory_changed"] = "memory_changed"


@dataclass(frozen=True, kw_only=True)
class DescriptionChanged:
    """The function has a description that no lane gave it."""

    found: str
    kind: Literal["description_changed"] = "description_changed"


@dataclass(frozen=True, kw_only=True)
class TimeoutChanged:
    """The function has another timeout than when the campaign was planned; both in seconds. No lane changes it."""

    found_s: int
    before_s: int
    kind: Literal["timeout_changed"] = "timeout_changed"


@dataclass(frozen=True, kw_only=True)
class VersionAliased:
    """Aliases point to a version that the lane published, so it is somebody's now."""

    version: str
    aliases: list[str]
    kind: Literal["version_aliased"] = "version_aliased"


@dataclass(frozen=True, kw_only=True)
class CodeReplaced:
    """The function has another code than when the campaign was planned; `measured`: the lane called that code too."""

    measured: bool
    kind: Literal["code_replaced"] = "code_replaced"


@dataclass(frozen=True, kw_only=True)
class LeaseLost:
    """The note of how the function was before had vanished; the function was put back as the plan has it."""

    kind: Literal["lease_lost"] = "lease_lost"


LeftAlone = MemoryChanged | DescriptionChanged | TimeoutChanged | VersionAliased | CodeReplaced | LeaseLost

_KINDS: dict[str, type[LeftAlone]] = {kind.kind: kind for kind in get_args(LeftAlone)}


def fails_lane(fact: LeftAlone) -> bool:
    """Whether a lane that found this must not count as having succeeded."""
    return isinstance(fact, LeaseLost) or (isinstance(fact, CodeReplaced) and fact.measured)


def left_in_words(fact: LeftAlone) -> str:
    """A fact as the part of a sentence that people read."""
    match fact:
        case MemoryChanged():
            return (
                f"somebody set the function's memory to {fact.found_mb} MB meanwhile, which was left so "
                f"(it had {fact.before_mb} MB)"
            )
        case DescriptionChanged():
            return f'somebody changed the function\'s description to "{fact.found}" meanwhile, which was left so'
        case TimeoutChanged():
            return (
                f"somebody set the function's timeout to {fact.found_s} s since the campaign was planned, which was "
                f"left so (it had {fact.before_s} s)"
            )
        case VersionAliased():
            return (
                f"version {fact.version}, published to be measured, was not deleted, since somebody's "
                f"{'alias points' if len(fact.aliases) == 1 else 'aliases point'} to it: {listed(fact.aliases)}"
            )
        case CodeReplaced():
            measured = "; calls of this lane may have run either" if fact.measured else ""
            return f"somebody replaced the function's code since the campaign was planned{measured}"
        case LeaseLost():
            return (
                "the note of how the function was before this lane had vanished from the table; "
                "its memory and description were put back as the plan has them"
            )
        case _:
            assert_never(fact)


def to_items(facts: Iterable[LeftAlone]) -> list[dict[str, Any]]:
    """Facts as plain values, for a table or a file."""
    return [asdict(fact) for fact in facts]


def of_items(items: Iterable[Mapping[str, Any]]) -> list[LeftAlone]:
    """What `to_items` made; kinds of later versions are passed over."""
    return [_KINDS[item["kind"]](**item) for item in items if item["kind"] in _KINDS]
