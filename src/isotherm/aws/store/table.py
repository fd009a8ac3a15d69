"""The samples table: the progress of lanes, and the lease on a function that is being measured.

One table, keys `pk` and `sk`; `expires_at` (epoch seconds) is its TTL attribute.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from isotherm.aws.clients import Home, client
from isotherm.aws.store.attribute_values import decode, encode
from isotherm.aws.store.lease import FunctionBusy, Lease, LeaseGone
from isotherm.aws.store.records import ENDED, CampaignRecord, LaneFacts, LaneRecord, TourRecord
from isotherm.campaign.lane import LaneTask
from isotherm.campaign.tour import Tour
from isotherm.campaign.watching import CAMPAIGN_S, TOUR_S, may_have_tours

if TYPE_CHECKING:
    from isotherm.campaign.plan import Plan

#: Samples and progress leave the table after this; raw shots and reports in the bucket have a rule of their own.
KEEP_DAYS = 400

#: No tour lives longer, so an older lease is not held by any tour.
LEASE_S = TOUR_S

#: No plan takes longer to make (TimeoutSeconds of PlanCampaign in campaign.asl.json).
PLANNING_S = 150

_BATCH = 25  # AWS, BatchWriteItem: at most 25 put requests


class Table:
    """Reads and writes the home region's table."""

    def __init__(self, home: Home) -> None:
        self._name = home.table
        self._db = client("dynamodb", home.region)

    # Campaigns and the progress of their lanes

    def admit(self, plan: Plan) -> None:
        """Record a campaign's tours and the tasks of its lanes, and that the campaign is admitted."""
        self.put_tasks(plan.tasks())
        self.put_tours(plan.campaign_id, plan.tours.values())
        self.put_campaign(
            CampaignRecord(
                campaign_id=plan.campaign_id,
                started_at=plan.created_at,
                name=plan.campaign.name,
                lanes=len(plan.lanes),
                price_usd=plan.price.usd,
            )
        )

    def put_campaign(self, campaign: CampaignRecord) -> None:
        """Record an admitted campaign: by its id, among all campaigns, and among those of its name."""
        item = {**campaign.item(), "expires_at": expiry()}
        when = f"{campaign.started_at}#{campaign.campaign_id}"
        of_name = f"campaigns#{campaign.name}"
        for pk, sk in ((f"campaign#{campaign.campaign_id}", "campaign"), ("campaigns", when), (of_name, when)):
            self._db.put_item(TableName=self._name, Item=encode({"pk": pk, "sk": sk, **item}))

    def stop_campaign(self, campaign_id: str) -> None:
        """Mark a campaign as stopped: no further tour of it is started."""
        self._db.update_item(
            TableName=self._name,
            Key=_key(f"campaign#{campaign_id}", "campaign"),
            UpdateExpression="SET stopped_at = :at",
            ExpressionAttributeValues={":at": {"N": str(int(time.time()))}},
        )

    def campaign_stopped(self, campaign_id: str) -> bool:
        """Whether `stop_campaign` was called for it."""
        campaign = self.campaign(campaign_id)
        return campaign is not None and campaign.stopped_at is not None

    def put_plan_copy(self, campaign_id: str, copy: str) -> None:
        """Keep a copy of a campaign's plan, as `isotherm.aws.store.plans` packs it."""
        item = {"pk": f"campaign#{campaign_id}", "sk": "plan", "copy": copy, "expires_at": expiry()}
        self._db.put_item(TableName=self._name, Item=encode(item))

    def plan_copy(self, campaign_id: str) -> str | None:
        """What `put_plan_copy` kept; None where there is none."""
        item = self._get(f"campaign#{campaign_id}", "plan")
        return item["copy"] if item else None

    def put_tasks(self, tasks: Iterable[LaneTask]) -> None:
        """Record each lane's task and that it has not begun."""
        self.write(
            {
                "pk": f"campaign#{task.campaign_id}",
                "sk": f"lane#{task.lane.key}",
                "status": "planned",
                "target": task.lane.target,
                "region": task.lane.region,
                "round": task.lane.round,
                "task": task.to_json(),
                "expires_at": expiry(),
            }
            for task in tasks
        )

    def task(self, campaign_id: str, lane_key: str) -> LaneTask | None:
        """What a lane has to do; None where its row is not there, or was deleted: its progress then made another."""
        item = self._get(f"campaign#{campaign_id}", f"lane#{lane_key}")
        return LaneTask.from_json(item["task"]) if item and "task" in item else None

    def put_tours(self, campaign_id: str, tours: Iterable[Tour]) -> None:
        """Record each tour and that it has not begun."""
        self.write(
            {
                "pk": f"campaign#{campaign_id}",
                "sk": f"tour#{tour.key}",
                "tour": tour.to_json(),
                "expires_at": expiry(),
            }
            for tour in tours
        )

    def tour(self, campaign_id: str, tour_key: str) -> Tour | None:
        """What a tour carries out; None where its row is not there, or was deleted: its progress then made another."""
        item = self._get(f"campaign#{campaign_id}", f"tour#{tour_key}")
        return Tour.from_json(item["tour"]) if item and "tour" in item else None

    def begin_tour(self, campaign_id: str, tour_key: str, *, task_token: str) -> None:
        """Record that a tour is about to be started, and the token by which the campaign hears of its end."""
        facts = {"task_token": task_token, "updated_at": int(time.time()), "expires_at": expiry()}
        self._update_tour(campaign_id, tour_key, facts)

    def note_execution(self, campaign_id: str, tour_key: str, execution_arn: str) -> None:
        """Record where a tour runs."""
        self._update_tour(campaign_id, tour_key, {"execution_arn": execution_arn})

    def end_tour(self, campaign_id: str, tour_key: str) -> None:
        """Record that a tour has ended or is given up: nothing may be changed in its name any more."""
        now = int(time.time())
        self._update_tour(
            campaign_id, tour_key, {"ended_at": now, "updated_at": now, "expires_at": expiry()}, " REMOVE task_token"
        )

    def tour_ended(self, campaign_id: str, tour_key: str) -> bool:
        """Whether `end_tour` was called for it."""
        item = self._get(f"campaign#{campaign_id}", f"tour#{tour_key}")
        return item is not None and "ended_at" in item

    def tours(self, campaign_id: str) -> list[TourRecord]:
        """Where each tour of a campaign runs, and the token by which the campaign hears of its end."""
        wanted = ("sk", "updated_at", "ended_at", "execution_arn", "task_token")
        items = self.query(f"campaign#{campaign_id}", "tour#", wanted)
        return [TourRecord.of(item["sk"].removeprefix("tour#"), item) for item in items]

    def _update_tour(self, campaign_id: str, tour_key: str, facts: Mapping[str, Any], also: str = "") -> None:
        places = {f"#{number}": name for number, name in enumerate(facts)}
        self._db.update_item(
            TableName=self._name,
            Key=_key(f"campaign#{campaign_id}", f"tour#{tour_key}"),
            UpdateExpression="SET " + ", ".join(f"{name} = {name.replace('#', ':')}" for name in places) + also,
            ExpressionAttributeNames=places,
            ExpressionAttributeValues=encode({f":{number}": value for number, value in enumerate(facts.values())}),
        )

    def finish_campaign(self, campaign_id: str, headline: str) -> None:
        """Record that a campaign's report is there, and what it says."""
        change = {
            "TableName": self._name,
            "UpdateExpression": "SET finished_at = :at, headline = :headline",
            "ExpressionAttributeValues": {":at": {"N": str(int(time.time()))}, ":headline": {"S": headline}},
        }
        answer = self._db.update_item(Key=_key(f"campaign#{campaign_id}", "campaign"), ReturnValues="ALL_NEW", **change)
        campaign = CampaignRecord.of(campaign_id, decode(answer["Attributes"]))
        if campaign.name:  # not one whose record has expired meanwhile
            when = f"{campaign.started_at}#{campaign_id}"
            self._db.update_item(Key=_key(f"campaigns#{campaign.name}", when), **change)

    def update_lane(self, campaign_id: str, lane_key: str, said: LaneFacts, *, unless_ended: bool = False) -> None:
        """Set facts of a lane's progress; with `unless_ended`, leave a lane alone that has ended."""
        facts = {**said.said(), "updated_at": int(time.time()), "expires_at": expiry()}
        names = {f"#{number}": name for number, name in enumerate(facts)}
        values = encode({f":{number}": value for number, value in enumerate(facts.values())})
        request: dict[str, Any] = {
            "TableName": self._name,
            "Key": _key(f"campaign#{campaign_id}", f"lane#{lane_key}"),
            "UpdateExpression": "SET " + ", ".join(f"#{number} = :{number}" for number in range(len(facts))),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }
        if unless_ended:
            names["#status"] = "status"
            values |= {f":{status}": {"S": status} for status in ENDED}
            request["ConditionExpression"] = f"NOT #status IN ({', '.join(f':{status}' for status in ENDED)})"
        try:
            self._db.update_item(**request)
        except ClientError as fault:
            if not _condition_failed(fault):
                raise

    def announce(self, campaign_id: str, lane_key: str, step: int, sent: Mapping[str, int]) -> None:
        """Record how many calls of a step, by kind, were sent or are about to be; before they are.

        See docs/measuring.md, rule 27.
        """
        self._db.update_item(
            TableName=self._name,
            Key=_key(f"campaign#{campaign_id}#{lane_key}", f"sent#{step}"),
            UpdateExpression="SET sent = :sent, expires_at = :at",
            ExpressionAttributeValues=encode({":sent": dict(sent), ":at": expiry()}),
        )

    def note_odd_lines(self, campaign_id: str, lane_key: str, step: int, lines: int) -> None:
        """Record how many lines of a step said that they are a probe's and could not be read."""
        self._db.update_item(
            TableName=self._name,
            Key=_key(f"campaign#{campaign_id}#{lane_key}", f"odd#{step}"),
            UpdateExpression="SET odd_lines = :lines, expires_at = :at",
            ExpressionAttributeValues=encode({":lines": lines, ":at": expiry()}),
        )

    def odd_lines(self, campaign_id: str, lane_key: str) -> int:
        """What `note_odd_lines` recorded, of all steps of a lane."""
        return sum(item["odd_lines"] for item in self.query(f"campaign#{campaign_id}#{lane_key}", "odd#"))

    def announced(self, campaign_id: str, lane_key: str, step: int) -> dict[str, int] | None:
        """What `announce` recorded of a step; None where nothing was about to be sent."""
        item = self._get(f"campaign#{campaign_id}#{lane_key}", f"sent#{step}")
        return item["sent"] if item else None

    def announced_steps(self, campaign_id: str, lane_key: str) -> dict[int, dict[str, int]]:
        """What `announce` recorded of a lane, by step."""
        items = self.query(f"campaign#{campaign_id}#{lane_key}", "sent#")
        return {int(item["sk"].removeprefix("sent#")): item["sent"] for item in items}

    def lane_ended(self, campaign_id: str, lane_key: str) -> bool:
        """Whether a lane has ended or been given up: then nothing may be changed in its name any more."""
        lane = self.lane(campaign_id, lane_key)
        return lane is not None and lane.end is not None

    def lane(self, campaign_id: str, lane_key: str) -> LaneRecord | None:
        """The progress of one lane; None where the campaign has no such lane."""
        item = self._get(f"campaign#{campaign_id}", f"lane#{lane_key}")
        return LaneRecord.of(lane_key, item) if item else None

    def campaign(self, campaign_id: str) -> CampaignRecord | None:
        """What was recorded of a campaign; None where it was never admitted."""
        item = self._get(f"campaign#{campaign_id}", "campaign")
        return CampaignRecord.of(campaign_id, item) if item else None

    def campaigns(self, limit: int) -> list[CampaignRecord]:
        """What was recorded of the latest campaigns that were admitted, the newest first."""
        return [self.campaign(found.campaign_id) or found for found in self._latest(limit)]

    def campaigns_beside(self, campaign_id: str, began_at: float, ended_at: float, limit: int) -> list[str]:
        """Ids of campaigns among the latest `limit` that ran at some time between two Unix times (s), oldest first.

        One of which no end is known counts for as long as a campaign may last.
        """
        found = []
        for record in self.campaigns(limit):
            if record.campaign_id == campaign_id or not record.started_at:
                continue
            started_at = datetime.fromisoformat(record.started_at).timestamp()
            ends = [at for at in (record.finished_at, record.stopped_at, record.unwatched_at) if at is not None]
            if started_at <= ended_at and min(ends, default=started_at + CAMPAIGN_S) >= began_at:
                found.append((started_at, record.campaign_id))
        return [name for _, name in sorted(found)]

    def campaigns_named(self, name: str, since: str, limit: int) -> list[CampaignRecord]:
        """What was recorded of the latest campaigns of a name that started at or after `since`, the newest first.

        Those whose report is there have `finished_at`. Times are ISO 8601 in UTC; an empty `since` is the beginning.
        """
        pages = self._db.get_paginator("query").paginate(
            TableName=self._name,
            KeyConditionExpression="pk = :pk AND sk >= :since",
            ExpressionAttributeValues={":pk": {"S": f"campaigns#{name}"}, ":since": {"S": since or " "}},
            ScanIndexForward=False,
            PaginationConfig={"MaxItems": limit},
        )
        return [_campaign(decode(item)) for page in pages for item in page["Items"]]

    def campaign_names(self, limit: int) -> list[str]:
        """Names of the latest `limit` campaigns, each once, the newest first."""
        return list(dict.fromkeys(found.name for found in self._latest(limit)))

    def _latest(self, limit: int) -> list[CampaignRecord]:
        answer = self._db.query(
            TableName=self._name,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": "campaigns"}},
            ScanIndexForward=False,
            Limit=limit,
        )
        return [_campaign(decode(item)) for item in answer["Items"]]

    def lanes(self, campaign_id: str) -> list[LaneRecord]:
        """The progress of each lane."""
        return [_lane(item) for item in self.query(f"campaign#{campaign_id}", "lane#")]

    def leave_unwatched(self, campaign_id: str) -> None:
        """Mark a campaign as one of which no tour runs any more."""
        self._db.update_item(
            TableName=self._name,
            Key=_key(f"campaign#{campaign_id}", "campaign"),
            UpdateExpression="SET unwatched_at = :at",
            ExpressionAttributeValues={":at": {"N": str(int(time.time()))}},
        )

    # The lease on a function

    def acquire(self, lease: Lease) -> Lease:
        """Take the lease, or take it over from a tour that cannot be running any more.

        Returns
        -------
        Lease
            What is now recorded: on a takeover memory and description stay what the earlier tour found, and what it
            published stays noted, since the function may never have been put back.

        Raises
        ------
        FunctionBusy
            Another campaign holds it.
        """
        earlier = self.lease(lease.region, lease.function_name)
        # Within one campaign tours of a function never overlap, so an earlier tour of ours is dead or is this one.
        if earlier and earlier.campaign_id != lease.campaign_id and self._is_kept(earlier):
            raise FunctionBusy(_busy(earlier))
        if earlier and not earlier.at_rest:
            lease = replace(
                lease,
                memory_mb=earlier.memory_mb,
                description=earlier.description,
                publishing=earlier.publishing,
            )
        if not self._put_lease(lease, earlier):
            quicker = self.lease(lease.region, lease.function_name)
            raise FunctionBusy(_busy(quicker) if quicker else f"{lease.function_name} was taken by another campaign")
        return lease

    def reserve(self, campaign_id: str, leases: Iterable[Lease]) -> None:
        """Take functions for a campaign before any tour of it begins, at rest: all of them or none.

        One whose last tour died keeps the lease of that tour, which the campaign's own tour takes over with what it
        noted.

        Raises
        ------
        FunctionBusy
            It names each that another campaign has, or keeps for a later round, and that campaign.
        """
        # In one order, so that of two campaigns that want the same functions at once one gets them all.
        wanted = sorted(leases, key=lambda lease: (lease.region, lease.function_name))
        busy = self.kept_by_others(campaign_id, [(lease.region, lease.function_name) for lease in wanted])
        taken: list[Lease] = []
        for lease in [] if busy else wanted:
            earlier = self.lease(lease.region, lease.function_name)
            if earlier is not None and not earlier.at_rest:
                continue
            if self._put_lease(lease, earlier):
                taken.append(lease)
                continue
            busy = self.kept_by_others(campaign_id, [(lease.region, lease.function_name)])
            break
        if busy:
            for lease in taken:
                self.release(lease)
            raise FunctionBusy("; ".join(map(_busy, busy)))

    def kept_by_others(self, campaign_id: str | None, functions: Iterable[tuple[str, str]]) -> list[Lease]:
        """The leases on functions, by region and name, that campaigns but this one hold, or keep for a later tour."""
        found = [lease for region, name in functions if (lease := self.lease(region, name))]
        return [lease for lease in found if lease.campaign_id != campaign_id and self._is_kept(lease)]

    def _is_kept(self, lease: Lease) -> bool:
        """Whether somebody still has a function: a tour that may be alive, or a campaign between two tours of it."""
        if not lease.at_rest:
            return lease.acquired_at + LEASE_S > time.time()
        campaign = self.campaign(lease.campaign_id)
        if campaign is None or not campaign.started_at:  # its plan is just being made, or its record has expired
            return lease.acquired_at + PLANNING_S > time.time()
        over = campaign.finished_at or campaign.stopped_at or campaign.unwatched_at
        return may_have_tours(time.time() - datetime.fromisoformat(campaign.started_at).timestamp(), over=bool(over))

    def note(self, lease: Lease) -> Lease:
        """Write down what a tour that holds a lease is about to do, or has done, and return it.

        Raises
        ------
        LeaseGone
            It does not hold it any more.
        """
        if not self._put_lease(lease, lease):
            raise LeaseGone(f"the lease on {lease.function_name} in {lease.region} is gone")
        return lease

    def _put_lease(self, lease: Lease, seen: Lease | None) -> bool:
        """Write a lease if what is there is what was seen; False where it is not."""
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if seen is not None:
            condition = {
                # A lease of an earlier version names a lane.
                "ConditionExpression": "campaign_id = :campaign AND acquired_at = :at"
                " AND (tour = :tour OR attribute_not_exists(tour))",
                "ExpressionAttributeValues": encode(
                    {":campaign": seen.campaign_id, ":tour": seen.tour, ":at": seen.acquired_at}
                ),
            }
        item = encode({**_lease_key(lease.region, lease.function_name), **lease.item()})
        try:
            self._db.put_item(TableName=self._name, Item=item, **condition)
        except ClientError as fault:
            if _condition_failed(fault):
                return False
            raise
        return True

    def lease(self, region: str, function_name: str) -> Lease | None:
        """Who holds a function, if anybody."""
        item = self._get(**_lease_key(region, function_name))
        return Lease.of(item) if item else None

    def release(self, lease: Lease, *, goes_on: bool = False) -> None:
        """Give a lease back; harmless where it is gone or somebody else's.

        Where the campaign `goes_on` with the function later, it keeps it till then: nobody else is let in between.
        """
        if goes_on:
            self._put_lease(lease.rested(), lease)
            return
        try:
            self._db.delete_item(
                TableName=self._name,
                Key=_key(**_lease_key(lease.region, lease.function_name)),
                ConditionExpression="campaign_id = :campaign AND tour = :tour",
                ExpressionAttributeValues={":campaign": {"S": lease.campaign_id}, ":tour": {"S": lease.tour}},
            )
        except ClientError as fault:
            if not _condition_failed(fault):
                raise

    def give_up_functions(self, campaign_id: str, functions: Iterable[tuple[str, str]]) -> None:
        """Let others at functions, by region and name, that a campaign kept for a later tour and will not need."""
        for region, name in functions:
            lease = self.lease(region, name)
            if lease is not None and lease.campaign_id == campaign_id and lease.at_rest:
                self.release(lease)

    # Items

    def write(self, items: Iterable[dict[str, Any]]) -> None:
        """Write items in batches, again where DynamoDB leaves some of them unwritten."""
        requests = [{"PutRequest": {"Item": encode(item)}} for item in items]
        for first in range(0, len(requests), _BATCH):
            self._write_batch(requests[first : first + _BATCH])

    def _write_batch(self, requests: list[dict[str, Any]]) -> None:
        for attempt in range(10):
            answer = self._db.batch_write_item(RequestItems={self._name: requests})
            requests = answer.get("UnprocessedItems", {}).get(self._name, [])
            if not requests:
                return
            time.sleep(min(0.05 * 2**attempt, 5))
        raise RuntimeError(f"table {self._name} left {len(requests)} items unwritten after 10 attempts")

    def _get(self, pk: str, sk: str) -> dict[str, Any] | None:
        item = self._db.get_item(TableName=self._name, Key=_key(pk, sk), ConsistentRead=True).get("Item")
        return decode(item) if item else None

    def query(self, pk: str, prefix: str, fields_wanted: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
        """Items of one partition whose sort key begins with `prefix`; all attributes, or those that are wanted."""
        wanted: dict[str, Any] = {}
        if fields_wanted:
            names = {f"#{number}": name for number, name in enumerate(fields_wanted)}
            wanted = {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
        pages = self._db.get_paginator("query").paginate(
            TableName=self._name,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues={":pk": {"S": pk}, ":sk": {"S": prefix}},
            ConsistentRead=True,
            **wanted,
        )
        for page in pages:
            yield from map(decode, page["Items"])


def expiry() -> int:
    """When what is written now leaves the table, in epoch seconds."""
    return int(time.time()) + KEEP_DAYS * 86_400


def _lane(item: dict[str, Any]) -> LaneRecord:
    return LaneRecord.of(item["sk"].removeprefix("lane#"), item)


def _campaign(item: dict[str, Any]) -> CampaignRecord:
    return CampaignRecord.of(item["campaign_id"], item)


def _busy(lease: Lease) -> str:
    return (
        f"{lease.function_name} in {lease.region} is being measured by campaign {lease.campaign_id}; "
        f"wait for it to end, or stop it (isotherm stop {lease.campaign_id})"
    )


def _lease_key(region: str, function_name: str) -> dict[str, str]:
    return {"pk": f"function#{region}#{function_name}", "sk": "lease"}


def _key(pk: str, sk: str) -> dict[str, Any]:
    return encode({"pk": pk, "sk": sk})


def _condition_failed(fault: ClientError) -> bool:
    return bool(fault.response["Error"]["Code"] == "ConditionalCheckFailedException")
