"""Who did what: CloudTrail's event history, and the services that launch instances for people."""

from __future__ import annotations

from simulator.behaviours.model import behaviours, differences

HISTORY = "CloudTrail User Guide, Working with CloudTrail event history"
LOOKUP = "CloudTrail API Reference, LookupEvents"
IDENTITY = "CloudTrail User Guide, CloudTrail userIdentity element"
LAUNCHES = "EC2 Auto Scaling User Guide, Log Amazon EC2 Auto Scaling API calls with AWS CloudTrail"
TAGS = "CloudFormation User Guide, Resource tags"

BEHAVIOURS = (
    *behaviours(
        "cloudtrail",
        "test_cloudtrail_service",
        (
            (
                "history",
                "What calls have changed is found in the account and Region of the call, 15 minutes later and for 90 "
                "days; reads, data events and refused calls are not; what IAM did is found in one Region.",
                HISTORY,
                "test_an_event_is_there_after_fifteen_minutes_in_its_account_and_region_for_ninety_days "
                "test_reads_data_events_and_refused_calls_leave_nothing_and_iam_is_found_in_one_region",
            ),
            (
                "lookups",
                "A lookup has at most one attribute and a time range; events come newest first, 50 a page.",
                LOOKUP,
                "test_one_attribute_chooses test_a_time_range_chooses test_wrong_requests_are_refused "
                "test_events_come_newest_first_in_pages_of_fifty test_two_calls_a_second_are_answered",
            ),
            (
                "identities",
                "Users, sessions with their role and source identity, and services that act for somebody are named.",
                IDENTITY,
                "test_users_and_sessions_are_named_as_cloudtrail_names_them",
            ),
            (
                "elements",
                "Records hold parameters and answers without secrets, and none that are longer than 100,000 "
                "characters.",
                "CloudTrail User Guide, CloudTrail record contents for management, data, and network activity events",
                "test_secrets_are_not_in_the_history "
                "test_parameters_beyond_a_hundred_thousand_characters_are_left_out_of_an_event "
                "test_what_services_never_write_down_is_not_in_the_history",
            ),
        ),
    ),
    *behaviours(
        "autoscaling",
        "test_cloudtrail_service",
        (
            (
                "launches",
                "A group launches as its service-linked role, and AWS Config records the instances.",
                LAUNCHES,
                "test_auto_scaling_launches_as_its_service_linked_role",
            ),
        ),
    ),
    *behaviours(
        "cloudformation",
        "test_cloudtrail_service",
        (
            (
                "instances",
                "A stack of EC2 instances launches in the name of whoever deploys it, and tags what it launches.",
                TAGS,
                "test_a_stack_launches_in_the_name_of_whoever_deploys_it_and_tags_its_instances "
                "test_stacks_that_are_not_simulated_are_refused",
            ),
        ),
    ),
)

DIFFERENCES = (
    *differences(
        "cloudtrail",
        (
            "kept",
            "The history keeps successful calls that change something, the last 1,000 of an account and Region; always "
            "15 minutes late, where AWS needs 5 on average; EC2's parameters are written as other services'.",
            "Reads, refused calls, sign-ins and Insights are not found; no access key is known. Trails are moto's.",
        ),
    ),
    *differences(
        "autoscaling",
        (
            "moto",
            "Groups, scaling and health are moto's; launches happen within the call that asks for them.",
            "Instances that moto replaces at other times have no launch in the history.",
        ),
    ),
)
