"""The Python API of a deployed stack: plan, run, follow and fetch campaigns."""
