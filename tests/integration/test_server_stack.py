"""The optional server's own stack, as far as the embedded stack carries it: all but what docs/server.md names.

It makes every resource but one, and starts neither a task nor an instance. The tests at the end turn the server off and
remove both stacks; they come in this order.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from .embedded import HOME, STACK, START_S, Embedded

SERVED = "served"
SERVER = f"{SERVED}-server"
PATIENCE_S = 60

WITH_SERVER = {
    "targets": ["customers"],
    "protocols": ["invoke", "server"],
    "warm": {"samples": 2},
    "rounds": 1,
}


@dataclass(frozen=True)
class Served:
    """A stack with both servers: what its server's own stack says and has, and the options that deploy it."""

    outputs: dict[str, str]
    resources: dict[str, dict[str, Any]]
    parameters: dict[str, str]
    options: list[str]


def _resources(embedded: Embedded, stack: str) -> dict[str, dict[str, Any]]:
    listed = embedded.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    return {resource["LogicalResourceId"]: resource for resource in listed}


def _stacks(embedded: Embedded) -> set[str]:
    """Names of the stacks that are there."""
    listed = embedded.client("cloudformation").describe_stacks()["Stacks"]
    return {stack["StackName"] for stack in listed if stack["StackStatus"] != "DELETE_COMPLETE"}


def _left_of_servers(embedded: Embedded) -> list[Any]:
    """What there is of any server."""
    return [
        *embedded.client("elbv2").describe_load_balancers()["LoadBalancers"],
        *embedded.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"],
        *embedded.client("secretsmanager").list_secrets()["SecretList"],
        *embedded.client("logs").describe_log_groups(logGroupNamePrefix=f"/isotherm/{SERVED}/server")["logGroups"],
        *(role for role in embedded.client("iam").list_roles()["Roles"] if role["RoleName"].startswith(SERVER)),
    ]


@pytest.fixture(scope="module")
def served(embedded: Embedded) -> Iterator[Served]:
    """Isotherm a second time, with its server on Fargate and on an instance; removed at the end."""
    subnets = embedded.client("ec2").describe_subnets()["Subnets"][:2]
    certificate = embedded.client("acm").request_certificate(DomainName="server.example.com")["CertificateArn"]
    zone = embedded.client("route53").create_hosted_zone(Name="example.com", CallerReference=SERVED)["HostedZone"]["Id"]
    parameters = {
        "FargateServer": "on",
        "InstanceServer": "on",
        "ServerImage": f"{embedded.environment['AWS_ACCESS_KEY_ID']}.dkr.ecr.{HOME}.amazonaws.com/{SERVER}:1",
        "ServerVpc": subnets[0]["VpcId"],
        "ServerSubnets": ",".join(subnet["SubnetId"] for subnet in subnets),
        "ServerDomainName": "server.example.com",
        "ServerCertificateArn": certificate,
        "ServerHostedZone": zone.rpartition("/")[2],
        "ServerClients": "10.0.0.0/16",
    }
    options = [word for name, value in parameters.items() for word in ("--parameter", f"{name}={value}")]
    deployed = embedded.isotherm("deploy", "--stack", SERVED, *options, "--json", timeout=START_S)
    assert deployed.code == 0, deployed.err
    assert deployed.document["servers"] == {HOME: "deployed"}
    (described,) = embedded.client("cloudformation").describe_stacks(StackName=SERVER)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    yield Served(outputs, _resources(embedded, SERVER), parameters, options)
    embedded.isotherm("destroy", "--stack", SERVED, "--all", "--yes")
    assert _stacks(embedded) & {SERVED, SERVER} == set()
    assert _left_of_servers(embedded) == []


def test_a_stack_that_asked_for_none_has_nothing_of_it(embedded: Embedded) -> None:
    assert STACK in _stacks(embedded)
    assert f"{STACK}-server" not in _stacks(embedded)


@pytest.mark.usefixtures("served")
def test_the_stack_beside_it_has_none_of_its_parts(embedded: Embedded) -> None:
    assert _resources(embedded, SERVED).keys() == _resources(embedded, STACK).keys()


