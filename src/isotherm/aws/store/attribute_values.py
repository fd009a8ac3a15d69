"""DynamoDB's typed JSON to plain Python values and back, floats included.

boto3 has a serializer, which refuses floats and brings all of boto3 with it; the control functions use botocore alone,
whose import takes a seventh less (docs/decisions.md, "Import time").
"""

from __future__ import annotations

from typing import Any


def encode(values: dict[str, Any]) -> dict[str, Any]:
    """An item of None, bool, int, float, str, list and dict values, as DynamoDB's API takes it.

    Raises
    ------
    TypeError
        A value is of another type.
    ValueError
        A number is not finite: DynamoDB has no such number.
    """
    return {name: _encode(value) for name, value in values.items()}


def decode(item: dict[str, Any]) -> dict[str, Any]:
    """What `encode` was given; a whole number comes back as an int, whatever it was."""
    return {name: _decode(value) for name, value in item.items()}


def _encode(value: Any) -> dict[str, Any]:
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case float():
            if value - value != 0:
                raise ValueError(f"{value} is not a number that DynamoDB can store")
            return {"N": repr(value)}  # the shortest text that reads back as the same float
        case str():
            return {"S": value}
        case list() | tuple():
            return {"L": [_encode(element) for element in value]}
        case dict():
            return {"M": encode(value)}
        case _:
            raise TypeError(f"{type(value).__name__} has no DynamoDB type here")


def _decode(value: dict[str, Any]) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "NULL":
            return None
        case "N":
            number = float(content)
            # Beyond 2**53 a float would lose digits that the text has.
            return int(content) if content.lstrip("-").isdigit() else int(number) if number.is_integer() else number
        case "L":
            return [_decode(element) for element in content]
        case "M":
            return decode(content)
        case _:
            return content
