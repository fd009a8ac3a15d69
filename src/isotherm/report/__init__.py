"""Shows a summary: an HTML page, tables for the terminal, a CSV of every sample. All numbers come from the summary."""
