"""Takes the pictures of the page that the documents show, from a report that was fetched.

Run: python -m tests.browser.screenshots .isotherm/reports/ID [NAME]

Writes docs/page-desktop.png and docs/page-phone.png, or with a name docs/NAME.png alone: the top of the page, light, as
this version of Isotherm makes it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from isotherm.analysis.summary import CampaignSummary
from isotherm.report.files.samples_csv import read_csv
from isotherm.report.page.page import render_page

from .chromium import chromium

DOCS = Path(__file__).parents[2] / "docs"
WINDOWS = {"page-desktop": (1280, 1600), "page-phone": (390, 1500)}
NAMED_WINDOW = (1280, 1360)


def main(report: Path, windows: dict[str, tuple[int, int]]) -> None:
    """Render the report's page and take a picture of it in each window."""
    summary = CampaignSummary.model_validate_json((report / "summary.json").read_bytes())
    samples = read_csv((report / "samples.csv.gz").read_bytes())
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        page = Path(folder) / "index.html"
        page.write_text(render_page(summary, samples), encoding="utf-8")
        for name, (width, height) in windows.items():
            browser.open(page, width=width, height=height)
            browser.wait_for("[...document.querySelectorAll('.plot .main-svg')].length > 0")
            browser.evaluate("new Promise(done => setTimeout(done, 500))")
            picture = DOCS / f"{name}.png"
            browser.screenshot(picture)
            print(f"{picture.name}: {picture.stat().st_size / 1000:.0f} kB, complaints: {browser.complaints()}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), dict.fromkeys(sys.argv[2:], NAMED_WINDOW) or WINDOWS)
