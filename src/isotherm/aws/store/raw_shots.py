"""Raw shots, and what loads came to, in the results bucket, as Fire wrote them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from isotherm.aws.store.bucket import Bucket
from isotherm.aws.store.records import LaneFacts
from isotherm.measurement.shot import Shot

if TYPE_CHECKING:
    from isotherm.load.result import PhaseResult


def write_shots(bucket: Bucket, campaign_id: str, lane_key: str, step: int, shard: int, shots: Iterable[Shot]) -> str:
    """Write the shots of one Fire, one JSON object a line, gzipped; a repeat of the same Fire overwrites."""
    lines = "".join(json.dumps(asdict(shot), separators=(",", ":")) + "\n" for shot in shots)
    # mtime 0: equal shots give equal bytes.
    return bucket.write(shots_key(campaign_id, lane_key, step, shard), gzip.compress(lines.encode(), mtime=0))


def read_shots(bucket: Bucket, campaign_id: str, lane_key: str, step: int, shard: int) -> list[Shot]:
    """The shots that `write_shots` wrote; none where that Fire never wrote any."""
    body = bucket.read_if_there(shots_key(campaign_id, lane_key, step, shard))
    return [] if body is None else [Shot(**fields) for fields in map(json.loads, gzip.decompress(body).splitlines())]


def write_load(bucket: Bucket, campaign_id: str, lane_key: str, step: int, result: PhaseResult, shard: int) -> str:
    """Write what one Fire's share of a phase of a load came to; a repeat of the same Fire overwrites."""
    body = gzip.compress(json.dumps(result.to_dict(), separators=(",", ":")).encode(), mtime=0)
    return bucket.write(_load_key(campaign_id, lane_key, step, shard), body)


def read_loads(bucket: Bucket, campaign_id: str, lane_key: str, step: int, fires: int) -> list[PhaseResult]:
    """What `write_load` wrote for a step, of those of its Fires that wrote."""
    from isotherm.load.result import PhaseResult  # few lanes need it, and its import takes time

    bodies = (bucket.read_if_there(_load_key(campaign_id, lane_key, step, shard)) for shard in range(fires))
    return [PhaseResult.from_dict(json.loads(gzip.decompress(body))) for body in bodies if body is not None]


def count_load(bucket: Bucket, campaign_id: str, lane_key: str, step: int, fires: int) -> LaneFacts:
    """Count what the Fires of a phase of a load say they did; each of their requests is in what they wrote."""
    results = read_loads(bucket, campaign_id, lane_key, step, fires)
    return LaneFacts(
        samples=sum(result.planned for result in results),
        used=sum(result.succeeded for result in results),
        missing=fires - len(results),
    )


def _load_key(campaign_id: str, lane_key: str, step: int, shard: int) -> str:
    return f"raw/{campaign_id}/{lane_key}/s{step}-{shard}.load.json.gz"


def shots_key(campaign_id: str, lane_key: str, step: int, shard: int) -> str:
    """Where the shots of one Fire lie."""
    return f"raw/{campaign_id}/{lane_key}/s{step}-{shard}.jsonl.gz"
