"""What a platform log event is, and the rule by which its fields are named. Knows nothing of how they are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from isotherm.platform_log.pattern import Pattern

BASE_FIELDS = (
    "event",
    "request_id",
    "duration_ms",
    "billed_duration_ms",
    "memory_size_mb",
    "max_memory_used_mb",
    "init_duration_ms",
    "restore_duration_ms",
    "billed_restore_duration_ms",
    "xray_trace_id",
    "xray_segment_id",
    "xray_sampled",
    "status",
    "error_type",
)
"""Fields every event has; None where the log does not give them. Durations in milliseconds, memory in MB."""

OTHER_FIELDS = (
    "time",
    "version",
    "phase",
    "initialization_type",
    "runtime_version",
    "runtime_version_arn",
    "function_name",
    "function_version",
    "function_arn",
    "tenant_id",
    "instance_id",
    "instance_max_memory",
    "produced_bytes",
    "spans",
    "tracing_parent",
    "error_message",
    "timeout_seconds",
    "extension_name",
    "extension_state",
    "extension_events",
    "subscribed_types",
    "dropped_bytes",
    "dropped_records",
    "reason",
    "entrypoint",
    "cmd",
    "working_dir",
    "runtime_duration_ms",
    "post_runtime_duration_ms",
    "memory_size_bytes_insights",
    "max_memory_used_bytes_insights",
)
"""Fields only some kinds of event have; absent from the mapping where the log does not give them."""

_BASE = frozenset(BASE_FIELDS)
KNOWN_FIELDS = _BASE.union(OTHER_FIELDS)
"""Names of all fields this version knows."""

_WORD_START = Pattern(r"(?<=[a-z0-9])(?=[A-Z])|[\s_-]+")


def field_name(label: str, unit: str = "") -> str:
    """Name of the field for a label as written in the log.

    One rule serves both forms of the log and fields that are not known yet: words in lower case joined by underscores,
    then the unit. ``Billed Duration`` with ``ms`` and ``billedDurationMs`` both give ``billed_duration_ms``.

    Parameters
    ----------
    label : str
        Label of a text field, or key of a JSON field.
    unit : str
        Unit written after the value, empty for none.

    Returns
    -------
    str
        The field's name.

    Examples
    --------
    >>> field_name("Max Memory Used", "MB"), field_name("maxMemoryUsedMB")
    ('max_memory_used_mb', 'max_memory_used_mb')
    """
    words = _WORD_START.sub("_", label.strip())
    return f"{words}_{unit}".lower() if unit else words.lower()


class Event(Mapping[str, Any]):
    """One event the Lambda platform wrote: a report, a start, a timeout and so on.

    Its fields can be read as attributes (``event.duration_ms``) and as items (``event["duration_ms"]``). Every field
    in `BASE_FIELDS` is always there, None where the log gives no value; a field of `OTHER_FIELDS` reads as None by
    attribute and is missing from the mapping where the event has none. A field unknown to this version is kept under
    the name `field_name` gives it, and listed by `extra`.

    Parameters
    ----------
    fields : dict
        Field values by name, with at least ``event``; the dict is taken over, not copied.
    record : object
        The ``record`` of a JSON event as it was read (spans with their durations, tracing), None for text.

    Examples
    --------
    >>> event = Event({"event": "report", "duration_ms": 1.48})
    >>> event.duration_ms, event["billed_duration_ms"]
    (1.48, None)
    """

    __slots__ = ("_fields", "record")

    record: Any
    _fields: dict[str, Any]

    def __init__(self, fields: dict[str, Any], record: Any = None) -> None:
        self._fields = fields
        self.record = record

    def __getattr__(self, name: str) -> Any:
        # Reached only for slots not yet filled, and for names that are not slots, that is for fields.
        if name[:1] != "_":
            value = self._fields.get(name, self)
            if value is not self:
                return value
            if name in KNOWN_FIELDS or name == "record":
                return None
        elif name == "_fields":
            self._fields = self._late_fields()
            return self._fields
        raise AttributeError(name)

    def _late_fields(self) -> dict[str, Any]:
        """Fields of an event made without them, called when one is first asked for."""
        raise AttributeError("_fields")

    def __getitem__(self, name: str) -> Any:
        try:
            return self._fields[name]
        except KeyError:
            if name in _BASE:
                return None
            raise

    def __iter__(self) -> Iterator[str]:
        yield from BASE_FIELDS
        for name in self._fields:
            if name not in _BASE:
                yield name

    def __len__(self) -> int:
        return len(BASE_FIELDS) + sum(name not in _BASE for name in self._fields)

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self._fields.items() if value is not None)
        return f"Event({given})"

    def __reduce__(self) -> tuple[type[Event], tuple[dict[str, Any], Any]]:
        return Event, (self._fields, self.record)

    @property
    def extra(self) -> dict[str, Any]:
        """Fields this version does not know, by name."""
        return {name: value for name, value in self._fields.items() if name not in KNOWN_FIELDS}

    def to_dict(self) -> dict[str, Any]:
        """All fields as a plain dict, ready for JSON.

        Returns
        -------
        dict
            The base fields in their fixed order, then whatever else this event has.
        """
        fields = self._fields
        whole = {name: fields.get(name) for name in BASE_FIELDS}
        whole.update(fields)
        return whole
