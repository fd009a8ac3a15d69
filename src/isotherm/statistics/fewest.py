"""How few rounds, and how few values of one, say nothing: known also where nothing is computed. Imports nothing."""

from __future__ import annotations

#: Below this many rounds nothing is said of how rounds differ, nor of how two sides that share them do.
FEWEST_ROUNDS = 3

#: Of fewer values in a round, Student's t over rounds is not to be trusted: the median of two is their mean, which a
#: slow mode pulls away.
LEAST_A_ROUND = 3
