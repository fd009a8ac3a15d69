"""What the files of a report are called, in the results bucket and in a folder that they were fetched to."""

from __future__ import annotations

#: The numbers.
SUMMARY = "summary.json"

#: Every sample, one row each.
SAMPLES = "samples.csv.gz"

#: The campaigns of the same name until then.
TREND = "trend.json"

#: The page to open in a browser.
PAGE = "index.html"

#: The same as Markdown, for pasting into an issue.
MARKDOWN = "report.md"

#: What is fetched of a report; the Markdown is made again from the summary.
FETCHED = (SUMMARY, SAMPLES, PAGE)
