"""Which cell a sample belongs to: the unit that statistics are for. The one place where its dimensions are named."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from operator import attrgetter
from typing import Any, Literal

from isotherm.campaign.lane import CallProtocol, Lane, Operation, Step

Kind = Literal["cold", "warm", "prime"]


@dataclass(frozen=True)
class InCell:
    """Whatever belongs to a cell, with the dimensions of that cell: a sample, an entry of a summary, a finding.

    All that belongs to a cell derives from this class, so a dimension is added here, and in `cell_of`, which says where
    its value comes from. It needs a default, with which everything is read that was written before there was such a
    dimension.

    `kind` is what was asked for, not what was proved. `client_region` is from where the target was called, None where
    the campaign does not tell clients apart; `inner` is the function that the target called in turn.
    """

    target: str
    region: str
    memory_mb: int
    kind: Kind
    client_region: str | None = None
    protocol: CallProtocol = "invoke"
    operation: Operation | None = None
    inner: str | None = None
    inner_region: str | None = None


@dataclass(frozen=True, slots=True)
class CellKey(InCell):
    """A cell: its dimensions and nothing else, so that samples can be grouped by it."""


DIMENSIONS: tuple[str, ...] = tuple(field.name for field in fields(InCell))

_dimensions_of = attrgetter(*DIMENSIONS)


def cell_key(found: InCell) -> CellKey:
    """The cell that a sample is counted in, or that a summary's entry is about."""
    return _known_key(_dimensions_of(found))


@cache  # there are many samples and few cells
def _known_key(dimensions: tuple[Any, ...]) -> CellKey:
    return CellKey(*dimensions)


def cell_of(lane: Lane, step: Step, kind: Kind, memory_mb: int, *, clients_named: bool) -> CellKey:
    """The cell of the calls of one kind that a lane's step makes.

    Parameters
    ----------
    memory_mb : int
        Of the function as it is called: the step's, or what the function has where the step leaves it as deployed.
    clients_named : bool
        Whether the campaign tells its cells apart by client.
    """
    return CellKey(
        target=lane.target,
        region=lane.region,
        memory_mb=memory_mb,
        kind=kind,
        client_region=lane.client_region if clients_named else None,
        protocol=step.protocol,
        operation=step.operation,
        inner=step.inner.target if step.inner else None,
        inner_region=step.inner.region if step.inner else None,
    )
