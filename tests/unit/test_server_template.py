"""What the template of the optional server promises: a stack of its own, and nobody let in who was not named."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from isotherm.aws.stacks import server_stack
from isotherm.campaign.stack_health import DEFAULT_HOME_REGION, DEFAULT_STACK
from isotherm.local.deploy import is_of_server
from server import DEFAULT_PORT, HEALTH_PATH
from server.__main__ import command_line
from server.serving import KEEP_ALIVE_S

ROOT = Path(__file__).parents[2]


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms (`!Ref X`) as their long ones (`{"Ref": "X"}`)."""


def _long_form(loader: Any, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    return {suffix: loader.construct_sequence(node, deep=True)}


_Loader.add_multi_constructor("!", _long_form)

MAIN, TEMPLATE = (
    yaml.load(path.read_text(), _Loader)  # noqa: S506 - a safe loader with plain tags
    for path in (ROOT / "template.yaml", ROOT / "server" / "template.yaml")
)
SERVER = TEMPLATE["Resources"]
PARTS = ("Server", "Fargate", "Instance")
ON = {"FargateServer": "on", "InstanceServer": "on"}


def made(**parameters: str) -> set[str]:
    """Names of the resources and outputs that a deployment with these parameters makes."""
    values = {name: parameter.get("Default") for name, parameter in TEMPLATE["Parameters"].items()} | parameters
    values |= {"AWS::Region": "us-east-1"}

    def true(condition: Any) -> bool:
        ((kind, of),) = condition.items()
        if kind == "Condition":
            return true(TEMPLATE["Conditions"][of])
        if kind == "Equals":
            left, right = (values[side["Ref"]] if isinstance(side, dict) else side for side in of)
            return bool(left == right)
        joins: dict[str, Callable[[Iterable[bool]], bool]] = {
            "And": all,
            "Or": any,
            "Not": lambda answers: not any(answers),
        }
        return joins[kind](true(part) for part in of)

    there = SERVER | TEMPLATE["Outputs"]
    return {name for name, part in there.items() if "Condition" not in part or true({"Condition": part["Condition"]})}


def test_nothing_of_it_is_in_the_template_that_everybody_deploys() -> None:
    assert len(SERVER) > 20
    for part in ("Parameters", "Resources", "Outputs"):
        assert {name for name in MAIN[part] if name.startswith(PARTS)} == set()
        assert set(TEMPLATE[part]) & set(MAIN[part]) <= {"Architecture", "LogRetentionDays", "EndpointUrl"}
    assert "Rules" not in MAIN
    kinds = {resource["Type"] for resource in MAIN["Resources"].values()}
    services = {kind.split("::")[1] for kind in kinds}
    assert services & {"EC2", "ECS", "ElasticLoadBalancingV2", "AutoScaling", "SecretsManager", "Route53"} == set()


def test_both_templates_take_the_same_of_what_both_are_given() -> None:
    for name in ("Architecture", "LogRetentionDays", "EndpointUrl"):
        mains, own = MAIN["Parameters"][name], TEMPLATE["Parameters"][name]
        assert {**mains, "Description": ""} == {**own, "Description": ""}
    assert {name for name in TEMPLATE["Parameters"] if is_of_server(name)} == set(TEMPLATE["Parameters"]) - {
        *("IsothermStack", "Architecture", "LogRetentionDays", "EndpointUrl")
    }
    assert not any(map(is_of_server, MAIN["Parameters"]))


def test_its_names_come_from_the_stack_that_it_serves_and_not_from_its_own() -> None:
    text = (ROOT / "server" / "template.yaml").read_text()
    assert "AWS::StackName" not in text
    assert "Fn::ImportValue" not in text
    assert "!ImportValue" not in text
    assert "Default" not in TEMPLATE["Parameters"]["IsothermStack"]
    pattern = re.compile(TEMPLATE["Parameters"]["IsothermStack"]["AllowedPattern"])
    assert pattern.fullmatch("isotherm-2")
    # CloudFormation takes 128 letters, and this stack's own name is the other's with an ending.
    assert pattern.fullmatch("i" * (128 - len(server_stack(""))))
    assert not pattern.fullmatch("i" * (129 - len(server_stack(""))))
    assert not pattern.fullmatch("isotherm_2")


def test_samconfig_beside_it_deploys_it_as_the_servers_stack_of_the_default_one() -> None:
    deploy = tomllib.loads((ROOT / "server" / "samconfig.toml").read_text())["default"]["deploy"]["parameters"]
    assert (deploy["stack_name"], deploy["region"]) == (server_stack(DEFAULT_STACK), DEFAULT_HOME_REGION)
    assert deploy["capabilities"] == "CAPABILITY_IAM"
    assert not [name for name, resource in SERVER.items() if "RoleName" in resource["Properties"]]


def test_either_can_be_had_without_the_other() -> None:
    fargate, instance = made(FargateServer="on"), made(InstanceServer="on")

    assert not {name for name in fargate if name.startswith("Instance")}
    assert not {name for name in instance if name.startswith("Fargate")}
    shared = {name for name in fargate if name.startswith("Server")}
    assert shared == {name for name in instance if name.startswith("Server")}
    assert fargate | instance == made(**ON)
    assert set(SERVER) - made(**ON) == {"ServerName"}  # with a zone only
    assert "ServerName" in made(**ON, ServerHostedZone="z")


def test_what_is_made_refers_only_to_what_is_made() -> None:
    def named(part: Any) -> set[str]:
        if isinstance(part, dict):
            here = {
                of.partition(".")[0] for kind, of in part.items() if kind in ("Ref", "GetAtt") and isinstance(of, str)
            }
            return here.union(*(named(value) for value in part.values()))
        return set().union(*(named(value) for value in part)) if isinstance(part, list) else set()

    for parameters in ({"FargateServer": "on"}, {"InstanceServer": "on"}):
        there = made(**parameters)
        for name in there & set(SERVER):
            assert not (named(SERVER[name]) & set(SERVER)) - there, name


def test_all_that_a_server_needs_is_asked_for_at_once() -> None:
    rule = TEMPLATE["Rules"]["ServerIsWhole"]
    asked = {assertion["AssertDescription"].partition(":")[0] for assertion in rule["Assertions"]}
    settings = {name for name in TEMPLATE["Parameters"] if name.startswith("Server")}

    switches = ", ".join(ON)
    assert asked == {switches, *settings} - {"ServerHostedZone", "ServerScheme"}
    assert {TEMPLATE["Parameters"][name]["Default"] for name in asked - {switches}} == {""}
    assert "RuleCondition" not in rule
    assert rule["Assertions"][0]["Assert"] == {"Or": [{"Equals": [{"Ref": switch}, "on"]} for switch in ON]}
    assert {TEMPLATE["Parameters"][switch]["Default"] for switch in ON} == {"off"}


def test_only_the_clients_named_reach_the_balancer_and_only_the_balancer_the_server() -> None:
    balancer, server = (SERVER[name]["Properties"] for name in ("ServerBalancerGroup", "ServerGroup"))

    assert [rule["CidrIp"] for rule in balancer["SecurityGroupIngress"]] == [{"Ref": "ServerClients"}] * 2
    assert {rule["FromPort"] for rule in balancer["SecurityGroupIngress"]} == {443, 8443}
    (inwards,) = server["SecurityGroupIngress"]
    assert inwards["SourceSecurityGroupId"] == {"GetAtt": "ServerBalancerGroup.GroupId"}
    ports = [
        (rule["FromPort"], rule["ToPort"]) for group in (balancer, server) for rule in group["SecurityGroupIngress"]
    ]
    assert all(first == last for first, last in ports)
    assert 22 not in dict(ports)
    assert {rule["FromPort"] for rule in server["SecurityGroupEgress"]} == {443}
    assert SERVER["ServerBalancerToServer"]["Properties"]["DestinationSecurityGroupId"] == {
        "GetAtt": "ServerGroup.GroupId"
    }
    assert SERVER["ServerBalancer"]["Properties"]["Scheme"] == {"Ref": "ServerScheme"}
    assert TEMPLATE["Parameters"]["ServerScheme"]["Default"] == "internal"


@pytest.mark.parametrize("kind", ["Fargate", "Instance"])
def test_whoever_lacks_the_token_is_refused_over_https(kind: str) -> None:
    listener, rule = SERVER[f"{kind}Listener"]["Properties"], SERVER[f"{kind}Rule"]["Properties"]

    assert listener["Protocol"] == "HTTPS"
    assert listener["SslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2")
    (refusal,) = listener["DefaultActions"]
    assert (refusal["Type"], refusal["FixedResponseConfig"]["StatusCode"]) == ("fixed-response", "403")
    (condition,) = rule["Conditions"]
    assert condition["HttpHeaderConfig"]["HttpHeaderName"] == "x-isotherm-token"
    assert condition["HttpHeaderConfig"]["Values"] == [
        {"Sub": "{{resolve:secretsmanager:${ServerToken}:SecretString}}"}
    ]
    token = SERVER["ServerToken"]["Properties"]["GenerateSecretString"]
    assert token == {"PasswordLength": 48, "ExcludeUppercase": True, "ExcludePunctuation": True}


@pytest.mark.parametrize("kind", ["Fargate", "Instance"])
def test_balancer_and_server_agree(kind: str) -> None:
    targets = SERVER[f"{kind}Targets"]["Properties"]
    attributes = {a["Key"]: a["Value"] for a in SERVER["ServerBalancer"]["Properties"]["LoadBalancerAttributes"]}

    assert (targets["Protocol"], targets["HealthCheckProtocol"]) == ("HTTPS", "HTTPS")
    assert (targets["Port"], targets["HealthCheckPath"]) == (DEFAULT_PORT, HEALTH_PATH)
    assert int(attributes["idle_timeout.timeout_seconds"]) < KEEP_ALIVE_S


def test_the_task_is_told_to_stop_before_it_is_ended() -> None:
    (container,) = SERVER["FargateTask"]["Properties"]["ContainerDefinitions"]
    stop_s = command_line("server").get_default("stop_s")

    assert container["StopTimeout"] > stop_s
    assert container["PortMappings"] == [{"ContainerPort": DEFAULT_PORT, "Protocol": "tcp"}]
    assert container["ReadonlyRootFilesystem"] is True
    assert container["LogConfiguration"]["Options"]["awslogs-group"] == {"Ref": "ServerLogGroup"}
    command_line("server").parse_args(container["Command"])


def _actions(role: str) -> dict[str, Any]:
    policies = SERVER[role]["Properties"]["Policies"]
    statements = [s for policy in policies for s in policy["PolicyDocument"]["Statement"]]
    return {action: statement["Resource"] for statement in statements for action in statement["Action"]}


def test_each_role_may_do_its_own_part_and_no_more() -> None:
    table = {"Sub": "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${IsothermStack}-customers"}
    items = {"dynamodb:GetItem": table, "dynamodb:PutItem": table}
    task, starter, instance = _actions("FargateTaskRole"), _actions("FargateExecutionRole"), _actions("InstanceRole")

    assert task == items
    assert {action.partition(":")[0] for action in starter} == {"ecr", "logs"}
    assert items.items() <= instance.items()
    assert set(instance) - set(items) - set(starter) == {
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
    }
    assert all("ManagedPolicyArns" not in SERVER[role]["Properties"] for role in SERVER if role.endswith("Role"))


def test_the_instance_has_no_key_and_guards_its_credentials() -> None:
    data = SERVER["InstanceTemplate"]["Properties"]["LaunchTemplateData"]

    assert "KeyName" not in data
    assert data["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}
    assert data["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    assert [interface["Groups"] for interface in data["NetworkInterfaces"]] == [[{"GetAtt": "ServerGroup.GroupId"}]]
    group = SERVER["InstanceGroup"]["Properties"]
    assert (group["MinSize"], group["MaxSize"]) == ("1", "1")


def test_the_instances_script_is_one_that_bash_reads_and_starts_the_server_as_the_task_does() -> None:
    script: str = SERVER["InstanceTemplate"]["Properties"]["LaunchTemplateData"]["UserData"]["Fn::Base64"]["Sub"]
    (container,) = SERVER["FargateTask"]["Properties"]["ContainerDefinitions"]
    unit = script.partition("<<'UNIT'\n")[2].partition("\nUNIT\n")[0]

    assert script.startswith("#!/bin/bash\n")
    filled = script.replace("${", "_").replace("}", "_")
    read = subprocess.run(["bash", "-n"], input=filled, capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")
    start = unit.replace("\\\n", " ").partition("ExecStart=")[2].partition("\n")[0].split()
    assert start[:2] == ["/usr/bin/docker", "run"]
    assert start[start.index("${ServerImage}") + 1 :] == container["Command"]
    assert "--read-only" in start
    assert "Restart=always" in unit
    assert f"docker stop --time {container['StopTimeout']} " in unit
    assert json.dumps({"credsStore": "ecr-login"}) in script
