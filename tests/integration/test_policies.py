"""The policies suffice and are needed: a campaign, and single calls in a function's name, checked against them.

One region only: MiniStack gives the same stack the same role names in every region, so the second one's policies would
replace the first one's. On AWS role names are unique.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from isotherm.load.customers import create_request, customer, read_request

from .curl import Curl, curl_that_signs
from .embedded import HOME, STACK, START_S, Embedded, Ran, deployed_stack

CAMPAIGN = {
    "name": "policies",
    "targets": ["default", "pkg20"],
    "memory_mb": [256],
    "cold": {"samples": 3, "concurrency": 2},
    "warm": {"samples": 2},
    "rounds": 1,
}


@pytest.fixture(scope="module")
def enforcing() -> Iterator[Embedded]:
    """A stack that checks every call."""
    with deployed_stack("policies", up=["--enforce-iam"]) as stack:
        yield stack


@pytest.fixture(scope="module")
def ran(enforcing: Embedded) -> Ran:
    """The second of two campaigns on it: its Aggregate reads the first one's report."""
    first = enforcing.isotherm("run", "-", "--json", text=json.dumps(CAMPAIGN))
    assert first.code == 0, first.err
    return enforcing.isotherm("run", "-", "--json", text=json.dumps(CAMPAIGN))


def test_a_campaign_needs_no_permission_that_the_template_does_not_give(ran: Ran) -> None:
    assert ran.code == 0, ran.err
    summary = json.loads(Path(ran.document["summary"]).read_text())
    assert [(lane["region"], lane["status"]) for lane in summary["lanes"]] == [(HOME, "succeeded")] * 2
    accounting = summary["accounting"]
    assert accounting["planned"] == accounting["answered"] == accounting["report_found"] == 2 * (3 + 2 + 1)
    assert "This campaign among those of its name" in Path(ran.document["page"]).read_text()


def test_planning_alone_needs_no_permission_that_the_template_does_not_give(enforcing: Embedded) -> None:
    before = enforcing.objects()
    planned = enforcing.isotherm("plan", "-", "--json", text=json.dumps(CAMPAIGN))
    assert planned.code == 0, planned.err
    assert planned.document["price"]["usd"] > 0
    assert enforcing.objects() == before


BRIEFLY = {"warm": {"samples": 2}, "rounds": 1}

#: The other ways a campaign may go, each with whom it calls that the one above does not.
WAYS = {
    "the API and its table": {"targets": ["customers"], "protocols": ["invoke", "http"], **BRIEFLY},
    "functions that call others": {
        "targets": ["outer"],
        "inner": {"targets": ["inner", "inner_db"], "regions": [HOME]},
        **BRIEFLY,
    },
    "a load": {"targets": ["customers"], "protocols": ["invoke", "http"], "load": {"threads": 2, "iterations": 2}},
}


@pytest.mark.parametrize("campaign", WAYS.values(), ids=WAYS)
def test_no_way_of_measuring_needs_a_permission_that_the_template_does_not_give(
    enforcing: Embedded, campaign: dict[str, Any]
) -> None:
    document = {"name": "ways", "regions": [HOME], **campaign}
    ran = enforcing.isotherm("run", "-", "--json", text=json.dumps(document))
    assert ran.code == 0, ran.err
    summary = json.loads(Path(ran.document["summary"]).read_text())
    assert {(lane["region"], lane["status"]) for lane in summary["lanes"]} == {(HOME, "succeeded")}
    assert summary["failures"] == summary["imbalances"] == []
    if "load" not in campaign:
        accounting = summary["accounting"]
        assert accounting["planned"] == accounting["answered"] == accounting["report_found"] > 0
        assert accounting["failed"] == 0
    for load in summary["loads"]:
        whole = load["rows"][-1]
        assert (whole["succeeded"], whole["failed"]) == (whole["planned"], {})
        assert whole["planned"] > 0
    assert {load["protocol"] for load in summary["loads"]} == ({"invoke", "http"} if "load" in campaign else set())
    assert enforcing.leases() == []


# What each role may, found out in its name: a function with that role makes the call.

