"""No function may touch another stack's resources, whatever that stack is called and wherever it is.

Both templates are worked out, for a stack S and for its optional server, and what their roles may do is tried on all
that stacks T and their servers have. Which T to try is taken from the policies themselves: a pattern matches a name of
T either because T's name ends inside the fixed part of the pattern or because it goes on beyond it, so all beginnings
of that part, and longer names, are tried.
"""

from __future__ import annotations

import re
from functools import cache

import pytest

from isotherm.aws.stacks import server_stack
from isotherm.campaign.stack_health import functions_of

from .expanded import ACCOUNT, ANY_STACK, SERVER_TEMPLATE, TEMPLATE, Expanded, ExpandedServer, Statement, matches

S, HOME, SATELLITE, ELSEWHERE = "isotherm", "us-east-1", "ap-south-1", "eu-west-2"

#: Allowed on "*", since AWS knows no resource for them. None of them touches anything of anybody else:
TOUCHES_NOTHING = {
    "lambda:GetAccountSettings": "reads the account's limits",
    "states:SendTaskSuccess": "needs a task token, which only the execution that made it hands out",
    "states:SendTaskFailure": "needs a task token, which only the execution that made it hands out",
    "ecr:GetAuthorizationToken": "signs in to the registry; what may be pulled is another question",
    "ssm:UpdateInstanceInformation": "says of the instance itself that it is there",
    "ssmmessages:CreateControlChannel": "opens the instance's own end of a session",
    "ssmmessages:CreateDataChannel": "opens the instance's own end of a session",
    "ssmmessages:OpenControlChannel": "opens the instance's own end of a session",
    "ssmmessages:OpenDataChannel": "opens the instance's own end of a session",
}

#: All that is off unless asked for, and has roles.
SCHEDULED = {"ScheduleExpression": "rate(6 hours)"}
BOTH_SERVERS = {"FargateServer": "on", "InstanceServer": "on"}

ADVERSARIES = [
    *("isotherm-2", "isotherm-target", "isotherm-target-x", "isotherm-target-default", "isotherm-target-target"),
    *("isotherm-caller", "isotherm-caller-us-east-1", "isotherm-FireFunctionRole", "isotherm-FireFunctionRole-x"),
    *("isothermx", "isother", "i", "my-isotherm", "ISOTHERM", "isotherm-samples", "isotherm-lane", "isotherm-plan"),
    *(f"isotherm-{ACCOUNT}", f"isotherm-{ACCOUNT}-{HOME}", "isotherm-isotherm", "target", "control", "lambda", "aws"),
]

STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")


def templates(text: str = TEMPLATE, server_text: str = SERVER_TEMPLATE) -> list[Expanded]:
    """S and its server, at home and beside it, on AWS and on what stands in for it."""
    emulated = {"EndpointUrl": "http://127.0.0.1:4566"}
    return [
        stack
        for region in (HOME, SATELLITE)
        for stack in (
            *(Expanded(region, HOME, S, text, **parameters) for parameters in ({}, emulated, SCHEDULED)),
            *(ExpandedServer(region, S, server_text, **BOTH_SERVERS, **parameters) for parameters in ({}, emulated)),
        )
    ]


@cache
def _arns_of_any_stack() -> dict[str, frozenset[str]]:
    """What any other stack and its server have, by service; in the same regions and in another, at home and not."""
    homes = [(region, home) for region in (HOME, SATELLITE, ELSEWHERE) for home in (HOME, ELSEWHERE)]
    arns = {arn for region, home in homes for arn in Expanded(region, home, **SCHEDULED).everything()}
    arns |= {arn for region, _ in homes for arn in ExpandedServer(region, **BOTH_SERVERS).everything()}
    return {
        service: frozenset(filter(lambda arn: arn.split(":")[2] == service, arns)) for service in map(_service, arns)
    }


def _service(arn: str) -> str:
    return arn.split(":")[2]


