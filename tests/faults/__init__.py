"""Faults thrown at campaigns on the embedded stack, and one judge of what is left of each: `python -m tests.faults`."""