IMPOSTOR = """
import json, os, urllib.error, urllib.request
import botocore.session
from botocore.exceptions import ClientError

def handler(event, context):
    if "each" in event:
        return [handler(one, context) for one in event["each"]]
    try:
        return call_api(**event["api"]) if "api" in event else call_aws(**event["aws"])
    except ClientError as fault:
        return fault.response["Error"]["Code"]

def call_aws(service, operation, parameters):
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    client = botocore.session.get_session().create_client(service, os.environ["AWS_REGION"], endpoint_url=endpoint)
    getattr(client, operation)(**parameters)
    return "allowed"

def call_api(role_arn, method, url, body):
    from isotherm.aws.calls.signature import Signer
    data = None if body is None else body.encode()
    signer = Signer(os.environ["AWS_REGION"], role_arn)
    headers = signer.headers(method, url, data, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)) as answer:
            return answer.status
    except urllib.error.HTTPError as refusal:
        return refusal.code
"""

Impostor = Callable[[str, dict[str, Any]], Any]


@pytest.fixture(scope="module")
def call_as(enforcing: Embedded) -> Impostor:
    """Makes a call in the name of a resource of the template: of a role, or of a function's role."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("app.py", IMPOSTOR)
    functions, stack = enforcing.client("lambda"), enforcing.client("cloudformation")
    fire = functions.get_function_configuration(FunctionName=f"{STACK}-fire")
    made: set[str] = set()

    def call(role: str, event: dict[str, Any]) -> Any:
        name = f"impostor-{role}"
        if role not in made:
            found = stack.describe_stack_resource(StackName=STACK, LogicalResourceId=role)["StackResourceDetail"]
            account = enforcing.environment["AWS_ACCESS_KEY_ID"]
            functions.create_function(
                FunctionName=name,
                Runtime=fire["Runtime"],
                Role=f"arn:aws:iam::{account}:role/{found['PhysicalResourceId']}",
                Handler="app.handler",
                Code={"ZipFile": archive.getvalue()},
                Layers=[layer["Arn"] for layer in fire["Layers"]],
                Timeout=30,
            )
            made.add(role)
        answer = functions.invoke(FunctionName=name, Payload=json.dumps(event))
        told = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, told
        return told

    return call


@pytest.fixture(scope="module")
def own_api(enforcing: Embedded) -> str:
    """Address of the stack's own API."""
    return enforcing.output("CustomersApiUrl")


@pytest.fixture(scope="module")
def foreign_api(enforcing: Embedded, own_api: str) -> str:
    """Address of an API of somebody else in the same account and region, before the same function."""
    apis = enforcing.client("apigatewayv2")
    api = apis.create_api(Name="somebody-elses", ProtocolType="HTTP")["ApiId"]
    function = enforcing.client("lambda").get_function_configuration(FunctionName=f"{STACK}-target_customers")
    integration = apis.create_integration(
        ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=function["FunctionArn"], PayloadFormatVersion="2.0"
    )["IntegrationId"]
    for route in ("POST /customers", "GET /customers/{email}"):
        apis.create_route(ApiId=api, RouteKey=route, AuthorizationType="AWS_IAM", Target=f"integrations/{integration}")
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    return own_api.rpartition("/")[0] + f"/{api}"


def caller_role(enforcing: Embedded, stack: str = STACK) -> str:
    return f"arn:aws:iam::{enforcing.environment['AWS_ACCESS_KEY_ID']}:role/{stack}-caller_{HOME}"


@pytest.mark.parametrize(
    "request_made", [create_request(customer(1, 1)), read_request(customer(1, 1).email_id)], ids=["create", "read"]
)
def test_fire_calls_the_stacks_api_as_its_caller_and_no_other_api(
    enforcing: Embedded, call_as: Impostor, own_api: str, foreign_api: str, request_made: Any
) -> None:
    body = request_made.body.decode() if request_made.body else None
    statuses = []
    for api, role_arn in ((own_api, caller_role(enforcing)), (own_api, None), (foreign_api, caller_role(enforcing))):
        call = {"role_arn": role_arn, "method": request_made.method, "url": api + request_made.path, "body": body}
        statuses.append(call_as("FireFunctionRole", {"api": call}))
    assert statuses == [201 if body else 200, 403, 403]


