"""Lets these tests make up campaigns as the statistics' tests do."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "unit" / "statistics"))
