"""What the template promises beyond what `sam validate --lint` checks: least privilege, and an input for everything.

Of the optional server's template what holds for every policy and every log; the rest is in test_server_template.py.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from isotherm import __version__
from isotherm.aws.store.bucket import dry_plan_key, plan_key
from isotherm.campaign.stack_health import functions_of

ROOT = Path(__file__).parents[2]

#: Actions for which AWS knows no resource finer than *.
WITHOUT_RESOURCES = {
    "lambda:GetAccountSettings",
    "states:SendTaskSuccess",
    "states:SendTaskFailure",
    "ecr:GetAuthorizationToken",
    # The channels of Session Manager know no resource; an instance's id is not known before it is there.
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
}


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms (!Ref, !Sub ...) as plain values."""


def _plain(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    if suffix == "Sub" and isinstance(node, yaml.SequenceNode):
        return loader.construct_scalar(node.value[0])  # the text; what it substitutes does not matter here
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _plain)

TEMPLATE, SERVER_TEMPLATE = (
    yaml.load(path.read_text(), _Loader)  # noqa: S506 - a safe loader with plain tags
    for path in (ROOT / "template.yaml", ROOT / "server" / "template.yaml")
)
RESOURCES, SERVER = TEMPLATE["Resources"], SERVER_TEMPLATE["Resources"]
FUNCTIONS = {name: r["Properties"] for name, r in RESOURCES.items() if r["Type"] == "AWS::Serverless::Function"}
CONTROL = {name: f for name, f in FUNCTIONS.items() if f["CodeUri"].startswith("functions/control/")}


def of_type(kind: str) -> list[dict[str, Any]]:
    return [resource for resource in RESOURCES.values() if resource["Type"] == kind]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, resource in (*RESOURCES.items(), *SERVER.items()):
        for policy in resource["Properties"].get("Policies", []):
            for statement in policy.get("PolicyDocument", policy)["Statement"]:
                yield name, statement


def test_no_policy_allows_every_action_of_a_service() -> None:
    for name, statement in statements():
        for action in as_list(statement["Action"]):
            assert "*" not in action, (name, action)


def test_every_resource_is_named_unless_aws_knows_no_finer_one() -> None:
    for name, statement in statements():
        if "*" in as_list(statement["Resource"]):
            assert set(as_list(statement["Action"])) <= WITHOUT_RESOURCES, (name, statement)


def test_every_log_is_named_with_what_aws_appends_to_its_arn() -> None:
    """AWS checks calls about a log's events against `log-group:NAME:*`; MiniStack checks some against the bare name."""
    checked = 0
    for name, statement in statements():
        if any(action.startswith("logs:") for action in as_list(statement["Action"])):
            checked += 1
            assert all(resource.endswith("*") for resource in as_list(statement["Resource"])), (name, statement)
    (own,) = RESOURCES["OwnLogsAlone"]["Properties"]["PolicyDocument"]["Statement"]
    assert all(resource.endswith(":*") for resource in as_list(own["NotResource"]))
    assert checked


def test_no_policy_reaches_beyond_this_stack() -> None:
    for name, statement in statements():
        for resource in as_list(statement["Resource"]):
            text = json.dumps(resource)
            names = ("${AWS::StackName}", "${IsothermStack}", "${CustomersApi}", "Function.Arn")
            own = any(name in text for name in names)
            assert own or text == '"*"', (name, text)


def test_every_control_function_has_a_policy_of_its_own() -> None:
    assert set(CONTROL) == {f"{folder.name.capitalize()}Function" for folder in (ROOT / "functions/control").iterdir()}
    for name, function in CONTROL.items():
        assert function["Policies"], name


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_has_an_input_to_be_tried_with(name: str) -> None:
    assert isinstance(json.loads((ROOT / "events" / f"{name}.json").read_text()), dict)


def test_results_are_encrypted_private_and_recoverable() -> None:
    table, bucket = RESOURCES["SamplesTable"]["Properties"], RESOURCES["ResultsBucket"]["Properties"]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"]["SSEEnabled"]
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]
    assert bucket["LifecycleConfiguration"]["Rules"]


