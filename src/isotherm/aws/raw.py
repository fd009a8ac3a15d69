"""Raw shots in the results bucket, as Fire wrote them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import asdict

from isotherm.aws.bucket import Bucket
from isotherm.sample import Shot


def write_shots(bucket: Bucket, campaign_id: str, lane_key: str, step: int, shard: int, shots: Iterable[Shot]) -> str:
    """Write the shots of one Fire, one JSON object a line, gzipped; a repeat of the same Fire overwrites."""
    lines = "".join(json.dumps(asdict(shot), separators=(",", ":")) + "\n" for shot in shots)
    # mtime 0: equal shots give equal bytes.
    return bucket.write(shots_key(campaign_id, lane_key, step, shard), gzip.compress(lines.encode(), mtime=0))


def read_shots(bucket: Bucket, campaign_id: str, lane_key: str, step: int, shard: int) -> list[Shot]:
    """The shots that `write_shots` wrote; none where that Fire never wrote any."""
    body = bucket.read_if_there(shots_key(campaign_id, lane_key, step, shard))
    return [] if body is None else [Shot(**fields) for fields in map(json.loads, gzip.decompress(body).splitlines())]


def shots_key(campaign_id: str, lane_key: str, step: int, shard: int) -> str:
    """Where the shots of one Fire lie."""
    return f"raw/{campaign_id}/{lane_key}/s{step}-{shard}.jsonl.gz"
