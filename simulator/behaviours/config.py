"""AWS Config: recorder, items, rules, evaluations, aggregators."""

from __future__ import annotations

from simulator.behaviours.model import behaviours, differences

RECORDER = "AWS Config Developer Guide, Managing the configuration recorder"
ITEMS = "AWS Config Developer Guide, Components of a configuration item"
RULES = "AWS Config API Reference, PutConfigRule"
EVENTS = "AWS Config Developer Guide, Example AWS Lambda functions and events for AWS Config rules"
MANAGED = "AWS Config Developer Guide, List of AWS Config Managed Rules"
PUT = "AWS Config API Reference, PutEvaluations"
BRIDGE = "AWS Config Developer Guide, Monitoring AWS Config with Amazon EventBridge"
AGGREGATORS = "AWS Config Developer Guide, Multi-account multi-Region data aggregation"

BEHAVIOURS = (
    *behaviours(
        "config",
        "test_config_recorder",
        (
            (
                "recorder",
                "One recorder per account and Region, with a role; it starts with a delivery channel, which stays "
                "while it runs.",
                RECORDER,
                "test_a_recorder_needs_a_role test_there_is_one_recorder_per_account_and_region "
                "test_a_recorder_starts_only_with_a_delivery_channel "
                "test_the_delivery_channel_of_a_running_recorder_stays test_the_status_says_whether_the_recorder_runs",
            ),
            (
                "recording-group",
                "The recording group decides which types are recorded; contradictions are refused.",
                "AWS Config API Reference, RecordingGroup",
                "test_contradictory_recording_groups_are_refused test_the_recording_group_decides_what_is_recorded",
            ),
            (
                "discovery",
                "What exists is discovered when the recorder starts; accounts see nothing of each other.",
                RECORDER,
                "test_what_exists_is_discovered_when_the_recorder_starts "
                "test_accounts_and_stopped_recorders_see_nothing_of_each_other",
            ),
            (
                "items",
                "Every change of a recorded resource is one item of AWS's shape, kept as history; no change is none.",
                ITEMS,
                "test_every_change_is_one_item_and_no_change_is_none test_a_security_group_item_has_the_shape_of_aws "
                "test_a_key_shows_who_manages_it_and_its_state test_only_prefix_lists_of_the_account_are_recorded "
                "test_instances_volumes_databases_balancers_roles_and_functions_are_recorded "
                "test_queries_need_a_recorder_and_a_resource",
            ),
            (
                "bucket-region",
                "A bucket is recorded in its own Region, whoever asks where.",
                ITEMS,
                "test_a_bucket_is_recorded_in_its_own_region_whoever_asks_where",
            ),
            (
                "daily-recording",
                "Daily recording writes the state of the day's end.",
                "AWS Config API Reference, RecordingMode",
                "test_daily_recording_waits_for_the_day",
            ),
            (
                "delivery-check",
                "A delivery channel is tried with the recorder's role: AWS Config writes a check file into the bucket.",
                "AWS Config Developer Guide, Permissions for the Amazon S3 bucket",
                "test_config_delivery::test_the_check_file_lies_in_the_bucket_of_another_account "
                "test_config_delivery::test_a_role_that_cannot_deliver_is_refused",
            ),
        ),
    ),
    *behaviours(
        "config",
        "test_config_deliveries",
        (
            (
                "snapshots",
                "Snapshots are delivered on request and by the channel's frequency, where the bucket's policy lets "
                "AWS Config; the status says what became of them.",
                "AWS Config Developer Guide, Delivering configuration snapshots to an Amazon S3 bucket",
                "test_a_snapshot_on_request_holds_what_is_recorded "
                "test_a_bucket_that_does_not_admit_config_gets_none_and_the_status_says_so "
                "test_a_delivery_channel_with_a_frequency_delivers_by_itself "
                "test_a_snapshot_needs_a_channel_and_a_running_recorder",
            ),
        ),
    ),
    *behaviours(
        "config",
        "test_config_rules",
        (
            (
                "rules",
                "Rules are checked, keep their identity when they change, and carry tags.",
                RULES,
                "test_wrong_rules_are_refused test_parameters_longer_than_1024_characters_are_refused "
                "test_a_rule_keeps_its_identity_when_it_changes "
                "test_tags_are_set_at_creation_and_by_the_tag_operations",
            ),
            (
                "custom-rule-permission",
                "The function of a custom rule must admit config.amazonaws.com; managed rules need a recorder.",
                RULES,
                "test_a_function_must_admit_config test_managed_rules_need_a_recorder_and_custom_rules_do_not",
            ),
            (
                "triggers",
                "Rules look at changes in their scope, at deletions, at resources that leave it, on a schedule and on "
                "request (once a minute).",
                "AWS Config Developer Guide, Evaluation mode and trigger types for AWS Config rules",
                "test_a_new_rule_evaluates_what_is_recorded_in_its_scope "
                "test_other_types_and_other_resources_do_not_trigger test_a_deleted_resource_is_announced "
                "test_a_resource_that_loses_the_tag_has_left_the_scope "
                "test_a_scheduled_rule_runs_when_it_is_made_and_then_by_its_period "
                "test_an_evaluation_on_request_judges_the_last_recorded_state_once_a_minute",
            ),
            (
                "message-types",
                "Functions get AWS's events: item changes, oversized changes as summaries, schedules, delivered "
                "snapshots.",
                EVENTS,
                "test_the_event_of_a_change_is_exactly_that_of_aws test_an_oversized_item_comes_as_a_summary "
                "test_a_scheduled_rule_runs_when_it_is_made_and_then_by_its_period "
                "test_config_deliveries::test_a_rule_that_waits_for_snapshots_is_told_where_one_lies",
            ),
            (
                "rule-status",
                "A failed invocation shows in the rule's evaluation status.",
                "AWS Config API Reference, DescribeConfigRuleEvaluationStatus",
                "test_a_failed_invocation_shows_in_the_status",
            ),
            (
                "managed-rules",
                "restricted-ssh, s3-default-encryption-kms and required-tags judge as their pages say.",
                MANAGED,
                "test_restricted_ssh_follows_its_documentation "
                "test_s3_default_encryption_kms_follows_its_documentation "
                "test_required_tags_follows_its_documentation",
            ),
        ),
    ),
    *behaviours(
        "config",
        "test_config_evaluations",
        (
            (
                "evaluations",
                "Results are stored with their times; older ones do not replace newer ones; a deleted resource loses "
                "its own.",
                PUT,
                "test_a_result_is_stored_with_its_times test_an_older_evaluation_does_not_replace_a_newer_one "
                "test_a_deleted_resource_loses_its_result test_results_can_be_deleted",
            ),
            (
                "evaluation-refusals",
                "A call takes 100 evaluations; a token is good in its account; wrong evaluations are refused.",
                PUT,
                "test_wrong_evaluations_are_refused test_a_call_takes_at_most_100_evaluations "
                "test_a_token_is_good_only_in_its_account_and_test_mode_needs_none",
            ),
            (
                "compliance-events",
                "Config Rules Compliance Change has exactly AWS's shape and tells changes alone.",
                BRIDGE,
                "test_the_compliance_event_has_exactly_the_shape_of_aws "
                "test_events_tell_changes_only_and_security_hub_hears_of_every_evaluation",
            ),
            (
                "best-effort-events",
                "Compliance events are best effort: a share of them is lost by seed, the results stay.",
                BRIDGE,
                "test_events_are_lost_by_seed_and_share_and_the_results_stay "
                "test_faults::test_config_events_are_dropped_by_a_setting",
            ),
            (
                "compliance-queries",
                "Compliance is summed by rule, resource, type and place.",
                "AWS Config API Reference, GetComplianceDetailsByConfigRule",
                "test_compliance_is_summed_by_rule_resource_type_and_place",
            ),
            (
                "aggregators",
                "An aggregator has one kind of source and sees the whole organization.",
                AGGREGATORS,
                "test_an_aggregator_sees_the_whole_organization test_an_aggregator_has_one_kind_of_source",
            ),
        ),
    ),
)