def test_what_dry_runs_leave_is_deleted_after_a_day_and_plans_are_kept() -> None:
    rules = RESOURCES["ResultsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    expiring = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule}
    assert expiring == {"raw/": "RawRetentionDays", dry_plan_key("x").removesuffix("x.json"): 1}
    assert not any(plan_key("x").startswith(prefix) for prefix in expiring)


def test_plan_writes_plans_and_dry_plans_and_nothing_else_into_the_bucket() -> None:
    (written,) = (s for name, s in statements() if name == "PlanFunction" and s["Sid"] == "WritePlan")
    assert written["Action"] == ["s3:PutObject"]
    bucket = "arn:${AWS::Partition}:s3:::${AWS::StackName}-${AWS::AccountId}-${Home}"
    assert written["Resource"] == [f"{bucket}/{key('x').removesuffix('x.json')}*" for key in (plan_key, dry_plan_key)]


def test_every_log_group_forgets() -> None:
    both = [*RESOURCES.values(), *SERVER.values()]
    groups = [r["Properties"] for r in both if r["Type"] == "AWS::Logs::LogGroup"]
    assert len(groups) == 1 + len(FUNCTIONS) - len(CONTROL) + 2  # the API and the server have one too
    assert all("RetentionInDays" in group for group in groups)


@pytest.mark.parametrize("name", ["Outer", "Inner", "InnerDb", "Customers"])
def test_a_target_that_calls_on_has_a_role_and_a_log_of_its_own(name: str) -> None:
    function, role = FUNCTIONS[f"{name}Function"], RESOURCES[f"{name}Role"]["Properties"]
    assert function["Role"] == f"{name}Role.Arn"
    assert function["LoggingConfig"]["LogGroup"] == f"{name}LogGroup"
    assert "ManagedPolicyArns" not in role
    (policy,) = role["Policies"]
    logs = [s for s in policy["PolicyDocument"]["Statement"] if s["Action"][0].startswith("logs:")]
    (resource,) = (s["Resource"] for s in logs)
    assert resource.endswith(f":log-group:/aws/lambda/{function['FunctionName']}:*")
    trusted = role["AssumeRolePolicyDocument"]["Statement"]
    assert [s["Principal"] for s in trusted] == [{"Service": "lambda.amazonaws.com"}]


def test_outer_may_call_the_two_inner_functions_of_this_stack_and_nothing_else() -> None:
    (called,) = (s for name, s in statements() if name == "OuterRole" and "lambda:InvokeFunction" in s["Action"])
    assert called["Action"] == ["lambda:InvokeFunction"]
    names = [FUNCTIONS[name]["FunctionName"] for name in ("InnerFunction", "InnerDbFunction")]
    assert called["Resource"] == [
        f"arn:${{AWS::Partition}}:lambda:*:${{AWS::AccountId}}:function:{name}" for name in names
    ]


@pytest.mark.parametrize(("role", "table"), [("InnerDbRole", "InnerTable"), ("CustomersRole", "CustomersTable")])
def test_a_target_reads_and_writes_items_of_its_own_table_alone(role: str, table: str) -> None:
    (items,) = (s for name, s in statements() if name == role and s["Action"][0].startswith("dynamodb:"))
    assert items["Action"] == ["dynamodb:GetItem", "dynamodb:PutItem"]
    named = RESOURCES[table]["Properties"]["TableName"]
    region = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}"
    assert items["Resource"] == f"{region}:table/{named}"


@pytest.mark.parametrize("table", ["InnerTable", "CustomersTable"])
def test_what_targets_store_is_encrypted_and_vanishes(table: str) -> None:
    properties = RESOURCES[table]["Properties"]
    assert "Condition" not in RESOURCES[table], "every region has one"
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


def test_every_route_of_the_api_asks_for_a_signature() -> None:
    routes = {r["Properties"]["RouteKey"]: r["Properties"] for r in of_type("AWS::ApiGatewayV2::Route")}
    assert set(routes) == {"POST /customers", "GET /customers/{email}"}
    assert {route["AuthorizationType"] for route in routes.values()} == {"AWS_IAM"}


def test_the_api_is_throttled_and_logs_no_client_and_no_customer() -> None:
    (stage,) = (r["Properties"] for r in of_type("AWS::ApiGatewayV2::Stage"))
    settings = {name: TEMPLATE["Parameters"][value] for name, value in stage["DefaultRouteSettings"].items()}
    assert settings["ThrottlingRateLimit"]["Default"] <= 5000
    assert settings["ThrottlingBurstLimit"]["Default"] <= 2500
    logged = stage["AccessLogSettings"]["Format"]
    assert json.loads(logged)["function_request_id"] == "$context.integration.requestId"
    assert not [name for name in ("sourceIp", "identity", "path", "caller", "user") if name.lower() in logged.lower()]
    assert "\n" not in logged, "CloudWatch takes a line for a record"


