"""Samples to findings: accounts, summaries, comparisons, trends. Draws nothing and calls nothing."""
