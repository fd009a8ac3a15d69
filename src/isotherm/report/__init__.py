"""Shows a summary: an HTML page, tables for the terminal, a CSV of every sample. Computes nothing it could be told."""