def test_the_apis_function_answers_before_its_own_timeout_and_the_apis() -> None:
    timeout_s = FUNCTIONS["CustomersFunction"]["Timeout"]
    (integration,) = (r["Properties"] for r in of_type("AWS::ApiGatewayV2::Integration"))
    assert timeout_s == 3
    assert timeout_s * 1000 < integration["TimeoutInMillis"]


def test_only_fire_may_become_the_apis_caller_and_the_caller_may_nothing_else() -> None:
    role = RESOURCES["CallerRole"]["Properties"]
    assert role["RoleName"] == "${AWS::StackName}-caller_${AWS::Region}"
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    root = "arn:${AWS::Partition}:iam::${AWS::AccountId}"
    assert trust["Principal"] == {"AWS": f"{root}:root"}
    fire = "${AWS::StackName}-FireFunctionRole-*"
    session = f"arn:${{AWS::Partition}}:sts::${{AWS::AccountId}}:assumed-role/{fire}/*"
    assert trust["Condition"] == {"ArnLike": {"aws:PrincipalArn": [f"{root}:role/{fire}", session]}}
    (may,) = (s for name, s in statements() if name == "CallerRole")
    assert may["Action"] == ["execute-api:Invoke"]
    api = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${CustomersApi}/$default"
    assert may["Resource"] == [f"{api}/POST/customers", f"{api}/GET/customers/*"]

    assuming = {name: s["Resource"] for name, s in statements() if "sts:AssumeRole" in s["Action"]}
    assert assuming == {"FireFunction": f"{root}:role/${{AWS::StackName}}-caller_*"}


def test_every_way_to_deploy_agrees_to_roles_with_names() -> None:
    samconfig = tomllib.loads((ROOT / "samconfig.toml").read_text())
    deployments = [part["deploy"]["parameters"] for name, part in samconfig.items() if name != "version"]
    assert len(deployments) == 7
    assert {parameters["capabilities"] for parameters in deployments} == {"CAPABILITY_NAMED_IAM"}


def test_pkg_and_size_are_the_same_code_with_another_handler() -> None:
    for size in ("20", "50"):
        pkg, unimported = FUNCTIONS[f"Pkg{size}Function"], FUNCTIONS[f"Size{size}Function"]
        assert pkg["CodeUri"] == unimported["CodeUri"]
        assert (pkg["Handler"], unimported["Handler"]) == (f"pkg{size}/app.handler", f"size{size}/app.handler")


def test_the_stack_says_its_version_and_its_targets() -> None:
    outputs = {name: output["Value"] for name, output in TEMPLATE["Outputs"].items()}
    targets = [f["Environment"]["Variables"]["ISOTHERM_TARGET"] for name, f in FUNCTIONS.items() if name not in CONTROL]
    assert outputs["Version"] == __version__
    assert sorted(outputs["Targets"].split(",")) == sorted(targets)


@pytest.mark.parametrize("is_home", [True, False])
def test_plan_knows_which_control_functions_a_region_has_to_have(is_home: bool) -> None:
    there = [f for name, f in CONTROL.items() if is_home or "Condition" not in RESOURCES[name]]
    names = [f["FunctionName"].replace("${AWS::StackName}", "S") for f in there]
    assert sorted(functions_of("S", is_home)) == sorted(names)


def test_nothing_is_scheduled_unless_asked_for() -> None:
    expression, campaign = (TEMPLATE["Parameters"][name] for name in ("ScheduleExpression", "ScheduledCampaign"))
    assert expression["Default"] == ""
    assert campaign["MaxLength"] == 4096  # AWS: the most a parameter takes
    for name in ("CampaignSchedule", "ScheduleRole"):
        assert RESOURCES[name]["Condition"] == "IsScheduled"


def test_the_schedule_may_start_this_stacks_campaigns_and_nothing_else() -> None:
    role = RESOURCES["ScheduleRole"]["Properties"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "AWS::AccountId"}}
    (policy,) = role["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["states:StartExecution"]
    assert statement["Resource"].endswith(":stateMachine:${AWS::StackName}-campaign")
    target = RESOURCES["CampaignSchedule"]["Properties"]["Target"]
    # A start that is late is a start at another time of day.
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 900
