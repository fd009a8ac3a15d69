"""Why functions cannot be run in containers here."""

from __future__ import annotations


class NoEngine(Exception):
    """There is no Docker engine, or no image for the functions, and why."""
