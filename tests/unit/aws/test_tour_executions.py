"""The ARNs by which a campaign's executions and its lanes' are found in every region."""

from __future__ import annotations

from isotherm.aws.tour_executions import execution_arn, lane_machine_arn, region_of_arn

CAMPAIGN_MACHINE = "arn:aws-cn:states:cn-north-1:123456789012:stateMachine:isotherm-campaign"


def test_an_execution_is_called_by_its_machine_and_its_own_name() -> None:
    arn = execution_arn(CAMPAIGN_MACHINE, "demo-1")
    assert arn == "arn:aws-cn:states:cn-north-1:123456789012:execution:isotherm-campaign:demo-1"
    assert region_of_arn(arn) == "cn-north-1"


def test_the_lane_machine_of_another_region_is_in_the_same_account_and_partition() -> None:
    arn = lane_machine_arn(CAMPAIGN_MACHINE, "isotherm", "cn-northwest-1")
    assert arn == "arn:aws-cn:states:cn-northwest-1:123456789012:stateMachine:isotherm-lane"
    assert lane_machine_arn(arn, "isotherm", "cn-north-1") == CAMPAIGN_MACHINE.replace("-campaign", "-lane")
