"""22.7 MB of archive with mypy in it, imported."""

import isotherm_probe as probe

with probe.imports:
    import mypy  # noqa: F401


@probe.observe
def handler(_event: object, _context: object) -> dict[str, object]:
    """Answer at once: the targets differ in what they carry and import, never in what they do."""
    return {"ok": True, "target": "pkg20"}