@cache
def of_others(pattern: str, service: str) -> list[str]:
    """What a pattern matches of a service's in other stacks: of those whose names it could match, if it can match any.

    Sessions of roles are `sts`'s, whatever service is asked.
    """
    names = set(ADVERSARIES)
    everything = pattern == "*"
    for part in re.split(r"[:/*?]", "" if everything else pattern.split(":", 5)[5]):
        for end in range(1, len(part) + 1):
            names |= {part[:end], f"{part[:end]}x", f"{part[:end]}-x", f"{part[:end]}x-"}
    stacks = [name for name in names if STACK_NAME.fullmatch(name) and name != S]
    services = {service, "sts"} & (_arns_of_any_stack().keys() if everything else {_service(pattern)})
    schemes = [scheme for service in services for scheme in _arns_of_any_stack()[service]]
    arns = (scheme.replace(ANY_STACK, stack) for scheme in schemes for stack in stacks)
    return [arn for arn in arns if matches(pattern, arn)]


@cache
def left_to(pattern: str, service: str, denials: tuple[Statement, ...]) -> list[str]:
    """What of these the denials do not take back."""
    return [arn for arn in of_others(pattern, service) if not any(denial.speaks_of_resource(arn) for denial in denials)]


def breaches(text: str = TEMPLATE, server_text: str = SERVER_TEMPLATE) -> set[tuple[str, str, str]]:
    """Which roles of S and of its server may do what to which resource of another stack."""
    found = set()
    expanded = templates(text, server_text)
    own = {arn for mine in expanded for arn in mine.everything()}

    def is_of_another(arn: str) -> bool:
        # The name of S's server is kept for it (tests/unit/cli/test_deploy_parameters.py), so in any region it is S's.
        return arn not in own and f":stack/{server_stack(S)}/" not in arn

    for allowed, denials in {judged for mine in expanded for judged in _judged(mine.statements())}:
        assert allowed.resources is not None, "what may be done to all but something is not judged here"
        for action in (action for action in allowed.actions if action not in TOUCHES_NOTHING):
            about_it = tuple(denial for denial in denials if denial.speaks_of_action(action))
            for pattern in allowed.resources:
                reached = left_to(pattern, action.split(":")[0], about_it)
                found |= {(allowed.role, action, arn) for arn in reached if is_of_another(arn)}
    return found


def _judged(statements: list[Statement]) -> list[tuple[Statement, tuple[Statement, ...]]]:
    """Each statement that allows something, with those that deny something to the same role."""
    return [(allowed, _denials(statements, allowed.role)) for allowed in statements if allowed.allow]


def _denials(statements: list[Statement], role: str) -> tuple[Statement, ...]:
    return tuple(statement for statement in statements if not statement.allow and statement.role == role)


def _denied(denials: tuple[Statement, ...], action: str, arn: str) -> bool:
    return any(denial.speaks_of(action, arn) for denial in denials)


def test_no_role_may_touch_anything_of_another_stack() -> None:
    assert breaches() == set()


def test_every_role_has_something_to_be_judged_by() -> None:
    for mine in templates():
        assert {*mine.implied_roles(), *mine.trust()} == {statement.role for statement in mine.statements()}


def test_every_role_that_the_template_can_make_is_judged() -> None:
    """None is behind a condition that holds in none of the expansions, in either template."""
    judged = {statement.role for mine in templates() for statement in mine.statements()}
    written = re.findall(r"^  (\w+):\n    Type: AWS::IAM::Role$", TEMPLATE + SERVER_TEMPLATE, re.MULTILINE)
    assert {"ScheduleRole", "FargateTaskRole", "FargateExecutionRole", "InstanceRole"} <= set(written) <= judged


