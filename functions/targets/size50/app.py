"""The very archive of pkg50, of which nothing is imported."""

import isotherm_probe as probe


@probe.observe
def handler(_event: object, _context: object) -> dict[str, object]:
    """Answer at once: the targets differ in what they carry and import, never in what they do."""
    return {"ok": True, "target": "size50"}
