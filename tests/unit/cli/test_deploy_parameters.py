"""`isotherm deploy --parameter`: what is for every region, what for one alone, and what is refused."""

from __future__ import annotations

import pytest

from isotherm.aws.stacks import server_stack
from isotherm.cli.commands.deploy import EVERYWHERE, check_name, read_parameters
from isotherm.cli.errors import BadInput

HOME, MUMBAI = "us-east-1", "ap-south-1"


def test_a_parameter_is_for_every_region_or_for_the_one_that_it_names() -> None:
    certificate = f"arn:aws:acm:{MUMBAI}:123456789012:certificate/a=b"
    given = ["LogRetentionDays=7", f"mumbai:ServerCertificateArn={certificate}", f"{MUMBAI}:FargateServer=on"]
    assert read_parameters(given, [HOME, MUMBAI]) == {
        EVERYWHERE: {"LogRetentionDays": "7"},
        MUMBAI: {"ServerCertificateArn": certificate, "FargateServer": "on"},
    }


def test_a_server_needs_no_region_where_there_is_but_one() -> None:
    assert read_parameters(["FargateServer=on"], [HOME]) == {EVERYWHERE: {"FargateServer": "on"}}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("FargateServer=on", f"such as {MUMBAI}:FargateServer=on"),
        ("InstanceServer=on", "a server's network and certificate are of one region"),
        ("ServerVpc=vpc-1", f"would be for each of {HOME}, {MUMBAI}"),
        ("london:FargateServer=on", f"london is not deployed to, only {HOME}, {MUMBAI}"),
        (f"{HOME}:HomeRegion={MUMBAI}", "HomeRegion is set by --home"),
        ("IsothermStack=other", "IsothermStack is set by --stack"),
        (":FargateServer=on", "is not of the form"),
        ("FargateServer", "is not of the form"),
    ],
)
def test_what_would_break_a_region_is_refused_and_says_what_is_accepted(given: str, said: str) -> None:
    with pytest.raises(BadInput, match=r"^--parameter: ") as refusal:
        read_parameters([given], [HOME, MUMBAI])
    assert said in str(refusal.value)


@pytest.mark.parametrize("stack", [server_stack("isotherm"), server_stack(server_stack("x"))])
def test_the_names_of_servers_are_kept_for_servers(stack: str) -> None:
    with pytest.raises(BadInput, match=r'^--stack: ".*" is the name of the server of a stack ') as refusal:
        check_name(stack)
    assert "does not end in -server" in str(refusal.value)


@pytest.mark.parametrize("stack", ["isotherm", "server", "isotherm-server-2", "isothermserver"])
def test_a_name_that_is_no_servers_is_taken(stack: str) -> None:
    check_name(stack)
