"""A template as it comes out for one stack in one region: the names of what it makes, and what its roles may do.

CloudFormation's functions are worked out here, as far as the templates use them, and SAM's implied roles are added.
What CloudFormation would name by chance is named by a fixed chance.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from isotherm.aws.stacks import server_stack

ROOT = Path(__file__).parents[2]
TEMPLATE = (ROOT / "template.yaml").read_text()
SERVER_TEMPLATE = (ROOT / "server" / "template.yaml").read_text()

ACCOUNT = "123456789012"
CHANCE = "1A2B3C4D5E6F"

#: A stack's name in what is worked out once for every stack; no name has such a character.
ANY_STACK = "\N{WHITE SQUARE}"

#: AWS's own policies that SAM attaches, as far as they are used: what they allow, on everything.
MANAGED = {
    "AWSLambdaBasicExecutionRole": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
}


@dataclass(frozen=True)
class Statement:
    """One statement of a role; `resources` None where it speaks of everything but `other_than`."""

    role: str
    allow: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...] | None
    other_than: tuple[str, ...] = ()

    def speaks_of(self, action: str, arn: str) -> bool:
        """Whether it is about this action on this resource, by IAM's rules."""
        return self.speaks_of_action(action) and self.speaks_of_resource(arn)

    def speaks_of_action(self, action: str) -> bool:
        """Whether it is about this action, on whatever."""
        return any(matches(pattern.lower(), action.lower()) for pattern in self.actions)

    def speaks_of_resource(self, arn: str) -> bool:
        """Whether it is about this resource, whatever is done to it."""
        if self.resources is None:
            return not any(matches(pattern, arn) for pattern in self.other_than)
        return any(matches(pattern, arn) for pattern in self.resources)


@cache
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(sign) or re.escape(sign) for sign in pattern), re.DOTALL)


