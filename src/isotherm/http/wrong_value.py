"""The refusal of a value, with the name of the field that was to have it, for whoever calls that field otherwise."""

from __future__ import annotations


class WrongValue(ValueError):
    """A value that cannot be; the text begins with the field, `said` is the rest.

    Parameters
    ----------
    field : str
        Its name; of a part of it with the path to it, such as "phases.peak".
    said : str
        The value, and what is accepted.
    """

    def __init__(self, field: str, said: str) -> None:
        super().__init__(f"{field}: {said}")
        self.field = field
        self.said = said