@pytest.mark.parametrize(
    ("written", "instead", "breach"),
    [
        (
            "function:${AWS::StackName}-target_*",
            "function:${AWS::StackName}-target-*",
            ("FireFunctionRole", "lambda:InvokeFunction", "function:isotherm-target-x-plan"),
        ),
        (
            "function:${AWS::StackName}-target_*",
            "function:${AWS::StackName}-*",
            ("PrepareFunctionRole", "lambda:DeleteFunction", "function:isotherm-2-target_default:1"),
        ),
        (
            "table/${AWS::StackName}-samples",
            "table/${AWS::StackName}*",
            ("CollectFunctionRole", "dynamodb:UpdateItem", "table/isothermx-samples"),
        ),
        (
            "${AWS::StackName}-${AWS::AccountId}-${Home}/raw/*",
            "${AWS::StackName}-*/raw/*",
            ("FireFunctionRole", "s3:PutObject", f":isotherm-2-{ACCOUNT}-{HOME}/raw/x"),
        ),
        (
            "stack/${AWS::StackName}/*",
            "stack/${AWS::StackName}*",
            ("PlanFunctionRole", "cloudformation:DescribeStacks", "stack/isotherm-2/"),
        ),
        (
            "stateMachine:${AWS::StackName}-lane",
            "stateMachine:*-lane",
            ("DispatchFunctionRole", "states:StartExecution", "stateMachine:my-isotherm-lane"),
        ),
        (
            "secret:${AWS::StackName}-server_token-??????",
            "secret:${AWS::StackName}*",
            ("FireFunctionRole", "secretsmanager:GetSecretValue", "secret:isotherm-2-server_token-AbCdEf"),
        ),
        (
            "log-group:/isotherm/${AWS::StackName}/server*",
            "log-group:/isotherm/${AWS::StackName}*",
            ("CollectFunctionRole", "logs:FilterLogEvents", "log-group:/isotherm/isotherm-2/server:log-stream:x"),
        ),
        (
            "log-group:/isotherm/${IsothermStack}/server:*",
            "log-group:/isotherm/${IsothermStack}*",
            ("InstanceRole", "logs:PutLogEvents", "log-group:/isotherm/isotherm-2/server:log-stream:x"),
        ),
        (
            "stateMachine:${AWS::StackName}-campaign",
            "stateMachine:${AWS::StackName}*",
            ("ScheduleRole", "states:StartExecution", "stateMachine:isothermx-campaign"),
        ),
        (
            "stack/${AWS::StackName}-server/*",
            "stack/${AWS::StackName}-server*",
            ("PlanFunctionRole", "cloudformation:DescribeStacks", "stack/isotherm-server-x-server/"),
        ),
        (
            "table/${IsothermStack}-customers",
            "table/${IsothermStack}*",
            ("FargateTaskRole", "dynamodb:PutItem", "table/isotherm-2-customers"),
        ),
        (
            "table/${IsothermStack}-customers",
            "table/*-customers",
            ("InstanceRole", "dynamodb:GetItem", "table/my-isotherm-customers"),
        ),
        (
            "repository/${IsothermStack}-server",
            "repository/${IsothermStack}-*",
            ("FargateExecutionRole", "ecr:BatchGetImage", "repository/isotherm-2-server"),
        ),
    ],
)
def test_a_pattern_that_reaches_further_would_be_noticed(
    written: str, instead: str, breach: tuple[str, str, str]
) -> None:
    assert written in TEMPLATE + SERVER_TEMPLATE
    role, action, resource = breach
    widened = breaches(TEMPLATE.replace(written, instead), SERVER_TEMPLATE.replace(written, instead))
    assert any((found[:2] == (role, action)) and resource in found[2] for found in widened)


@pytest.mark.parametrize("stack", sorted({*ADVERSARIES}))
@pytest.mark.parametrize("region", [HOME, SATELLITE])
def test_no_role_of_another_stack_can_become_one_of_ours(stack: str, region: str) -> None:
    """Both must allow it: who may assume a role, and what the one who assumes it may."""
    mine, their_server = Expanded(region, HOME, S), ExpandedServer(region, stack, **BOTH_SERVERS)
    for theirs in (Expanded(region, HOME, stack), their_server):
        statements = theirs.statements()
        for role, trusted in mine.trust().items():
            arn = mine.role_arn(role)
            for statement in trusted:
                if "Service" in statement["Principal"]:
                    continue
                patterns = statement["Condition"]["ArnLike"]["aws:PrincipalArn"]
                for other in [*theirs.implied_roles(), *theirs.trust()]:
                    trusts = any(matches(pattern, theirs.role_arn(other)) for pattern in patterns)
                    may = any(s.allow and s.role == other and s.speaks_of("sts:AssumeRole", arn) for s in statements)
                    assert not (trusts and may), (other, role)


