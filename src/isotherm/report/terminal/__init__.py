"""The same results as tables of a terminal."""