def matches(pattern: str, text: str) -> bool:
    """IAM's wildcards: * is any text, ? any one character."""
    return _glob(pattern).fullmatch(text) is not None


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms (!Ref, !Sub ...) as their long ones."""


def _long_form(loader: Any, suffix: str, node: Any) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".")
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)


@cache
def _parsed(text: str) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.load(text, _Loader)  # noqa: S506 - a safe loader with long forms
    return parsed


class Expanded:
    """The template for one stack in one region."""

    def __init__(
        self, region: str, home_region: str, stack: str = ANY_STACK, text: str = TEMPLATE, **parameters: Any
    ) -> None:
        self._template = _parsed(text)
        self._values: dict[str, Any] = {
            name: parameter.get("Default", "") for name, parameter in self._template["Parameters"].items()
        }
        self._values |= {"HomeRegion": "" if region == home_region else home_region, **parameters}
        self._values |= {
            "AWS::StackName": stack,
            "AWS::Region": region,
            "AWS::AccountId": ACCOUNT,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::NoValue": None,
            "AWS::StackId": f"arn:aws:cloudformation:{region}:{ACCOUNT}:stack/{stack}/{CHANCE}",
        }
        self.stack, self.region = stack, region
        self.resources: dict[str, dict[str, Any]] = {
            name: resource
            for name, resource in self._template["Resources"].items()
            if "Condition" not in resource or self._holds(resource["Condition"])
        }

    def value(self, written: Any) -> Any:
        """What CloudFormation makes of a value in the template."""
        if isinstance(written, list):
            return [value for value in map(self.value, written) if value is not None]
        if not isinstance(written, dict):
            return written
        if len(written) == 1:
            ((function, argument),) = written.items()
            if function == "Ref":
                return self._referred(argument)
            if function.startswith("Fn::"):
                return getattr(self, f"_{function[4:].lower()}")(argument)
        return {name: self.value(value) for name, value in written.items()}

    def _sub(self, argument: Any) -> str:
        text, given = argument if isinstance(argument, list) else (argument, {})
        values = {name: self.value(value) for name, value in given.items()}

        def put(found: re.Match[str]) -> str:
            name = found[1]
            if name in values:
                return str(values[name])
            return str(self._getatt(name.split(".")) if "." in name else self._referred(name))

        return re.sub(r"\$\{([^!}]+)\}", put, text)

    def _getatt(self, argument: list[str]) -> str:
        name, attribute = argument
        return self.arns(name)[0] if attribute == "Arn" else f"{name}.{attribute}"

    def _if(self, argument: list[Any]) -> Any:
        condition, then, otherwise = argument
        return self.value(then if self._holds(condition) else otherwise)

    def _join(self, argument: list[Any]) -> str:
        return str(argument[0]).join(map(str, self.value(argument[1])))

    def _split(self, argument: list[Any]) -> list[str]:
        return str(self.value(argument[1])).split(argument[0])

    def _select(self, argument: list[Any]) -> Any:
        return self.value(argument[1])[int(argument[0])]

    def _holds(self, condition: Any) -> bool:
        if isinstance(condition, str):
            return self._holds(self._template["Conditions"][condition])
        ((function, argument),) = condition.items()
        if function == "Condition":
            return self._holds(argument)
        if function == "Fn::Equals":
            return bool(self.value(argument[0]) == self.value(argument[1]))
        held = [self._holds(part) for part in argument]
        return {"Fn::And": all(held), "Fn::Or": any(held), "Fn::Not": not held[0]}[function]

    def _referred(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        if name.removesuffix("Role") in self.resources and name not in self.resources:
            return self._by_chance(name)  # the role that SAM makes for a function or a machine
        kind = self.resources[name]["Type"]
        return self.arns(name)[0] if kind.endswith(("StateMachine", "LayerVersion", "Policy")) else self._name(name)

    def _by_chance(self, name: str) -> str:
        return f"{self.stack}-{name}-{CHANCE}"

    def _name(self, name: str) -> str:
        """A resource's own name; ids that say nothing of their stack are of the stack all the same."""
        resource = self.resources[name]
        properties = resource.get("Properties", {})
        if resource["Type"].startswith("AWS::ApiGatewayV2::"):
            return f"id~{self.stack}~{self.region}"
        for field in (f"{resource['Type'].rpartition('::')[2]}Name", "Name", "FunctionName", "LayerName"):
            if field in properties:
                return str(self.value(properties[field]))
        return self._by_chance(name)

    def arns(self, name: str) -> list[str]:
        """Every ARN by which a policy could mean a resource or a part of it; its own is the first."""
        kind, own = self.resources[name]["Type"], self._name(name)
        here = f"{self.region}:{ACCOUNT}"
        if kind == "AWS::Serverless::Function":
            first = f"arn:aws:lambda:{here}:function:{own}"
            return [first, f"{first}:1", f"{first}:$LATEST", *self.log_arns(f"/aws/lambda/{own}")]
        if kind == "AWS::Serverless::LayerVersion":
            return [f"arn:aws:lambda:{here}:layer:{own}:1"]
        if kind == "AWS::Serverless::StateMachine":
            executions = [f"arn:aws:states:{here}:{kind}:{own}:id" for kind in ("execution", "express")]
            return [f"arn:aws:states:{here}:stateMachine:{own}", *executions]
        if kind == "AWS::DynamoDB::Table":
            first = f"arn:aws:dynamodb:{here}:table/{own}"
            return [first, f"{first}/index/x", f"{first}/stream/x", f"{first}/backup/x"]
        if kind == "AWS::S3::Bucket":
            return [f"arn:aws:s3:::{own}", *(f"arn:aws:s3:::{own}/{part}/x" for part in ("plans", "raw", "reports"))]
        if kind == "AWS::Logs::LogGroup":
            return self.log_arns(own)
        if kind == "AWS::IAM::Role":
            return [f"arn:aws:iam::{ACCOUNT}:role/{own}", f"arn:aws:sts::{ACCOUNT}:assumed-role/{own}/session"]
        if kind == "AWS::SecretsManager::Secret":
            return [f"arn:aws:secretsmanager:{here}:secret:{own}-AbCdEf"]  # six letters that AWS chooses
        if kind.startswith("AWS::ApiGatewayV2::"):
            api = f"arn:aws:execute-api:{here}:{own}"
            return [
                f"{api}/$default/GET/customers/x",
                f"{api}/$default/POST/customers",
                f"arn:aws:apigateway:{here}::/{own}",
            ]
        service, _, what = kind.removeprefix("AWS::").partition("::")
        return [f"arn:aws:{service.lower()}:{here}:{what.lower()}{sign}{own}" for sign in ":/"]

    def log_arns(self, group: str) -> list[str]:
        """A log group, with and without what AWS appends to it, and a stream of it."""
        first = f"arn:aws:logs:{self.region}:{ACCOUNT}:log-group:{group}"
        return [first, f"{first}:*", f"{first}:log-stream:x"]

    def everything(self) -> set[str]:
        """Every ARN of the stack, that of the stack itself and those of the roles included."""
        arns = {arn for name in self.resources for arn in self.arns(name)}
        arns |= {f"arn:aws:iam::{ACCOUNT}:role/{self._by_chance(role)}" for role in self.implied_roles()}
        return {*arns, str(self._values["AWS::StackId"])}

    def implied_roles(self) -> list[str]:
        """Logical names of the roles that SAM makes."""
        return [
            f"{name}Role"
            for name, resource in self.resources.items()
            if resource["Type"] in ("AWS::Serverless::Function", "AWS::Serverless::StateMachine")
            and "Role" not in resource["Properties"]
        ]

    def role_arn(self, role: str) -> str:
        """ARN of a role of the template, or of one that SAM makes."""
        return self.arns(role)[0] if role in self.resources else f"arn:aws:iam::{ACCOUNT}:role/{self._by_chance(role)}"

    def trust(self) -> dict[str, list[dict[str, Any]]]:
        """For each role of the template, the statements that say who may assume it."""
        return {
            name: self.value(resource["Properties"]["AssumeRolePolicyDocument"])["Statement"]
            for name, resource in self.resources.items()
            if resource["Type"] == "AWS::IAM::Role"
        }

    def statements(self) -> list[Statement]:
        """All that is allowed and denied to the stack's roles."""
        found: list[Statement] = []
        for name, resource in self.resources.items():
            properties = resource.get("Properties", {})
            if f"{name}Role" in self.implied_roles():
                documents = [policy for policy in properties.get("Policies", []) if isinstance(policy, dict)]
                named = [policy for policy in properties.get("Policies", []) if isinstance(policy, str)]
                if resource["Type"] == "AWS::Serverless::Function":
                    named = [*named, "AWSLambdaBasicExecutionRole"]
                found += self._managed(f"{name}Role", named)
                found += [statement for document in documents for statement in self._read(f"{name}Role", document)]
            elif resource["Type"] == "AWS::IAM::Role":
                found += self._managed(name, properties.get("ManagedPolicyArns", []))
                for policy in properties.get("Policies", []):
                    found += self._read(name, policy["PolicyDocument"])
            elif resource["Type"] in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
                for role in (part["Ref"] for part in self._roles_of(properties)):
                    found += self._read(role, properties["PolicyDocument"])
        return found

    def _roles_of(self, properties: dict[str, Any]) -> list[dict[str, str]]:
        """References to roles, where conditions leave any."""
        chosen = []
        for part in properties.get("Roles", []):
            while "Fn::If" in part:
                condition, then, otherwise = part["Fn::If"]
                part = then if self._holds(condition) else otherwise
            chosen.append(part)
        return [part for part in chosen if part["Ref"] != "AWS::NoValue"]

    def _managed(self, role: str, policies: list[Any]) -> list[Statement]:
        names = [str(self.value(policy)).rpartition("/")[2] for policy in policies]
        return [Statement(role, True, tuple(MANAGED[name]), ("*",)) for name in names]

    def _read(self, role: str, document: dict[str, Any]) -> list[Statement]:
        read = []
        for written in self.value(document)["Statement"]:
            assert written.keys() <= {"Sid", "Effect", "Action", "Resource", "NotResource", "Condition"}, (
                role,
                written,
            )
            allow = written["Effect"] == "Allow"
            if not allow and "Condition" in written:
                continue  # what is denied at times only is not counted upon
            resources = tuple(_as_list(written["Resource"])) if "Resource" in written else None
            other_than = tuple(_as_list(written.get("NotResource", [])))
            read.append(Statement(role, allow, tuple(_as_list(written["Action"])), resources, other_than))
        return read


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class ExpandedServer(Expanded):
    """The template of the optional server for one stack in one region: its own stack is named after that one."""

    def __init__(self, region: str, served: str = ANY_STACK, text: str = SERVER_TEMPLATE, **parameters: Any) -> None:
        super().__init__(region, region, server_stack(served), text, IsothermStack=served, **parameters)
        self.served = served

    def everything(self) -> set[str]:
        """Besides what the stack makes, its images: not made by it, but named after the stack that it serves."""
        return {*super().everything(), f"arn:aws:ecr:{self.region}:{ACCOUNT}:repository/{self.served}-server"}
