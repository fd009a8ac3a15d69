"""What cells are called: by target, region, memory and kind, and by whatever else tells them apart."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from isotherm.campaign.cell import DIMENSIONS, CellKey, InCell, cell_key

#: How a call reached its function, as the rest of a sentence.
WAYS: Mapping[str, str] = {
    "invoke": "by invoke",
    "http": "through API Gateway",
    "server": "over HTTPS to the server",
    "instance": "over HTTPS to the server on EC2",
}


#: Dimensions that the names below have words for; any other is named with its value, so that no two cells are alike.
_HAVE_WORDS = frozenset(
    {"target", "region", "memory_mb", "kind", "client_region", "protocol", "operation", "inner", "inner_region"}
)


def varying(cells: Iterable[InCell]) -> frozenset[str]:
    """Fields of their keys in which these cells differ: what their names have to mention to tell them apart."""
    keys = [cell_key(cell) for cell in cells]
    return frozenset(field for field in DIMENSIONS if len({getattr(key, field) for key in keys}) > 1)


def cell_name(cell: InCell, mention: Collection[str] | None = None) -> str:
    """A cell as a sentence names it: target, region, memory and kind, and of the rest what is to be mentioned.

    Parameters
    ----------
    cell : InCell
        What is named.
    mention : collection of str, optional
        Fields, such as `varying` finds; by default everything in which the cell is not a plain one.

    Examples
    --------
    >>> cell_name(CellKey("default", "us-east-1", 128, "cold"))
    'default in us-east-1, 128 MB, cold'
    >>> cell_name(CellKey("customers", "us-east-1", 128, "warm", "eu-west-2", "http", "get"), {"client_region"})
    'customers in us-east-1 from eu-west-2, 128 MB, warm'
    """
    return f"{call_in_words(cell, mention)}, {cell.memory_mb} MB, {cell.kind}"


def call_in_words(cell: InCell, mention: Collection[str] | None = None) -> str:
    """What was called, where and by which way: a cell's name without memory and kind; parameters as of `cell_name`."""
    key = cell_key(cell)
    named = _unusual(key) if mention is None else mention
    operation = f" ({key.operation})" if key.operation and "operation" in named else ""
    return " ".join([f"{key.target}{operation} in {key.region}", *_route(key, named)])


def row_name(cell: InCell, mention: Collection[str] | None = None) -> str:
    """A cell as one row of a table names it: its target, unless something else tells the table's cells apart.

    Parameters
    ----------
    cell : InCell
        What is named, among others of its region, memory size and kind.
    mention : collection of str, optional
        Fields, such as `varying` finds; by default the target, and everything in which the cell is not a plain one.
    """
    key = cell_key(cell)
    named = _unusual(key) | {"target"} if mention is None else mention
    parts = [key.target] if "target" in named else []
    parts += [f"({key.operation})" if parts else key.operation] if key.operation and "operation" in named else []
    return " ".join([*parts, *_route(key, named)]) or key.target


def way(cell: InCell) -> list[str]:
    """By which way a cell was called, in words, where that is not the plain one: none for most campaigns."""
    key = cell_key(cell)
    return [*([key.operation] if key.operation else []), *_route(key, _unusual(key))]


def _route(key: CellKey, mention: Collection[str]) -> list[str]:
    found = []
    if key.inner and ("inner" in mention or "inner_region" in mention):
        found.append(f"calling {key.inner}" + (f" in {key.inner_region}" if key.inner_region else ""))
    if "protocol" in mention:
        # Another version's cells, in a trend, may have a protocol that this one does not know.
        found.append(WAYS.get(key.protocol, f"by {key.protocol}"))
    if key.client_region and "client_region" in mention:
        found.append(f"from {key.client_region}")
    without_words = [name for name in DIMENSIONS if name in mention and name not in _HAVE_WORDS]
    return found + [f"{name.replace('_', ' ')} {getattr(key, name)}" for name in without_words]


def _unusual(key: CellKey) -> frozenset[str]:
    plain = CellKey(key.target, key.region, key.memory_mb, key.kind)
    return varying([plain, key])
