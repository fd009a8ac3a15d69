"""The results bucket: plans, what Fire wrote, reports. Knows where each object lies, nothing of what it means."""

from __future__ import annotations

import gzip
import json
import logging
import zlib
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from isotherm.aws.clients import Home, client

if TYPE_CHECKING:
    from isotherm.load.result import PhaseResult
    from isotherm.measurement.shot import Shot


logger = logging.getLogger(__name__)

#: How the names of shots end; those of loads and versions end otherwise.
_SHOTS = ".jsonl.gz"


class Bucket:
    """Reads and writes a campaign's objects in the home region's bucket."""

    def __init__(self, home: Home) -> None:
        self._name = home.bucket
        self._s3 = client("s3", home.region)

    def write(self, key: str, body: bytes, content_type: str = "application/octet-stream") -> str:
        """Write one object; returns its key."""
        self._s3.put_object(Bucket=self._name, Key=key, Body=body, ContentType=content_type)
        return key

    def read(self, key: str) -> bytes:
        """One object's bytes."""
        body: bytes = self._s3.get_object(Bucket=self._name, Key=key)["Body"].read()
        return body

    def read_if_there(self, key: str) -> bytes | None:
        """One object's bytes; None where there is no such object."""
        try:
            return self.read(key)
        except self._s3.exceptions.NoSuchKey:
            return None

    def delete_if_allowed(self, key: str) -> None:
        """Delete one object; harmless where there is no such object, and where we may not delete it."""
        try:
            self._s3.delete_object(Bucket=self._name, Key=key)
        except ClientError as fault:
            if fault.response["Error"]["Code"] != "AccessDenied":
                raise

    def read_log(self, key: str) -> bytes:
        """A log file under `logs/`, unpacked where it is gzipped, as CloudWatch Logs exports are."""
        body = self.read(key)
        return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body

    def write_versions(self, campaign_id: str, lane_key: str, step: int, versions: list[str]) -> None:
        """Write which versions were published for a step, in the order of its bursts."""
        self.write(
            _raw_key(campaign_id, lane_key, step, "versions.json"), json.dumps(versions).encode(), "application/json"
        )

    def read_versions(self, campaign_id: str, lane_key: str, step: int) -> list[str]:
        """The versions that `write_versions` wrote."""
        versions: list[str] = json.loads(self.read(_raw_key(campaign_id, lane_key, step, "versions.json")))
        return versions

    def write_shots(
        self, campaign_id: str, lane_key: str, step: int, shard: int, shots: Iterable[Shot], part: int = 0
    ) -> str:
        """Write shots of one Fire, one JSON object a line, gzipped; a repeat of the same part overwrites."""
        lines = "".join(json.dumps(asdict(shot), separators=(",", ":")) + "\n" for shot in shots)
        # mtime 0: equal shots give equal bytes.
        body = gzip.compress(lines.encode(), mtime=0)
        name = f"{shard}.{part}{_SHOTS}" if part else f"{shard}{_SHOTS}"
        return self.write(_raw_key(campaign_id, lane_key, step, name), body)

    def read_shots(self, campaign_id: str, lane_key: str, step: int, shard: int) -> list[Shot]:
        """The shots that `write_shots` wrote, of all parts that are there and can be read."""
        keys = self.keys(_raw_key(campaign_id, lane_key, step, f"{shard}."))
        return [shot for key in keys if key.endswith(_SHOTS) for shot in self._read_part(key)]

    def _read_part(self, key: str) -> list[Shot]:
        from isotherm.measurement.shot import Shot  # whoever reads no shots does without its import

        body = self.read_if_there(key)
        try:
            lines = [] if body is None else gzip.decompress(body).splitlines()
            return [Shot(**fields) for fields in map(json.loads, lines)]
        except (OSError, EOFError, zlib.error, ValueError, TypeError):
            logger.exception("shots cannot be read", extra={"key": key})
            return []

    def steps_with_shots(self, campaign_id: str) -> set[tuple[str, int]]:
        """Lane and step of all shots that are there."""
        found = set()
        for key in self.keys(f"raw/{campaign_id}/"):
            _, _, lane_key, name = key.split("/", 3)
            step = name.partition("-")[0].removeprefix("s")
            if name.endswith(_SHOTS) and step.isdigit():
                found.add((lane_key, int(step)))
        return found

    def keys(self, prefix: str) -> list[str]:
        """Keys of all objects that begin so, in order."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", ())]

    def write_load(self, campaign_id: str, lane_key: str, step: int, shard: int, result: PhaseResult) -> str:
        """Write what one Fire's share of a phase of a load came to; a repeat of the same Fire overwrites."""
        body = gzip.compress(json.dumps(result.to_dict(), separators=(",", ":")).encode(), mtime=0)
        return self.write(_raw_key(campaign_id, lane_key, step, f"{shard}.load.json.gz"), body)

    def read_loads(self, campaign_id: str, lane_key: str, step: int, fires: int) -> list[PhaseResult]:
        """What `write_load` wrote for a step, of those of its Fires that wrote what can be read."""
        from isotherm.load.result import PhaseResult  # few lanes need it, and its import takes time

        keys = (_raw_key(campaign_id, lane_key, step, f"{shard}.load.json.gz") for shard in range(fires))
        found = []
        for key in keys:
            body = self.read_if_there(key)
            try:
                found += [] if body is None else [PhaseResult.from_dict(json.loads(gzip.decompress(body)))]
            except (OSError, EOFError, zlib.error, ValueError, TypeError, LookupError):
                logger.exception("a share of a load cannot be read", extra={"key": key})
        return found


def _raw_key(campaign_id: str, lane_key: str, step: int, name: str) -> str:
    return f"raw/{campaign_id}/{lane_key}/s{step}-{name}"


def plan_key(campaign_id: str) -> str:
    """Where a campaign's plan lies."""
    return f"plans/{campaign_id}.json"


def dry_plan_key(campaign_id: str) -> str:
    """Where the plan of a dry run lies, until the bucket's lifecycle rule deletes it after a day."""
    return f"dry-plans/{campaign_id}.json"


def report_key(campaign_id: str, name: str) -> str:
    """Where a file of a campaign's report lies; `isotherm.report.file_names` has their names."""
    return f"reports/{campaign_id}/{name}"