DIFFERENCES = differences(
    "config",
    (
        "recorded-types",
        "Only the types that the loop looks at are recorded (`simulator/services/config_types*.py`), compared after "
        "each call.",
        "Rules on other resource types never see an item; a control of such a type needs its type recorded first.",
    ),
    (
        "managed-rule-models",
        "Managed rules other than restricted-ssh, s3-default-encryption-kms and required-tags have no model.",
        "They are accepted, evaluate nothing, and say so in DescribeConfigRuleEvaluationStatus.",
    ),
    (
        "not-simulated",
        "Guard rules, conformance packs, organization rules, AWS Config's own remediation, advanced queries and "
        "service-linked recorders are not simulated.",
        "Their operations answer 501 and name themselves.",
    ),
    (
        "delivery",
        "Histories and oversized items are not written to the delivery channel's bucket, nor its topic told; a new "
        "channel with the service-linked role is not tried.",
        "What reads Config's files in S3 finds snapshots alone; test the bucket's policy by one.",
    ),
    (
        "events",
        "Of Config's events only the compliance change is emitted: no item changes, no snapshot or re-evaluation "
        "status.",
        "Rules on Config Configuration Item Change are stored and never match.",
    ),
    (
        "authorization-of-accounts",
        "Aggregators of single accounts would need their authorization, which is not simulated: only the own account "
        "shows.",
        "Use an aggregator of the organization, as the program does.",
    ),
)