def test_fire_becomes_no_other_stacks_caller(enforcing: Embedded, call_as: Impostor) -> None:
    parameters = {"RoleArn": caller_role(enforcing, "other"), "RoleSessionName": "impostor"}
    call = {"service": "sts", "operation": "assume_role", "parameters": parameters}
    assert call_as("FireFunctionRole", {"aws": call}) == "AccessDenied"


@pytest.mark.parametrize("role", ["CollectFunctionRole", "OuterRole", "CustomersRole"])
def test_nobody_but_fire_becomes_the_apis_caller(enforcing: Embedded, call_as: Impostor, role: str) -> None:
    parameters = {"RoleArn": caller_role(enforcing), "RoleSessionName": "impostor"}
    call = {"service": "sts", "operation": "assume_role", "parameters": parameters}
    assert call_as(role, {"aws": call}) == "AccessDenied"


def invoke(function: str) -> dict[str, Any]:
    return {"service": "lambda", "operation": "invoke", "parameters": {"FunctionName": function}}


def get(table: str, key: str) -> dict[str, Any]:
    parameters = {"TableName": table, "Key": {name: {"S": "x"} for name in key.split()}}
    return {"service": "dynamodb", "operation": "get_item", "parameters": parameters}


def scan(table: str) -> dict[str, Any]:
    return {"service": "dynamodb", "operation": "scan", "parameters": {"TableName": table}}


MAY = [
    ("OuterRole", invoke(f"{STACK}-target_inner"), "allowed"),
    ("OuterRole", invoke(f"{STACK}-target_inner_db"), "allowed"),
    ("OuterRole", invoke(f"{STACK}-target_default"), "AccessDeniedException"),
    ("OuterRole", invoke("other-target_inner"), "AccessDeniedException"),
    ("OuterRole", get(f"{STACK}-inner", "id"), "AccessDeniedException"),
    ("InnerRole", get(f"{STACK}-inner", "id"), "AccessDeniedException"),
    ("InnerRole", invoke(f"{STACK}-target_inner"), "AccessDeniedException"),
    ("InnerDbRole", get(f"{STACK}-inner", "id"), "allowed"),
    ("InnerDbRole", scan(f"{STACK}-inner"), "AccessDeniedException"),
    ("InnerDbRole", get(f"{STACK}-customers", "EmailID"), "AccessDeniedException"),
    ("InnerDbRole", get(f"{STACK}-samples", "pk sk"), "AccessDeniedException"),
    ("CustomersRole", get(f"{STACK}-customers", "EmailID"), "allowed"),
    ("CustomersRole", scan(f"{STACK}-customers"), "AccessDeniedException"),
    ("CustomersRole", get("other-customers", "EmailID"), "AccessDeniedException"),
    ("CustomersRole", get(f"{STACK}-samples", "pk sk"), "AccessDeniedException"),
]


@pytest.mark.parametrize(
    ("role", "call", "told"),
    MAY,
    ids=[f"{role}-{call['operation']}-{next(iter(call['parameters'].values()))}" for role, call, _ in MAY],
)
def test_a_target_may_do_what_it_is_there_for_and_nothing_else(
    call_as: Impostor, role: str, call: dict[str, Any], told: str
) -> None:
    assert call_as(role, {"aws": call}) == told


def put(key: str) -> dict[str, Any]:
    return {"service": "s3", "operation": "put_object", "parameters": {"Key": key, "Body": "x"}}


@pytest.mark.parametrize(
    ("key", "told"),
    [("plans/x.json", "allowed"), ("dry-plans/x.json", "allowed"), ("reports/x/index.html", "AccessDenied")],
)
def test_plan_writes_plans_and_nothing_else(enforcing: Embedded, call_as: Impostor, key: str, told: str) -> None:
    call = put(key)
    call["parameters"]["Bucket"] = f"{STACK}-{enforcing.environment['AWS_ACCESS_KEY_ID']}-{HOME}"
    assert call_as("PlanFunctionRole", {"aws": call}) == told


