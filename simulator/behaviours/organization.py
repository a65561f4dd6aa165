"""Organizations and CloudFormation StackSets."""

from __future__ import annotations

from simulator.behaviours.model import behaviours, differences

API = "Organizations API Reference, Welcome"
DELEGATED = "Organizations User Guide, Delegated administrator for AWS services that work with Organizations"
ACCOUNTS = "Organizations User Guide, Managing member accounts in your organization"
INVITATIONS = "Organizations User Guide, Managing account invitations with AWS Organizations"
LEAVING = "Organizations User Guide, Considerations before removing an account from an organization"
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
                "Accounts are created in the root; a new one has OrganizationAccountAccessRole, and its creation is "
                "listed.",
                ACCOUNTS,
                "test_organizations_membership::test_accounts_that_were_invited_were_not_created "
                "test_a_created_account_stands_under_the_root_and_admits_the_management_account "
                "test_created_accounts_admit_the_management_account_as_administrator_and_it_has_no_such_role",
            ),
            (
                "moves",
                "A move shows at once in parents and paths, to delegated administrators too; service control policies "
                "follow it.",
                "Organizations API Reference, MoveAccount",
                "test_a_moved_account_takes_its_new_path "
                "test_organizations_membership::test_a_move_shows_at_once_to_delegated_administrators "
                "test_organizations_membership::test_service_control_policies_follow_a_move",
            ),
            (
                "closures",
                "An account that is closed is PENDING_CLOSURE and usable for minutes, then CLOSED (the older Status "
                "says SUSPENDED): no key of it is known, no role of it can be assumed. It is listed for 90 days.",
                "Organizations User Guide, Monitor the state of your AWS accounts; Closing a member account in your "
                "organization",
                "test_an_account_closes_within_minutes_and_its_status_says_suspended "
                "test_the_management_account_and_strangers_are_not_closed test_a_closed_account_is_listed_for_90_days "
                "test_organizations_membership::test_nobody_uses_a_closed_account",
            ),
            (
                "departures",
                "An account that leaves or is removed is standalone: no list, policy or condition key of the "
                "organization has it any more. Delegated administrators, the management account and accounts that were "
                "created less than four days ago stay.",
                LEAVING,
                "test_an_account_that_was_removed_is_no_account_of_the_organization "
                "test_organizations_membership::"
                "test_an_account_that_left_is_subject_to_nothing_of_the_organization "
                "test_organizations_membership::test_an_account_that_left_can_be_invited_again "
                "test_organizations_membership::"
                "test_delegated_administrators_new_accounts_and_the_management_account_cannot_leave",
            ),
            (
                "standalone-accounts",
                "Accounts outside the organization exist, with users and roles of their own, and belong to none.",
                "Organizations User Guide, Terminology and concepts",
                "test_organizations_membership::test_a_standalone_account_is_no_account_of_the_organization "
                "test_organizations_membership::test_a_standalone_account_has_users_and_trusts_that_work",
            ),
            (
                "invitations",
                "An account is invited by id or e-mail address, accepts by itself, and joins the root without "
                "OrganizationAccountAccessRole; policies and condition keys of the organization apply from then on.",
                INVITATIONS,
                "test_organizations_membership::test_an_invited_account_joins_the_root_when_it_accepts "
                "test_organizations_membership::"
                "test_an_invited_account_does_not_admit_the_management_account_by_itself "
                "test_organizations_membership::"
                "test_service_control_policies_and_stack_sets_reach_an_invited_account",
            ),
            (
                "handshakes",
                "Handshakes are accepted, declined, cancelled by the side that may, expire after 15 days and are shown "
                "for 30 days more; what cannot be invited is refused with its reason.",
                INVITATIONS,
                "test_organizations_membership::"
                "test_a_declined_or_cancelled_invitation_can_no_longer_be_accepted "
                "test_organizations_membership::"
                "test_an_invitation_expires_after_15_days_and_is_shown_for_30_more "
                "test_organizations_membership::test_who_cannot_be_invited_is_refused "
                "test_organizations_membership::test_the_reason_of_a_refused_invitation_is_told "
                "test_organizations_membership::test_policies_may_name_the_invitation_that_may_be_accepted "
                "test_organizations_membership::"
                "test_only_the_invited_account_answers_and_only_the_sender_cancels "
                "test_organizations_membership::"
                "test_a_delegated_administrator_reads_the_invitations_and_sends_none",
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
                "Accounts that come into a unit get the stack, invited ones too; those that go out or leave lose it, "
                "with what it made unless that is retained. Closed accounts are skipped.",
                "CloudFormation User Guide, Manage automatic deployments for StackSets",
                "test_an_account_that_joins_gets_the_stack "
                "test_organizations_membership::"
                "test_service_control_policies_and_stack_sets_reach_an_invited_account "
                "test_organizations_membership::test_an_account_that_moves_out_of_a_target_loses_its_stack "
                "test_organizations_membership::test_a_closed_account_keeps_its_stack_which_is_skipped",
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
            "creation",
            "An account is created within the call that asks for it.",
            "AWS takes minutes; wait for DescribeCreateAccountStatus all the same.",
        ),
        (
            "one-organization",
            "There is one organization: a standalone account cannot create another. E-mail addresses are verified and "
            "payment methods present; quotas of invitations and closures are not kept, and no "
            "AWSServiceRoleForOrganizations is made.",
            "Inject AccountOwnerNotVerifiedException, HandshakeConstraintViolationException and "
            "ConstraintViolationException by a fault.",
        ),
        (
            "closed-resources",
            "What a closed account holds stays as it is: others still reach its buckets and queues by their policies, "
            "and its rules and schedules still run, though its functions can call nothing. The field Status is shown "
            "after its retirement of 2026-09-09 too.",
            "Do not rely on resources of a closed account; read State.",
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
            "call. Stacks of an account's own hold EC2 instances alone, without service roles and updates; "
            "self-managed stack sets are not simulated.",
            "Other operations on stacks answer 501; templates with other types are refused; drift, tolerance and "
            "concurrency cannot be tried here.",
        ),
    ),
)
