"""What all documents that the analysis writes are made of. Knows nothing of what they say."""

from __future__ import annotations

from typing import dataclass_transform

from pydantic import BaseModel, Field

from isotherm.campaign.cell import InCell


# The decorator tells type checkers what `frozen=True` tells pydantic: nothing that derives from it is ever changed.
@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(Field,))
class Shape(BaseModel, extra="forbid", frozen=True):
    """Part of a document: no field that is not known, and never changed."""


class OfCell(Shape, InCell):
    """Part of a document that is about one cell, with that cell's dimensions beside its own fields."""