def test_only_aws_itself_can_become_a_role_of_the_server() -> None:
    trusted = ExpandedServer(HOME, S, **BOTH_SERVERS).trust()
    principals = {role: [statement["Principal"] for statement in statements] for role, statements in trusted.items()}
    assert principals == {
        "FargateTaskRole": [{"Service": "ecs-tasks.amazonaws.com"}],
        "FargateExecutionRole": [{"Service": "ecs-tasks.amazonaws.com"}],
        "InstanceRole": [{"Service": "ec2.amazonaws.com"}],
    }


def test_what_a_stack_and_its_server_ask_of_each_other_is_allowed() -> None:
    """The names of the one are those in the other's policies: by convention, as neither knows the other's ids."""
    mine, server = Expanded(SATELLITE, HOME, S), ExpandedServer(SATELLITE, S, **BOTH_SERVERS)
    home = Expanded(HOME, HOME, S)
    asked: list[tuple[Expanded | ExpandedServer, str, str, *tuple[str, ...]]] = [
        (
            home,
            "PlanFunctionRole",
            "cloudformation:DescribeStacks",
            f"arn:aws:cloudformation:{SATELLITE}:{ACCOUNT}:stack/{server.stack}/x",
        ),
        (mine, "FireFunctionRole", "secretsmanager:GetSecretValue", *server.arns("ServerToken")),
        (mine, "CollectFunctionRole", "logs:FilterLogEvents", *server.arns("ServerLogGroup")),
        (server, "FargateTaskRole", "dynamodb:PutItem", mine.arns("CustomersTable")[0]),
        (server, "InstanceRole", "dynamodb:PutItem", mine.arns("CustomersTable")[0]),
    ]
    for who, role, action, *arns in asked:
        for arn in arns:
            assert any(s.allow and s.role == role and s.speaks_of(action, arn) for s in who.statements()), (role, arn)


def test_fire_can_become_the_caller_of_its_own_stack() -> None:
    """The same two questions, where the answer is yes: so the test above asks them rightly."""
    mine, there = Expanded(HOME, HOME, S), Expanded(SATELLITE, HOME, S)
    (trusted,) = there.trust()["CallerRole"]
    fire, caller = mine.role_arn("FireFunctionRole"), there.role_arn("CallerRole")
    assert any(matches(pattern, fire) for pattern in trusted["Condition"]["ArnLike"]["aws:PrincipalArn"])
    assert any(s.speaks_of("sts:AssumeRole", caller) for s in mine.statements() if s.role == "FireFunctionRole")


def test_what_is_allowed_on_everything_touches_nothing() -> None:
    for mine in templates():
        for statement in mine.statements():
            if statement.allow and statement.resources is not None and "*" in statement.resources:
                unexplained = set(statement.actions) - TOUCHES_NOTHING.keys()
                # SAM's policy for logs: allowed on all log groups, and taken back for all but the stack's own.
                arn = f"arn:aws:logs:{mine.region}:{ACCOUNT}:log-group:/aws/lambda/anybody"
                denials = _denials(mine.statements(), statement.role)
                assert all(_denied(denials, action, arn) for action in unexplained), statement


def test_plan_may_ask_for_each_function_that_it_asks_for() -> None:
    mine = Expanded(HOME, HOME, S)
    asking = [s for s in mine.statements() if s.role == "PlanFunctionRole"]
    for function in functions_of(S, is_home=True):
        arn = f"arn:aws:lambda:{SATELLITE}:{ACCOUNT}:function:{function}"
        assert any(statement.speaks_of("lambda:GetFunctionConfiguration", arn) for statement in asking), function
