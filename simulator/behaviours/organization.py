"""Organizations and CloudFormation StackSets."""

from __future__ import annotations

from simulator.behaviours.model import behaviours, differences

API = "Organizations API Reference, Welcome"
DELEGATED = "Organizations User Guide, Delegated administrator for AWS services that work with Organizations"
ACCOUNTS = "Organizations User Guide, Managing member accounts in your organization"
UNITS = "Organizations User Guide, Managing organizational units"
STACKSETS = "CloudFormation User Guide, Create stack sets with service-managed permissions"

BEHAVIOURS = (
    *behaviours(
        "organizations",
        "test_organizations_service",
        (
            (
                "delegated-administrators",
                "Delegated administrators read what the management account reads and change nothing; other members "
                "only describe the organization.",
                API,
                "test_a_delegated_administrator_reads_what_the_management_account_reads "
                "test_other_members_may_not_read_the_organization test_every_member_may_describe_the_organization "
                "test_a_delegated_administrator_reads_units_and_what_they_hold "
                "test_a_delegated_administrator_may_not_change_the_organization",
            ),
            (
                "delegation",
                "The services of the loop can be delegated and taken back.",
                DELEGATED,
                "test_services_of_the_loop_can_be_delegated_and_taken_back",
            ),
            (
                "paging",
                "Accounts come in pages of twenty, each once.",
                "Organizations API Reference, ListAccounts",
                "test_accounts_come_in_pages_of_twenty_each_once",
            ),
            (
                "accounts",
                "Accounts are created, moved, closed and removed; a new one has OrganizationAccountAccessRole.",
                ACCOUNTS,
                "test_a_created_account_stands_under_the_root_and_admits_the_management_account "
                "test_a_moved_account_takes_its_new_path test_a_closed_account_is_suspended_everywhere "
                "test_an_account_that_was_removed_is_no_account_of_the_organization "
                "test_created_accounts_admit_the_management_account_as_administrator_and_it_has_no_such_role",
            ),
            (
                "units",
                "Units have different names below a parent and are deleted when they are empty.",
                UNITS,
                "test_units_have_different_names_below_a_parent_and_are_deleted_when_empty "
                "test_the_plan_becomes_accounts_in_nested_units",
            ),
            (
                "policies",
                "Policies of the organization are created, attached within AWS's limits, and enforced as they stand.",
                "Organizations User Guide, Managing organization policies",
                "test_service_control_policies_keep_their_content "
                "test_iam_organization_policies::test_a_type_that_is_not_enabled_cannot_be_attached "
                "test_iam_organization_policies::"
                "test_disabling_a_type_detaches_its_policies_and_enabling_attaches_full_access "
                "test_iam_organization_policies::"
                "test_a_target_keeps_one_service_control_policy_and_has_five_at_most "
                "test_iam_organization_policies::"
                "test_full_access_to_resources_cannot_be_detached_nor_what_is_awss_changed "
                "test_iam_organization_policies::test_a_malformed_policy_is_refused "
                "test_iam_organization_policies::test_a_policy_has_5120_characters_at_most",
            ),
            (
                "same-ids",
                "The founding gives the same ids every time; every partition has its own ARNs.",
                "Organizations User Guide, Terminology and concepts",
                "test_the_founding_gives_the_same_ids_every_time test_every_partition_has_its_own_arns",
            ),
        ),
    ),
    *behaviours(
        "cloudformation",
        "test_cloudformation_service",
        (
            (
                "stack-sets",
                "A service-managed stack set deploys its template into every account below its units and lists its "
                "instances.",
                STACKSETS,
                "test_a_stack_set_reaches_every_account_below_its_unit test_its_instances_and_operation_are_described",
            ),
            (
                "automatic-deployment",
                "Accounts that join a unit get the stack.",
                "CloudFormation User Guide, Manage automatic deployments for StackSets",
                "test_an_account_that_joins_gets_the_stack",
            ),
            (
                "stack-set-refusals",
                "Templates, parameters and targets that are malformed or not simulated are refused by name.",
                STACKSETS,
                "test_what_is_malformed_or_not_simulated_is_refused_by_name",
            ),
        ),
    ),
)

DIFFERENCES = (
    *differences(
        "organizations",
        (
            "invitations",
            "Handshakes are moto's; an account is created within the call that asks for it.",
            "AWS takes minutes; wait for DescribeCreateAccountStatus all the same.",
        ),
        (
            "rates",
            "AWS documents no request rates for this API that could be kept here.",
            "Expect TooManyRequestsException in large organizations; inject it by a fault.",
        ),
    ),
    *differences(
        "cloudformation",
        (
            "stacks",
            "Stack sets know roles and policies of IAM alone, with service-managed permissions, and deploy within the "
            "call. Stacks and self-managed stack sets are not simulated.",
            "Operations on stacks answer 501; templates with other types are refused; drift, tolerance and concurrency "
            "cannot be tried here.",
        ),
    ),
)
