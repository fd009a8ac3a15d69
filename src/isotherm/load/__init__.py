"""Makes load and counts what came of it: closed and open loop, phases, shards.

`spec` and `plan` say which requests are made, `generator` makes them of a `target`, `result` counts them and adds up
what shards counted. Only `generator` and `alarm` know the time.
"""

from isotherm.load.spec import PHASES, REQUESTS_PER_ITERATION, LoadSpec, Phase, closed_loop_requests

__all__ = ["PHASES", "REQUESTS_PER_ITERATION", "LoadSpec", "Phase", "closed_loop_requests"]