def test_every_part_is_made_but_the_one_that_only_aws_knows(served: Served) -> None:
    assert {resource["ResourceStatus"] for resource in served.resources.values()} == {"CREATE_COMPLETE"}
    assert {"FargateService", "InstanceGroup", "ServerBalancer", "ServerName", "ServerToken"} <= set(served.resources)
    assert "ServerBalancerToServer" not in served.resources


def test_a_campaign_finds_it_by_its_outputs_and_one_beside_a_stack_without_it_is_refused(
    embedded: Embedded, served: Served
) -> None:
    """Told by the deployed Plan function, which may ask for both stacks."""
    planned = embedded.isotherm("plan", "-", "--stack", SERVED, "--json", text=json.dumps(WITH_SERVER))
    assert planned.code == 0, planned.err
    (region,) = planned.document["inventory"]
    assert region["server_url"] == served.outputs["ServerUrl"]
    assert region["instance_server_url"] == served.outputs["InstanceServerUrl"]
    assert region["server_token"] == served.outputs["ServerTokenArn"]

    refused = embedded.isotherm("plan", "-", "--json", text=json.dumps({**WITH_SERVER, "regions": [HOME]}))
    assert refused.code == 2
    assert f'"server" cannot reach {HOME}: the stack has no server there' in refused.err


def test_its_outputs_say_where_it_is(served: Served) -> None:
    assert served.outputs["ServerUrl"] == "https://server.example.com"
    assert served.outputs["InstanceServerUrl"] == "https://server.example.com:8443"
    assert served.outputs["ServerBalancerName"].endswith(".amazonaws.com")


def test_the_balancer_lets_in_whoever_has_the_token(embedded: Embedded, served: Served) -> None:
    token = embedded.client("secretsmanager").get_secret_value(SecretId=served.outputs["ServerTokenArn"])[
        "SecretString"
    ]

    def answered(headers: dict[str, str]) -> int:
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{embedded.environment['AWS_ENDPOINT_URL']}/customers/x",
            headers={"Host": served.outputs["ServerBalancerName"], **headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:  # noqa: S310 - loopback
                return int(response.status)
        except urllib.error.HTTPError as problem:
            return problem.code

    assert len(token) == 48
    assert answered({}) == 403
    assert answered({"x-isotherm-token": "another"}) == 403
    # 503 is the balancer's own: it would forward, and there is no task to forward to.
    assert answered({"x-isotherm-token": token}) == 503


def test_fargate_and_the_instance_get_the_image_and_their_place(embedded: Embedded, served: Served) -> None:
    ecs = embedded.client("ecs")
    (service,) = ecs.describe_services(cluster=SERVER, services=[SERVER])["services"]
    task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    (container,) = task["containerDefinitions"]
    network = service["networkConfiguration"]["awsvpcConfiguration"]
    (group,) = embedded.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    versions = embedded.client("ec2").describe_launch_template_versions(LaunchTemplateName=SERVER)
    launched = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]

    assert (service["status"], service["desiredCount"], service["launchType"]) == ("ACTIVE", 1, "FARGATE")
    assert (task["cpu"], task["memory"]) == ("2048", "4096")
    assert container["image"] == served.parameters["ServerImage"]
    assert {"name": "ISOTHERM_CUSTOMERS_TABLE", "value": f"{SERVED}-customers"} in container["environment"]
    assert network["assignPublicIp"] == "DISABLED"
    assert ",".join(network["subnets"]) == served.parameters["ServerSubnets"] == group["VPCZoneIdentifier"]
    assert launched["InstanceType"] == "t3.medium"
    assert launched["ImageId"].startswith("ami-")


def test_a_server_without_what_it_needs_is_refused_with_the_reason(embedded: Embedded) -> None:
    refused = embedded.isotherm("deploy", "--parameter", "FargateServer=on", timeout=START_S)

    assert refused.code == 1
    assert "ServerImage: a server needs its image (docs/server.md)" in refused.err
    assert f"{STACK}-server" not in _stacks(embedded)


def test_a_server_that_is_not_turned_on_is_refused(embedded: Embedded) -> None:
    refused = embedded.isotherm("deploy", "--parameter", "ServerClients=10.0.0.0/16", timeout=START_S)

    assert refused.code == 1
    assert "FargateServer, InstanceServer: turn one of them on, or both" in refused.err
    assert f"{STACK}-server" not in _stacks(embedded)