def read_log(group: str) -> dict[str, Any]:
    return {"service": "logs", "operation": "filter_log_events", "parameters": {"logGroupName": group}}


def read_secret(name: str) -> dict[str, Any]:
    return {"service": "secretsmanager", "operation": "get_secret_value", "parameters": {"SecretId": name}}


@pytest.fixture(scope="module")
def servers(enforcing: Embedded) -> None:
    """Logs and tokens as they are where this stack and another one have a server."""
    for stack in (STACK, "other"):
        enforcing.client("logs").create_log_group(logGroupName=f"/isotherm/{stack}/server")
        enforcing.client("secretsmanager").create_secret(Name=f"{stack}-server_token", SecretString="x")


@pytest.mark.usefixtures("servers")
def test_collect_reads_the_log_of_the_stacks_own_server_and_fire_its_token(call_as: Impostor) -> None:
    told = [
        [call_as(role, {"aws": call}) for call in (read(own), read(others))]
        for role in ("CollectFunctionRole", "FireFunctionRole")
        for read, own, others in (
            (read_log, f"/isotherm/{STACK}/server", "/isotherm/other/server"),
            (read_secret, f"{STACK}-server_token", "other-server_token"),
        )
    ]
    neither = ["AccessDeniedException"] * 2
    only_own = ["allowed", "AccessDeniedException"]
    assert told == [only_own, neither, neither, only_own]


def test_plan_asks_for_the_stacks_own_server_and_no_other_stack(call_as: Impostor) -> None:
    """Nothing of the server has to be there: what is allowed is told that it is not."""

    def describe(stack: str) -> dict[str, Any]:
        return {"service": "cloudformation", "operation": "describe_stacks", "parameters": {"StackName": stack}}

    asked = (STACK, f"{STACK}-server", f"{STACK}-server-2", "other-server", "other")
    assert [call_as("PlanFunctionRole", {"aws": describe(stack)}) for stack in asked] == [
        *("allowed", "ValidationError"),
        *["AccessDenied"] * 3,
    ]


# Another stack in the same region, whose name begins as those of this one's functions do: nothing of it can be touched.

NEIGHBOUR = f"{STACK}-target"


@pytest.fixture(scope="module")
def neighbour(enforcing: Embedded) -> list[tuple[str, dict[str, Any]]]:
    """Calls that would touch the other stack, by a name of each; it is there, so nothing else can be amiss."""
    deployed = enforcing.isotherm("deploy", "--stack", NEIGHBOUR, "--json", timeout=START_S)
    assert deployed.code == 0, deployed.err
    account = enforcing.environment["AWS_ACCESS_KEY_ID"]
    bucket, key = {"Bucket": f"{NEIGHBOUR}-{account}-{HOME}"}, {"pk": {"S": "x"}, "sk": {"S": "x"}}
    machine = f"arn:aws:states:{HOME}:{account}:stateMachine:{NEIGHBOUR}"
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("dynamodb", "get_item", {"TableName": f"{NEIGHBOUR}-samples", "Key": key}),
        ("dynamodb", "put_item", {"TableName": f"{NEIGHBOUR}-samples", "Item": key}),
        ("dynamodb", "delete_item", {"TableName": f"{NEIGHBOUR}-samples", "Key": key}),
        ("dynamodb", "batch_write_item", {"RequestItems": {f"{NEIGHBOUR}-samples": [{"PutRequest": {"Item": key}}]}}),
        ("dynamodb", "get_item", {"TableName": f"{NEIGHBOUR}-customers", "Key": {"EmailID": {"S": "x"}}}),
        ("dynamodb", "put_item", {"TableName": f"{NEIGHBOUR}-inner", "Item": {"id": {"S": "x"}}}),
        ("s3", "get_object", {**bucket, "Key": "plans/x.json"}),
        ("s3", "put_object", {**bucket, "Key": "raw/x", "Body": "x"}),
        ("s3", "put_object", {**bucket, "Key": "reports/x", "Body": "x"}),
        ("s3", "list_objects_v2", bucket),
        ("stepfunctions", "start_execution", {"stateMachineArn": f"{machine}-lane", "input": "{}"}),
        ("stepfunctions", "start_execution", {"stateMachineArn": f"{machine}-campaign", "input": "{}"}),
        ("cloudformation", "describe_stacks", {"StackName": NEIGHBOUR}),
        ("sts", "assume_role", {"RoleArn": caller_role(enforcing, NEIGHBOUR), "RoleSessionName": "impostor"}),
    ]
    for function in (f"{NEIGHBOUR}-fire", f"{NEIGHBOUR}-target_default"):
        name = {"FunctionName": function}
        calls += [
            ("lambda", "invoke", name),
            ("lambda", "get_function_configuration", name),
            ("lambda", "update_function_configuration", {**name, "MemorySize": 256}),
            ("lambda", "publish_version", name),
            ("lambda", "list_versions_by_function", name),
            ("lambda", "delete_function", {**name, "Qualifier": "1"}),
        ]
    for group in (f"/isotherm/{NEIGHBOUR}/control", f"/aws/lambda/{NEIGHBOUR}-target_default"):
        stream = {"logGroupName": group, "logStreamName": "x"}
        calls += [
            ("logs", "create_log_group", {"logGroupName": f"{group}-x"}),
            ("logs", "create_log_stream", stream),
            ("logs", "put_log_events", {**stream, "logEvents": [{"timestamp": 1, "message": "x"}]}),
            ("logs", "filter_log_events", {"logGroupName": group}),
        ]
    return [
        (
            f"{service} {operation} {parameters}",
            {"service": service, "operation": operation, "parameters": parameters},
        )
        for service, operation, parameters in calls
    ]


