"""Security Hub: findings, automation rules, administration, central configuration."""

from __future__ import annotations

from simulator.behaviours.model import behaviours, differences

IMPORT = "Security Hub API Reference, BatchImportFindings"
FINDINGS = "Security Hub User Guide, Creating and updating findings in Security Hub"
UPDATE = "Security Hub User Guide, BatchUpdateFindings for customers"
WORKFLOW = "Security Hub User Guide, Setting the workflow status of findings"
GET = "Security Hub API Reference, GetFindings"
AGGREGATION = "Security Hub User Guide, Cross-Region aggregation"
EVENTS = "Security Hub User Guide, Types of Security Hub integration with EventBridge"
RULES = "Security Hub User Guide, Automation rules"
ADMINISTRATION = "Security Hub User Guide, Managing Security Hub for multiple accounts with Organizations"
CENTRAL = "Security Hub User Guide, Central configuration"
POLICIES = "Security Hub User Guide, Configuration policies"
STANDARDS = "Security Hub User Guide, Enabling and disabling standards"
CONFIG = "Security Hub User Guide, Integrations with AWS services: AWS Config"
CONTROLS = "Security Hub User Guide, Generating and updating control findings"
ACTIONS = "Security Hub User Guide, Using EventBridge for automated response: custom actions"

