"""Findings in plain sentences. Decides nothing."""
