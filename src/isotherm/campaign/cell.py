"""Which cell a sample belongs to: the unit that statistics are for. The one place where its dimensions are named."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

from isotherm.campaign.lane import CallProtocol, Operation

Kind = Literal["cold", "warm", "prime"]


class CellKey(NamedTuple):
    """The cell a sample is counted in; `kind` is what was asked for, not what was proved."""

    target: str
    region: str
    memory_mb: int
    kind: Kind
    client_region: str | None = None
    protocol: CallProtocol = "invoke"
    operation: Operation | None = None
    inner: str | None = None
    inner_region: str | None = None


class InCell(Protocol):
    """Whatever belongs to a cell: a sample, a cell of a summary, a finding about one."""

    @property
    def target(self) -> str:
        """The function that was called."""

    @property
    def region(self) -> str:
        """Where that function is."""

    @property
    def memory_mb(self) -> int:
        """Its memory."""

    @property
    def kind(self) -> Kind:
        """What was asked for."""

    @property
    def client_region(self) -> str | None:
        """From where it was called, where clients are told apart."""

    @property
    def protocol(self) -> CallProtocol:
        """By which protocol."""

    @property
    def operation(self) -> Operation | None:
        """What was asked of it."""

    @property
    def inner(self) -> str | None:
        """Which function it called in turn."""

    @property
    def inner_region(self) -> str | None:
        """And where."""


def cell_key(found: InCell) -> CellKey:
    """The cell that a sample is counted in, or that a summary's entry is about."""
    return CellKey(*(getattr(found, field) for field in CellKey._fields))