BEHAVIOURS = (
    *behaviours(
        "securityhub",
        "test_security_hub_import",
        (
            (
                "new-finding",
                "A new finding is ACTIVE and NEW, and carries product, account and Region names.",
                FINDINGS,
                "test_a_new_finding_is_active_new_and_named_after_its_product_account_and_region "
                "test_a_custom_integration_may_name_its_company_and_product",
            ),
            (
                "failed-count",
                "Findings that are not accepted come back in FailedFindings of a successful answer, each with a "
                "reason.",
                IMPORT,
                "test_findings_of_an_account_without_security_hub_fail_inside_a_successful_response "
                "test_a_malformed_finding_fails_alone_and_says_why",
            ),
            (
                "own-findings-only",
                "An account imports findings of its own account, Region and default product alone; the administrator "
                "cannot import for a member.",
                IMPORT,
                "test_only_own_findings_of_the_own_default_product_are_accepted "
                "test_the_delegated_administrator_cannot_import_for_a_member",
            ),
            (
                "required-fields",
                "A finding without a required field refuses the whole request; times may have an offset.",
                IMPORT,
                "test_a_finding_without_a_required_field_refuses_the_request "
                "test_timestamps_with_an_offset_are_accepted",
            ),
            ("batch-of-100", "A request holds 100 findings at most.", IMPORT, "test_a_request_holds_100_findings"),
            (
                "later-updates-only",
                "An update whose UpdatedAt is not later is ignored in silence.",
                IMPORT,
                "test_an_update_that_is_not_later_is_silently_ignored",
            ),
            (
                "reimport-keeps-workflow",
                "A later import replaces the finding but keeps workflow, note, verification state and user's fields.",
                FINDINGS,
                "test_a_later_update_replaces_the_finding_and_keeps_what_customers_wrote",
            ),
            (
                "provider-fields",
                "Severity, types, confidence and criticality follow the provider until a customer sets them.",
                "Security Hub User Guide, Using FindingProviderFields",
                "test_the_provider_changes_severity_until_a_customer_does "
                "test_top_level_values_of_a_provider_fill_its_fields",
            ),
            (
                "workflow-restarts",
                "NOTIFIED and RESOLVED turn NEW when a finding fails again or is active again; SUPPRESSED stays.",
                WORKFLOW,
                "test_workflow_starts_again_when_a_finding_fails_or_comes_back",
            ),
            (
                "identity",
                "A finding is one of its account, Region, product and id.",
                IMPORT,
                "test_equal_ids_in_two_regions_are_two_findings",
            ),
            (
                "retention",
                "Active findings are kept for 90 days after the last update, archived ones for 30.",
                "Security Hub User Guide, Security Hub quotas",
                "test_findings_expire_after_their_last_update test_an_expired_finding_comes_back_as_a_new_one",
            ),
            (
                "history",
                "The history of a finding names what changed and who changed it.",
                "Security Hub API Reference, GetFindingHistory",
                "test_the_history_names_what_changed_and_who_changed_it",
            ),
        ),
    ),
    *behaviours(
        "securityhub",
        "test_security_hub_updates",
        (
            (
                "administrator-view",
                "The administrator sees its members' findings; in the home Region those of linked Regions too; a "
                "member sees its own.",
                AGGREGATION,
                "test_the_administrator_sees_members_at_home_with_linked_regions_and_in_a_linked_region_that_one "
                "test_a_member_sees_its_own_findings_only "
                "test_a_region_that_is_not_linked_stays_out_of_the_home_region "
                "test_a_disassociated_member_leaves_the_administrators_view",
            ),
            (
                "imported-events",
                "Every import and update emits Security Hub Findings - Imported in the account, at the administrator "
                "and in the home Region.",
                EVENTS,
                "test_a_finding_is_announced_to_its_account_and_to_the_administrator "
                "test_a_finding_of_a_linked_region_is_announced_in_the_home_region_too "
                "test_a_standalone_account_hears_of_its_own_findings "
                "test_every_update_is_announced_with_the_finding_as_it_is_then",
            ),
            (
                "customer-updates",
                "BatchUpdateFindings sets nine fields and leaves UpdatedAt; updates replicate between Regions.",
                UPDATE,
                "test_an_update_sets_nine_fields_and_leaves_updated_at "
                "test_updates_replicate_between_home_and_linked_region",
            ),
            (
                "update-refusals",
                "Updates of others' findings, of ambiguous findings and malformed ones are unprocessed or refused.",
                "Security Hub API Reference, BatchUpdateFindings",
                "test_a_member_cannot_update_the_finding_of_another test_a_finding_that_is_named_twice_is_not_updated "
                "test_an_update_that_aws_refuses_is_refused",
            ),
            (
                "needs-to-be-on",
                "Where Security Hub is not enabled every operation is refused.",
                "Security Hub API Reference, InvalidAccessException",
                "test_nothing_works_where_security_hub_is_not_enabled",
            ),
        ),
    ),
    *behaviours(
        "securityhub",
        "test_security_hub_filters",
        (
            (
                "filters",
                "GetFindings filters by every kind of filter, OR within a field and AND between fields.",
                GET,
                "test_filters_select test_filters_that_aws_refuses_are_refused",
            ),
            ("sorting", "Findings are sorted by the criteria asked for.", GET, "test_findings_are_sorted"),
            (
                "paging",
                "Pages follow each other; a token belongs to its request.",
                GET,
                "test_pages_follow_each_other_and_a_token_belongs_to_its_request",
            ),
        ),
    ),
    *behaviours(
        "securityhub",
        "test_security_hub_rules",
        (
            (
                "automation-rules",
                "Automation rules of the administrator change matching findings before they are announced, in order, "
                "in their Region.",
                RULES,
                "test_a_rule_changes_new_and_updated_findings_before_they_are_announced "
                "test_a_rule_applies_in_its_region_only test_a_rule_leaves_findings_that_do_not_match "
                "test_criteria_may_look_for_a_part_of_a_text test_rules_apply_in_order "
                "test_of_rules_with_equal_order_the_one_edited_last_applies_last "
                "test_a_rule_can_be_disabled_and_deleted "
                "test_rules_are_the_administrators",
            ),
            (
                "custom-actions",
                "Custom actions are created, listed, changed and deleted, with names of 20 characters; choosing one "
                "emits its event with the findings, and names nobody.",
                ACTIONS,
                "test_custom_actions_are_kept_and_emit_nothing test_custom_actions_have_short_names "
                "test_security_hub_controls::test_choosing_a_custom_action_emits_its_event_with_the_findings "
                "test_security_hub_controls::test_an_action_takes_findings_that_are_seen_and_twenty_at_most",
            ),
            (
                "standards",
                "Default standards can be declined; standards are enabled and disabled one by one.",
                STANDARDS,
                "test_the_default_standards_can_be_declined_and_standards_enabled_one_by_one",
            ),
            (
                "tags",
                "Tags stay with their resource.",
                "Security Hub API Reference, TagResource",
                "test_tags_stay_with_their_resource",
            ),
            (
                "config-integration",
                "Evaluations of AWS Config's rules become findings of its product, updated when compliance changes and "
                "resolved by themselves; a suppressed one stays suppressed.",
                CONFIG,
                "test_an_evaluation_of_config_becomes_a_finding_of_its_product "
                "test_a_config_finding_is_resolved_by_itself_and_opens_again "
                "test_a_config_finding_is_updated_only_when_compliance_changes "
                "test_a_suppressed_config_finding_stays_suppressed "
                "test_config_findings_end_with_the_subscription_of_their_product "
                "test_nothing_becomes_a_finding_where_security_hub_is_off_or_a_resource_does_not_apply",
            ),
        ),
    ),
    *behaviours(
        "securityhub",
        "test_security_hub_controls",
        (
            (
                "control-findings",
                "EC2.13, S3.17 and SQS.1 check what AWS Config records where an enabled standard has them: one "
                "consolidated finding per control and resource, which follows it, resolves itself, and is archived "
                "days after it is gone.",
                CONTROLS,
                "test_a_control_of_an_enabled_standard_finds_what_is_recorded "
                "test_a_finding_follows_its_resource_and_resolves_itself "
                "test_the_finding_of_a_deleted_resource_is_archived_after_days "
                "test_a_standard_without_the_control_finds_nothing test_buckets_are_checked_for_kms "
                "test_queues_are_checked_by_a_rule_that_security_hub_brings_itself",
            ),
            (
                "control-associations",
                "A control is enabled and disabled standard by standard, with a reason.",
                "Security Hub API Reference, BatchUpdateStandardsControlAssociations",
                "test_a_control_can_be_disabled_in_a_standard "
                "test_controls_are_listed_and_others_are_named_as_not_simulated",
            ),
        ),
    ),
    *behaviours(
        "securityhub",
        "test_security_hub_organization",
        (
            (
                "delegated-administrator",
                "The management account designates one administrator, Region by Region; the administrator cannot "
                "disable Security Hub.",
                ADMINISTRATION,
                "test_designating_registers_the_administrator_and_enables_security_hub_there_in_that_region "
                "test_designation_is_per_region_and_may_be_repeated "
                "test_only_the_management_account_designates_and_only_members "
                "test_another_administrator_in_another_region_is_refused "
                "test_removal_by_security_hub_is_for_one_region_and_by_organizations_for_all "
                "test_the_administrator_cannot_disable_security_hub",
            ),
            (
                "members",
                "Accounts of the organization become members without invitation, new ones where the local "
                "configuration says so; who leaves the organization leaves the administrator.",
                ADMINISTRATION,
                "test_members_of_the_organization_need_no_invitation_and_get_default_standards "
                "test_the_management_account_becomes_a_member_once_it_has_enabled_security_hub "
                "test_new_accounts_are_enabled_where_the_local_configuration_says_so "
                "test_a_member_that_leaves_the_organization_leaves_the_administrator",
            ),
            (
                "aggregator",
                "One finding aggregator, changed in its home Region, links all, all but some, or the named Regions.",
                AGGREGATION,
                "test_the_linking_mode_decides_which_findings_come_home test_linking_that_aws_refuses_is_refused "
                "test_there_is_one_aggregator_and_it_changes_in_its_home_region_only "
                "test_a_member_cannot_make_an_aggregator",
            ),
            (
                "central-configuration",
                "Central configuration comes about in time, from the home Region, with an aggregator, and designates "
                "the administrator in linked Regions.",
                CENTRAL,
                "test_central_configuration_comes_about_in_time_and_designates_in_linked_regions "
                "test_central_configuration_needs_the_home_region_and_nothing_automatic "
                "test_central_configuration_needs_an_aggregator",
            ),
            (
                "configuration-policies",
                "Policies on root, units and accounts: the closest association holds and is inherited; it reaches "
                "joining and moving accounts and newly linked Regions.",
                POLICIES,
                "test_policies_need_central_configuration "
                "test_a_policy_on_the_root_enables_every_account_at_home_and_in_linked_regions "
                "test_the_closest_association_holds_and_is_inherited_by_what_is_below "
                "test_a_changed_policy_reaches_its_targets "
                "test_accounts_that_join_or_move_take_the_policy_of_their_unit "
                "test_a_newly_linked_region_takes_the_policies test_policies_that_aws_refuses_are_refused "
                "test_a_policy_on_the_management_account_fails_until_it_enables_security_hub",
            ),
            (
                "self-managed",
                "Accounts under a policy cannot change their settings; self-managed ones can.",
                CENTRAL,
                "test_accounts_under_a_policy_cannot_change_their_settings_and_self_managed_ones_can "
                "test_a_disassociated_target_keeps_its_settings_and_becomes_self_managed",
            ),
        ),
    ),
)

DIFFERENCES = differences(
    "securityhub",
    (
        "v2",
        "Security Hub V2 (OCSF findings, connectors), insights and members by invitation are not simulated.",
        "Their operations answer 501 and name themselves.",
    ),
    (
        "checked-controls",
        "Of the controls of the standards EC2.13, S3.17 and SQS.1 are checked; all others find nothing. Findings are "
        "always consolidated; custom parameters are not simulated.",
        "A standard looks cleaner here than in AWS. A control is one row of `security_hub_checks.py` and a model of "
        "its rule.",
    ),
    (
        "custom-action-console",
        "There is no console: `SecurityHub.actions.choose` does what choosing a custom action does there.",
        "It is a method of the simulator, not an API call.",
    ),
)
