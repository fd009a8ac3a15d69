"""The calls that are measured: invoke, HTTP, load; and what they need to be let in."""
