"""44.1 MB of archive with mypy and numpy in it, both imported."""

import isotherm_probe as probe

with probe.imports:
    import mypy  # noqa: F401
    import numpy  # noqa: F401


@probe.observe
def handler(_event: object, _context: object) -> dict[str, object]:
    """Answer at once: the targets differ in what they carry and import, never in what they do."""
    return {"ok": True, "target": "pkg50"}
