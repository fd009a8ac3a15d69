"""By what a lane knows the versions that it published, and what it changed for that: noted before it is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class AsFound:
    """What a lane may change of a function, as it was before: memory in MB, and the description."""

    memory_mb: int
    description: str


@dataclass(frozen=True, slots=True)
class Publishing:
    """The versions of one step of a lane, which are known by their numbers and by the mark in their descriptions.

    `mark` is unique: campaign, lane, step and a random part. `memory_mb` is what the function was to get for it.
    `versions` are the numbers that PublishVersion gave, in order; the numbers of so many that may follow them were not
    noted: one while it is published. `back`: the function itself is as it was before.
    """

    mark: str
    memory_mb: int
    versions: tuple[str, ...] = ()
    back: bool = False
    unnoted: int = 1

    def of_version(self, number: int) -> str:
        """Description of the version of that place in the order, the first being 0: at most 256 characters."""
        return f"Isotherm {self.mark}/v{number}; deleted when measured"

    def of_function(self, number: int, attempt: int) -> str:
        """Description of the function itself while that version is published.

        It is another one for each version, since PublishVersion publishes nothing where neither code nor configuration
        changed; and never a version's, since a version that somebody else publishes now inherits it.
        """
        return f"{self._measured}v{number}.{attempt}"

    def gave(self, description: str) -> bool:
        """Whether the function itself has this description from us."""
        return description.startswith(self._measured)

    def published(self, version: str) -> Publishing:
        """With the number of the next version."""
        return replace(self, versions=(*self.versions, version))

    def ours(self, found: Iterable[tuple[str, str]]) -> list[str]:
        """Which versions are ours, of those found, with number and description each.

        A version is if PublishVersion gave us its number, and it has the description that we asked for. Whoever was
        stopped between publishing and noting the number left one more, which has exactly the next description; where
        several have it, nobody can tell, and none is ours.
        """
        expected = {self.of_version(place): version for place, version in enumerate(self.versions)}
        noted = len(self.versions)
        following = {self.of_version(place) for place in range(noted, noted + self.unnoted)}
        found = list(found)
        seen = Counter(description for _, description in found)
        return [
            version
            for version, description in found
            if expected.get(description) == version or (description in following and seen[description] == 1)
        ]

    @property
    def _measured(self) -> str:
        return f"Being measured by Isotherm, soon put back: {self.mark}/"
