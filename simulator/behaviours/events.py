"""EventBridge: patterns, rules, targets, delivery, schedules, buses."""

from __future__ import annotations

from simulator.behaviours.model import behaviours, differences

PATTERNS = "EventBridge User Guide, Creating Amazon EventBridge event patterns"
OPERATORS = "EventBridge User Guide, Comparison operators for use in event patterns"
RULES = "EventBridge API Reference, PutRule"
TARGETS = "EventBridge API Reference, PutTargets"
RETRIES = "EventBridge User Guide, Retrying event delivery and dead-letter queues"
INPUT = "EventBridge User Guide, Amazon EventBridge input transformation"
SCHEDULES = "EventBridge User Guide, Creating a rule that runs on a schedule"
BUSES = "EventBridge User Guide, Sending and receiving events between AWS accounts and Regions"
PUT = "EventBridge API Reference, PutEvents"

BEHAVIOURS = (
    *behaviours(
        "events",
        "test_event_pattern_matching",
        (
            (
                "patterns",
                "A table of more than 100 cases: exact, prefix, suffix, wildcard, anything-but, numeric, cidr, exists, "
                "equals-ignore-case, $or, in all combinations.",
                OPERATORS,
                "test_a_pattern_accepts_an_instance_event test_values_and_names_are_compared_as_eventbridge_does",
            ),
            (
                "patterns-of-arrays",
                "Fields of arrays of objects match within one element, as every Security Hub event needs.",
                PATTERNS,
                "test_fields_of_one_array_match_in_one_of_its_elements "
                "test_arrays_in_arrays_keep_their_objects_together",
            ),
            (
                "pattern-refusals",
                "A wrong pattern is refused with its reason.",
                PATTERNS,
                "test_event_pattern_refusals::test_a_wrong_pattern_is_refused_with_its_reason "
                "test_event_pattern_refusals::test_a_text_that_is_no_pattern_is_refused "
                "test_event_rules::test_a_pattern_can_be_tested_against_an_event",
            ),
        ),
    ),
    *behaviours(
        "events",
        "test_event_rules",
        (
            (
                "rules",
                "Rules are described as they were put, replaced with targets and tags kept, listed in pages, and "
                "deleted when they have no targets.",
                RULES,
                "test_a_rule_is_described_as_it_was_put "
                "test_a_rule_that_is_put_again_is_replaced_and_keeps_targets_and_tags "
                "test_rules_of_accounts_and_regions_are_apart test_lists_come_in_pages test_rules_are_found_by_target "
                "test_a_rule_with_targets_is_not_deleted test_a_wrong_rule_is_refused "
                "test_tags_of_rules_and_buses_can_be_changed",
            ),
            (
                "five-targets",
                "A rule has five targets at most; wrong targets are refused.",
                "EventBridge User Guide, Amazon EventBridge quotas",
                "test_a_rule_has_at_most_five_targets test_a_wrong_target_is_refused "
                "test_a_put_without_role_keeps_the_role_of_another_accounts_bus",
            ),
            (
                "buses",
                "Custom buses come and go; a bus has a policy, by statement and as a whole.",
                BUSES,
                "test_custom_buses_come_and_go test_a_bus_keeps_a_policy_by_statement_and_as_a_whole "
                "test_event_entries::test_a_custom_bus_has_its_own_rules",
            ),
            (
                "schedules-on-default-bus",
                "Rules with schedules stand on the default bus alone.",
                SCHEDULES,
                "test_schedules_belong_to_the_default_bus",
            ),
        ),
    ),
    *behaviours(
        "events",
        "test_event_delivery",
        (
            (
                "envelope",
                "An event has the whole envelope; ids follow from what is said and how often.",
                "EventBridge User Guide, Events in Amazon EventBridge",
                "test_an_emitted_event_has_the_whole_envelope test_ids_follow_from_what_is_said_and_how_often "
                "test_nothing_is_delivered_before_the_agenda_runs",
            ),
            (
                "delivery",
                "Functions, queues, topics, log groups and buses are reached on the rule's behalf, under their "
                "policies.",
                "EventBridge User Guide, Using resource-based policies for Amazon EventBridge",
                "test_a_function_is_invoked_on_behalf_of_the_rule test_only_matching_and_enabled_rules_deliver "
                "test_every_target_of_every_rule_gets_the_event_in_order "
                "test_queues_topics_and_log_groups_are_reached_as_the_service",
            ),
            (
                "dead-letter-queue",
                "A missing permission or target goes straight to the dead-letter queue; without one the event is lost.",
                RETRIES,
                "test_a_missing_permission_goes_straight_to_the_dead_letter_queue "
                "test_a_missing_queue_goes_straight_to_the_dead_letter_queue "
                "test_a_template_without_valid_json_goes_to_the_dead_letter_queue "
                "test_without_dead_letter_queue_the_event_is_dropped_and_counted "
                "test_a_dead_letter_queue_that_refuses_loses_the_event",
            ),
            (
                "retries",
                "Throttling and faults are retried with growing pauses, by default 185 times in about a day.",
                RETRIES,
                "test_throttling_and_faults_are_retried_with_growing_pauses test_retries_end_as_the_policy_says "
                "test_without_policy_185_retries_fill_about_a_day "
                "test_what_is_not_simulated_is_never_a_failed_delivery",
            ),
            (
                "other-buses",
                "Events go one hop to buses of other accounts and Regions, as their policies and the target's role "
                "allow.",
                BUSES,
                "test_another_accounts_bus_gets_the_event_as_it_is "
                "test_a_bus_in_another_region_gets_the_event_with_its_own_region "
                "test_an_event_makes_one_hop_from_bus_to_bus test_another_accounts_bus_admits_whom_its_policy_names "
                "test_a_role_that_may_not_put_events_loses_them",
            ),
            (
                "schedules",
                "Rates and crons fire at their times while their rule is enabled.",
                SCHEDULES,
                "test_a_rate_fires_while_its_rule_is_enabled test_a_cron_fires_with_a_constant_and_ends_with_its_rule "
                "test_a_schedule_that_is_put_again_replaces_the_old_one "
                "test_event_schedule_expressions::test_a_schedule_fires_at_its_times "
                "test_event_schedule_expressions::test_a_wrong_schedule_is_refused",
            ),
        ),
    ),
    *behaviours(
        "events",
        "test_event_transform",
        (
            (
                "input",
                "A target gets the event, a constant, a part by path, or a filled template with reserved variables.",
                INPUT,
                "test_without_input_the_target_gets_the_event test_a_constant_replaces_the_event "
                "test_a_path_picks_a_part_of_the_event test_a_template_is_filled_with_values_of_the_event "
                "test_reserved_variables_hold_the_event_with_and_without_detail "
                "test_a_template_that_makes_no_json_of_an_event_is_an_error test_a_wrong_input_is_refused",
            ),
        ),
    ),
    *behaviours(
        "events",
        "test_event_entries",
        (
            (
                "put-events",
                "A wrong entry fails alone, a wrong call as a whole; entries carry the sender's account, sources of "
                "AWS "
                "are refused, other accounts' buses are asked.",
                PUT,
                "test_a_custom_event_carries_the_senders_account test_a_wrong_entry_fails_alone "
                "test_a_wrong_call_fails_as_a_whole test_another_accounts_bus_is_asked_for_each_entry",
            ),
        ),
    ),
)

DIFFERENCES = differences(
    "events",
    (
        "service-events",
        "Only Security Hub, AWS Config, Step Functions, RDS, CloudWatch alarms' topics and schedules speak by "
        "themselves; other services emit no events, CloudTrail's least of all.",
        "Rules on them are stored and never match; send such an event by PutEvents from a custom source in a test.",
    ),
    (
        "target-kinds",
        "Targets other than functions, queues, topics, log groups, buses and state machines are refused with 501.",
        "Kinesis, ECS, SSM and API destinations cannot be tried here.",
    ),
    (
        "scheduler",
        "Archives, replays, connections and API destinations are refused with 501; pipes and EventBridge Scheduler are "
        "moto's.",
        "Nothing of ours uses them.",
    ),
)