@pytest.mark.parametrize(
    ("parameter", "said"),
    [
        ("x", "'x' is not of the form NAME=VALUE"),
        ("HomeRegion=x", "HomeRegion is set by --home"),
        ("IsothermStack=x", "IsothermStack is set by --stack"),
    ],
)
def test_a_parameter_that_is_none_is_bad_input(embedded: Embedded, parameter: str, said: str) -> None:
    refused = embedded.isotherm("deploy", "--parameter", parameter)

    assert refused.code == 2
    assert said in refused.err


def test_the_names_of_servers_are_for_servers(embedded: Embedded) -> None:
    refused = embedded.isotherm("deploy", "--stack", SERVER)

    assert refused.code == 2
    assert f'"{SERVER}" is the name of the server of a stack "{SERVED}"' in refused.err


def test_a_server_is_not_destroyed_by_its_own_name(embedded: Embedded, served: Served) -> None:
    refused = embedded.isotherm("destroy", HOME, "--stack", SERVER, "--yes")

    assert refused.code == 2
    assert f"stack {SERVER} in {HOME} is the server of stack {SERVED}" in refused.err
    assert _resources(embedded, SERVER).keys() == served.resources.keys()


def test_a_deployment_that_says_nothing_of_it_leaves_it_as_it_is(embedded: Embedded, served: Served) -> None:
    for options, servers in (([], {}), (served.options, {HOME: "unchanged"})):
        ran = embedded.isotherm("deploy", "--stack", SERVED, *options, "--json", timeout=START_S)
        assert ran.code == 0, ran.err
        assert (ran.document["unchanged"], ran.document["servers"]) == ([HOME], servers)
    assert SERVER in _stacks(embedded)


OFF = ["--parameter", "FargateServer=off", "--parameter", "InstanceServer=off"]


@pytest.mark.usefixtures("served")
def test_turned_off_it_is_removed_and_the_stack_beside_it_stays(embedded: Embedded) -> None:
    for servers in ({HOME: "removed"}, {HOME: "absent"}):
        ran = embedded.isotherm("deploy", "--stack", SERVED, *OFF, "--json", timeout=START_S)
        assert ran.code == 0, ran.err
        assert (ran.document["unchanged"], ran.document["servers"]) == ([HOME], servers)
    assert _stacks(embedded) & {SERVED, SERVER} == {SERVED}
    assert _left_of_servers(embedded) == []


def test_destroy_removes_the_server_and_then_the_stack(embedded: Embedded, served: Served) -> None:
    again = embedded.isotherm("deploy", "--stack", SERVED, *served.options, "--json", timeout=START_S)
    assert again.document["servers"] == {HOME: "deployed"}, again.err

    ran = embedded.isotherm("destroy", "--stack", SERVED, "--all", "--yes", "--json")

    assert ran.code == 0, ran.err
    assert f"its server goes first, from {HOME}" in ran.err
    assert ran.document["removed"] == [HOME]
    assert ran.document["besides"][HOME][0] == f"stack {SERVER}"
    assert _stacks(embedded) & {SERVED, SERVER} == set()
    assert _left_of_servers(embedded) == []


def test_a_server_that_is_left_without_its_stack_is_destroyed_too(embedded: Embedded, served: Served) -> None:
    again = embedded.isotherm("deploy", "--stack", SERVED, *served.options, "--json", timeout=START_S)
    assert again.document["servers"] == {HOME: "deployed"}, again.err
    cloudformation = embedded.client("cloudformation")
    bucket = f"{SERVED}-{embedded.environment['AWS_ACCESS_KEY_ID']}-{HOME}"
    for entry in embedded.client("s3").list_objects_v2(Bucket=bucket).get("Contents", []):
        embedded.client("s3").delete_object(Bucket=bucket, Key=entry["Key"])
    cloudformation.delete_stack(StackName=SERVED)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=SERVED, WaiterConfig={"Delay": 1})
    assert SERVER in _stacks(embedded)

    ran = embedded.isotherm("destroy", "--stack", SERVED, "--all", "--yes", "--json")

    assert ran.code == 0, ran.err
    assert (ran.document["removed"], ran.document["absent"]) == ([], [HOME])
    assert f"stack {SERVER}" in ran.document["besides"][HOME]
    assert _stacks(embedded) & {SERVED, SERVER} == set()
    assert _left_of_servers(embedded) == []
