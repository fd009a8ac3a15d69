"""The state machines, run on every ASL interpreter there is on this machine."""
