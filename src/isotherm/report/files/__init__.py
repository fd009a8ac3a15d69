"""The same results as files that other programs read."""
