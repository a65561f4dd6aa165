"""Listings that name no resource: they are authorised on all of a type, as the services document it."""

from __future__ import annotations

import pytest

from simulator.iam.resources import UnmappedOperationError
from tests.simulator.iam_world import HUB, REGION, Organization, needed

HERE = f"{REGION}:{HUB}"


@pytest.mark.parametrize(
    ("service", "operation", "resource"),
    [
        # Amazon CloudWatch User Guide, "CloudWatch permissions reference".
        ("cloudwatch", "DescribeAlarms", f"arn:aws:cloudwatch:{HERE}:alarm:*"),
        # Amazon ECR User Guide, "Identity-based policy examples".
        ("ecr", "DescribeRepositories", f"arn:aws:ecr:{HERE}:repository/*"),
    ],
)
def test_a_listing_that_names_nothing_is_authorised_on_all_of_the_type(
    service: str, operation: str, resource: str
) -> None:
    (asked,) = needed(Organization(), service, operation)
    assert asked.resources == (resource,)


def test_a_page_of_such_a_listing_is_authorised_alike() -> None:
    (asked,) = needed(Organization(), "ecr", "DescribeRepositories", maxResults=5, nextToken="t")
    assert asked.resources == (f"arn:aws:ecr:{HERE}:repository/*",)


def test_recorders_are_listed_without_a_name() -> None:
    (asked,) = needed(Organization(), "config", "DescribeConfigurationRecorders")
    assert asked.action == "config:DescribeConfigurationRecorders"


def test_a_listing_that_asks_for_something_is_still_a_gap_where_nothing_says_its_resource() -> None:
    with pytest.raises(UnmappedOperationError, match="ListRegistries"):
        needed(Organization(), "schemas", "ListRegistries", RegistryNamePrefix="a")