def test_no_function_can_touch_anything_of_another_stack(
    enforcing: Embedded, call_as: Impostor, neighbour: list[tuple[str, dict[str, Any]]]
) -> None:
    pages = enforcing.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK)
    roles = [
        resource
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::IAM::Role"
    ]
    people = enforcing.client("iam")
    touched, tried = [], 0
    for role in roles:
        trust = people.get_role(RoleName=role["PhysicalResourceId"])["Role"]["AssumeRolePolicyDocument"]
        if "lambda.amazonaws.com" not in json.dumps(trust):
            continue  # a function cannot have it; tests/unit/test_stacks_apart.py judges those too
        answers = call_as(role["LogicalResourceId"], {"each": [{"aws": call} for _, call in neighbour]})
        tried += 1
        touched += [
            (role["LogicalResourceId"], what, answer)
            for (what, _), answer in zip(neighbour, answers, strict=True)
            if answer not in ("AccessDenied", "AccessDeniedException")
        ]
    assert touched == []
    assert tried >= 15


# The API's own check, by an independent client. MiniStack compares signatures of users and roles, not of the account.


@pytest.fixture(scope="module")
def user(enforcing: Embedded, own_api: str) -> Curl:
    """A person who may call the API, and who calls it with curl."""
    people = enforcing.client("iam")
    people.create_user(UserName="ann")
    api = own_api.rpartition("/")[2]
    resource = f"arn:aws:execute-api:{HOME}:{enforcing.environment['AWS_ACCESS_KEY_ID']}:{api}/$default/*/customers*"
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    people.put_user_policy(UserName="ann", PolicyName="call-customers", PolicyDocument=document)
    key = people.create_access_key(UserName="ann")["AccessKey"]
    return curl_that_signs(HOME, key["AccessKeyId"], key["SecretAccessKey"])


def test_a_person_with_the_permission_and_the_right_key_creates_a_customer(user: Curl, own_api: str) -> None:
    request = create_request(customer(2, 1))
    answer = user.post(own_api + request.path, request.body)
    assert (answer.status, answer.document["email_id"]) == (201, customer(2, 1).email_id)


def test_a_wrong_key_another_api_and_a_changed_region_are_refused(user: Curl, own_api: str, foreign_api: str) -> None:
    request = create_request(customer(2, 2))
    assert user.with_secret("wrong").post(own_api + request.path, request.body).status == 403
    assert user.post(foreign_api + request.path, request.body).status == 403
    assert user.in_region("eu-west-2").post(own_api + request.path, request.body).status == 403
    assert user.unsigned().post(own_api + request.path, request.body).status == 403
