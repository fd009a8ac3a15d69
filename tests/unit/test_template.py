"""What the template promises beyond what `sam validate --lint` checks: least privilege, and an input for everything."""

import json
from pathlib import Path

import pytest
import yaml

from isotherm import __version__
from isotherm.regions import functions_of

ROOT = Path(__file__).parents[2]

#: Actions for which AWS knows no resource finer than *.
WITHOUT_RESOURCES = {
    "lambda:GetAccountSettings",
    "states:SendTaskSuccess",
    "states:SendTaskFailure",
}


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms (!Ref, !Sub ...) as plain values."""


def _plain(loader, suffix, node):
    if suffix == "Sub" and isinstance(node, yaml.SequenceNode):
        return loader.construct_scalar(node.value[0])  # the text; what it substitutes does not matter here
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _plain)

TEMPLATE = yaml.load((ROOT / "template.yaml").read_text(), _Loader)  # noqa: S506 - a safe loader with plain tags
RESOURCES = TEMPLATE["Resources"]
FUNCTIONS = {name: r["Properties"] for name, r in RESOURCES.items() if r["Type"] == "AWS::Serverless::Function"}
CONTROL = {name: f for name, f in FUNCTIONS.items() if f["CodeUri"].startswith("functions/control/")}


def as_list(value):
    return value if isinstance(value, list) else [value]


def statements():
    for name, resource in RESOURCES.items():
        for policy in resource["Properties"].get("Policies", []):
            for statement in policy.get("PolicyDocument", policy)["Statement"]:
                yield name, statement


def test_no_policy_allows_every_action_of_a_service():
    for name, statement in statements():
        for action in as_list(statement["Action"]):
            assert "*" not in action, (name, action)


def test_every_resource_is_named_unless_aws_knows_no_finer_one():
    for name, statement in statements():
        if "*" in as_list(statement["Resource"]):
            assert set(as_list(statement["Action"])) <= WITHOUT_RESOURCES, (name, statement)


def test_no_policy_reaches_beyond_this_stack():
    for name, statement in statements():
        for resource in as_list(statement["Resource"]):
            text = json.dumps(resource)
            own = "${AWS::StackName}" in text or "Function.Arn" in text
            assert own or text == '"*"', (name, text)


def test_every_control_function_has_a_policy_of_its_own():
    assert set(CONTROL) == {f"{folder.name.capitalize()}Function" for folder in (ROOT / "functions/control").iterdir()}
    for name, function in CONTROL.items():
        assert function["Policies"], name


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_has_an_input_to_be_tried_with(name):
    assert isinstance(json.loads((ROOT / "events" / f"{name}.json").read_text()), dict)


def test_results_are_encrypted_private_and_recoverable():
    table, bucket = RESOURCES["SamplesTable"]["Properties"], RESOURCES["ResultsBucket"]["Properties"]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"]["SSEEnabled"]
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]
    assert bucket["LifecycleConfiguration"]["Rules"]


def test_every_log_group_forgets():
    groups = [r["Properties"] for r in RESOURCES.values() if r["Type"] == "AWS::Logs::LogGroup"]
    assert len(groups) == 1 + len(FUNCTIONS) - len(CONTROL)
    assert all("RetentionInDays" in group for group in groups)


def test_pkg_and_size_are_the_same_code_with_another_handler():
    for size in ("20", "50"):
        pkg, unimported = FUNCTIONS[f"Pkg{size}Function"], FUNCTIONS[f"Size{size}Function"]
        assert pkg["CodeUri"] == unimported["CodeUri"]
        assert (pkg["Handler"], unimported["Handler"]) == (f"pkg{size}/app.handler", f"size{size}/app.handler")


def test_the_stack_says_its_version_and_its_targets():
    outputs = {name: output["Value"] for name, output in TEMPLATE["Outputs"].items()}
    targets = [f["Environment"]["Variables"]["ISOTHERM_TARGET"] for name, f in FUNCTIONS.items() if name not in CONTROL]
    assert outputs["Version"] == __version__
    assert sorted(outputs["Targets"].split(",")) == sorted(targets)


@pytest.mark.parametrize("is_home", [True, False])
def test_plan_knows_which_control_functions_a_region_has_to_have(is_home):
    there = [f for name, f in CONTROL.items() if is_home or "Condition" not in RESOURCES[name]]
    names = [f["FunctionName"].replace("${AWS::StackName}", "S") for f in there]
    assert sorted(functions_of("S", is_home)) == sorted(names)
