"""The optional server of the template, as far as the embedded stack carries it: all but what docs/server.md names.

It makes every resource but one, and starts neither a task nor an instance.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from .embedded import HOME, STACK, START_S, Embedded

SERVED = "served"
PARTS = ("Server", "Fargate", "Instance")
PATIENCE_S = 60


@dataclass(frozen=True)
class Served:
    """A stack with both servers."""

    outputs: dict[str, str]
    resources: dict[str, dict[str, Any]]
    parameters: dict[str, str]


def _resources(embedded: Embedded, stack: str) -> dict[str, dict[str, Any]]:
    listed = embedded.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    return {r["LogicalResourceId"]: r for r in listed if r["LogicalResourceId"].startswith(PARTS)}


@pytest.fixture(scope="module")
def served(embedded: Embedded) -> Iterator[Served]:
    """Isotherm a second time, with its server on Fargate and on an instance; removed at the end."""
    subnets = embedded.client("ec2").describe_subnets()["Subnets"][:2]
    certificate = embedded.client("acm").request_certificate(DomainName="server.example.com")["CertificateArn"]
    zone = embedded.client("route53").create_hosted_zone(Name="example.com", CallerReference=SERVED)["HostedZone"]["Id"]
    parameters = {
        "FargateServer": "on",
        "InstanceServer": "on",
        "ServerImage": f"{embedded.environment['AWS_ACCESS_KEY_ID']}.dkr.ecr.{HOME}.amazonaws.com/{SERVED}-server:1",
        "ServerVpc": subnets[0]["VpcId"],
        "ServerSubnets": ",".join(subnet["SubnetId"] for subnet in subnets),
        "ServerDomainName": "server.example.com",
        "ServerCertificateArn": certificate,
        "ServerHostedZone": zone.rpartition("/")[2],
        "ServerClients": "10.0.0.0/16",
    }
    options = [word for name, value in parameters.items() for word in ("--parameter", f"{name}={value}")]
    deployed = embedded.isotherm("deploy", "--stack", SERVED, *options, timeout=START_S)
    assert deployed.code == 0, deployed.err
    cloudformation = embedded.client("cloudformation")
    (described,) = cloudformation.describe_stacks(StackName=SERVED)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    yield Served(outputs, _resources(embedded, SERVED), parameters)
    cloudformation.delete_stack(StackName=SERVED)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=SERVED, WaiterConfig={"Delay": 1})
    assert embedded.client("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert embedded.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert embedded.client("secretsmanager").list_secrets()["SecretList"] == []


def test_a_stack_that_asked_for_none_has_nothing_of_it(embedded: Embedded) -> None:
    assert _resources(embedded, STACK) == {}


def test_every_part_is_made_but_the_one_that_only_aws_knows(served: Served) -> None:
    assert {resource["ResourceStatus"] for resource in served.resources.values()} == {"CREATE_COMPLETE"}
    assert {"FargateService", "InstanceGroup", "ServerBalancer", "ServerName", "ServerToken"} <= set(served.resources)
    assert "ServerBalancerToServer" not in served.resources


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
    (service,) = ecs.describe_services(cluster=f"{SERVED}-server", services=[f"{SERVED}-server"])["services"]
    task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    (container,) = task["containerDefinitions"]
    network = service["networkConfiguration"]["awsvpcConfiguration"]
    (group,) = embedded.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    versions = embedded.client("ec2").describe_launch_template_versions(LaunchTemplateName=f"{SERVED}-server")
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
    refused = embedded.isotherm("deploy", "--stack", "refused", "--parameter", "FargateServer=on", timeout=START_S)

    assert refused.code == 1
    assert "ServerImage: a server needs its image (docs/server.md)" in refused.err


@pytest.mark.parametrize(
    ("parameter", "said"),
    [("x", "'x' is not of the form NAME=VALUE"), ("HomeRegion=x", "HomeRegion is told by --home")],
)
def test_a_parameter_that_is_none_is_bad_input(embedded: Embedded, parameter: str, said: str) -> None:
    refused = embedded.isotherm("deploy", "--parameter", parameter)

    assert refused.code == 2
    assert said in refused.err
