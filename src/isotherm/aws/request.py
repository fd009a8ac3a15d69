"""Reads what a control function is called with into a dataclass, and names the field that is wrong.

Knows nothing of what the fields mean. pydantic would do the same, and its import would be a third of a lane function's
(docs/decisions.md, "Import time").
"""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

Request = TypeVar("Request")

#: What is asked for, as a person says it; a class that is not here is a dataclass, and so an object.
_NEEDED: dict[type, str] = {str: "text", int: "a whole number", bool: "true or false", dict: "an object"}

#: What is there instead, by what JSON gives. The value itself is not repeated: it may be a task token.
_FOUND: dict[type, str] = {
    str: "text",
    int: "a number",
    float: "a number with a fraction",
    bool: "true or false",
    dict: "an object",
    list: "a list",
    NoneType: "null",
}


class InvalidRequest(Exception):
    """A control function was called with something that it cannot read; the text names the field."""


@dataclass(frozen=True, slots=True)
class CampaignRequest:
    """Input of the functions that work on a whole campaign."""

    campaign_id: str

    @property
    def log_keys(self) -> dict[str, str]:
        """Fields for every line of the log, so that one filter finds the lines of a campaign."""
        return {"campaign_id": self.campaign_id}


@dataclass(frozen=True, slots=True)
class TourRequest(CampaignRequest):
    """Input of the functions that work on one tour."""

    tour: str

    @property
    def log_keys(self) -> dict[str, str]:
        """Fields for every line of the log, so that one filter finds the lines of a campaign or a tour."""
        return {"campaign_id": self.campaign_id, "tour": self.tour}

    @property
    def where(self) -> tuple[str, str]:
        """The campaign's id and the tour's key, by which the table knows the tour."""
        return self.campaign_id, self.tour


@dataclass(frozen=True, slots=True)
class StageRequest(TourRequest):
    """Input of the functions that work on one stage of a tour."""

    stage: int


def parse(cls: type[Request], event: object, at: str = "") -> Request:
    """Make a request from the event that a function is called with.

    Fields that the request does not have are passed over: a state machine that was started by an earlier version, or
    EventBridge, says more than a function reads. Where a field is missing they are named, since one of them may be it.

    Parameters
    ----------
    cls : type
        A dataclass whose fields are text, whole numbers, truth values, objects (`dict[str, Any]` or a further
        dataclass), any of these or None, or `Any`.
    event : object
        What json gave.
    at : str
        Where in the event this is, as `detail.`; empty for the event itself.

    Raises
    ------
    InvalidRequest
        A field is missing or of another type.
    """
    if not isinstance(event, dict):
        raise InvalidRequest(f"{at.removesuffix('.') or 'event'}: {_found(event)} is given; an object is needed")
    known = fields(cls)  # type: ignore[arg-type]  # a dataclass, as said above
    kinds = get_type_hints(cls)
    unknown = ", ".join(str(name) for name in event if name not in kinds)
    values = {}
    for field in known:
        if field.name in event:
            values[field.name] = _checked(kinds[field.name], event[field.name], at + field.name)
        elif _is_required(field):
            hint = f" (there is {unknown})" if unknown else ""
            raise InvalidRequest(f"{at}{field.name}: missing; {_needed(kinds[field.name])} is needed{hint}")
    return cls(**values)


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _checked(kind: Any, value: object, at: str) -> object:
    """The value, where it is of this kind; an object that is asked for as a dataclass is made one."""
    allowed = _alternatives(kind)
    for one in allowed:
        if is_dataclass(one) and isinstance(value, dict):
            return parse(one, value, f"{at}.")  # type: ignore[arg-type]  # a class, not one of its objects
        # To Python a bool is an int.
        if one is Any or type(value) is (get_origin(one) or one):
            return value
    raise InvalidRequest(f"{at}: {_found(value)} is given; {_needed(kind)} is needed")


def _alternatives(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _needed(kind: Any) -> str:
    named = [_NEEDED.get(get_origin(one) or one, "an object") for one in _alternatives(kind) if one is not NoneType]
    return "a value" if kind is Any else " or ".join(named)


def _found(value: object) -> str:
    return _FOUND.get(type(value), type(value).__name__)
