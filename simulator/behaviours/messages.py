"""What carries and tells: SQS, SNS, CloudWatch."""

from __future__ import annotations

from simulator.behaviours.model import behaviours, differences

VISIBILITY = "SQS Developer Guide, Amazon SQS visibility timeout"
DEAD_LETTERS = "SQS Developer Guide, Using dead-letter queues in Amazon SQS"
RECEIVE = "SQS API Reference, ReceiveMessage"
QUEUE_KEYS = "SQS Developer Guide, Encryption at rest in Amazon SQS"
SUBSCRIBE = "SNS API Reference, Subscribe"
FILTERS = "SNS Developer Guide, Amazon SNS subscription filter policies"
DELIVERY = "SNS Developer Guide, Amazon SNS message delivery retries"
PUBLISH = "SNS API Reference, Publish"
ALARMS = "CloudWatch User Guide, Notifying users on alarm changes"
METRICS = "CloudWatch API Reference, GetMetricData"

BEHAVIOURS = (
    *behaviours(
        "sqs",
        "test_sqs_service",
        (
            (
                "visibility",
                "A received message is hidden for exactly its visibility timeout, or until it is given back.",
                VISIBILITY,
                "test_a_received_message_is_hidden_exactly_for_its_visibility_timeout "
                "test_a_message_that_is_given_back_is_visible_at_once",
            ),
            (
                "delay-and-retention",
                "Delays and retention pass in the organisation's time; a long poll of an empty queue answers at once.",
                "SQS Developer Guide, Amazon SQS delay queues",
                "test_a_delayed_message_arrives_when_its_delay_is_over "
                "test_a_long_poll_of_an_empty_queue_answers_at_once "
                "test_messages_past_their_retention_are_gone_and_hide_no_others",
            ),
            (
                "messages",
                "Messages show what was asked of their attributes, and who sent them; bounds are kept.",
                RECEIVE,
                "test_a_message_shows_its_attributes_and_who_sent_it test_only_asked_attributes_are_returned "
                "test_parameters_out_of_bounds_are_refused test_ids_and_receipt_handles_are_the_same_in_every_run",
            ),
            (
                "pollers",
                "Event sources are woken when there is something to receive, and only then.",
                "Lambda Developer Guide, Using Lambda with Amazon SQS",
                "test_a_poller_is_woken_by_a_message test_a_poller_finds_what_was_there_before_it "
                "test_a_poller_is_woken_when_a_delay_or_a_visibility_timeout_ends "
                "test_a_poller_is_woken_by_a_message_that_is_given_back "
                "test_a_deleted_message_leaves_nothing_to_wait_for test_a_poller_that_stopped_is_not_woken",
            ),
            (
                "dead-letter-queue",
                "A message that is received too often moves to the dead-letter queue and names where it came from.",
                DEAD_LETTERS,
                "test_a_message_that_is_never_deleted_ends_in_the_dead_letter_queue "
                "test_a_dead_letter_names_the_queue_it_came_from",
            ),
            (
                "owners-and-policies",
                "The account in the URL owns the queue, and its policy decides.",
                "SQS Developer Guide, Identity and access management in Amazon SQS",
                "test_the_account_in_the_url_owns_the_call test_a_queue_that_is_not_there_is_an_error "
                "test_the_policy_of_a_queue_is_known_to_the_front_door",
            ),
            (
                "encryption",
                "An encrypted queue needs its key, which has to be there and usable.",
                QUEUE_KEYS,
                "test_an_encrypted_queue_needs_its_key test_a_key_that_is_not_there_stops_the_queue "
                "test_the_managed_key_is_always_there",
            ),
        ),
    ),
    *behaviours(
        "sns",
        "test_sns_service",
        (
            (
                "delivery",
                "Queues of any account, functions and confirmed addresses are reached on the topic's behalf, raw or "
                "wrapped.",
                PUBLISH,
                "test_a_queue_gets_the_notification "
                "test_a_queue_of_another_account_is_reached_on_behalf_of_the_topic "
                "test_raw_delivery_hands_over_message_and_attributes_alone test_a_function_gets_a_record "
                "test_mail_goes_to_confirmed_addresses_only test_text_messages_and_web_requests_are_kept "
                "test_a_structured_message_has_a_text_for_each_protocol",
            ),
            (
                "subscriptions",
                "Subscriptions are confirmed by their owner or by token, checked, made once, and listed.",
                SUBSCRIBE,
                "test_a_subscriber_confirms_with_the_token_it_got "
                "test_a_foreign_queue_that_the_topics_owner_subscribes_waits_for_its_owner "
                "test_a_wrong_subscription_is_refused test_an_endpoint_subscribes_once "
                "test_subscriptions_are_listed_for_their_owner",
            ),
            (
                "filters",
                "Filter policies on attributes or body decide, and can be set and removed later.",
                FILTERS,
                "test_a_filter_on_attributes_decides test_a_filter_on_the_body_decides "
                "test_a_filter_can_be_set_and_removed_later",
            ),
            (
                "refusals",
                "Wrong messages and subjects of more than 100 characters are refused; a batch reports each message.",
                PUBLISH,
                "test_a_wrong_message_is_refused test_a_subject_may_have_100_characters "
                "test_a_topic_that_is_not_there_is_an_error test_a_batch_reports_each_message",
            ),
            (
                "retries",
                "A refused delivery goes to the dead-letter queue at once, a throttled one is tried again.",
                DELIVERY,
                "test_a_refused_delivery_goes_to_the_dead_letter_queue_at_once "
                "test_without_dead_letter_queue_a_refused_delivery_is_counted "
                "test_throttled_deliveries_are_tried_again",
            ),
            (
                "keys-and-policies",
                "An encrypted topic needs its key; the topic's policy is enforced.",
                "SNS Developer Guide, Securing Amazon SNS data with server-side encryption",
                "test_an_encrypted_topic_needs_its_key test_the_policy_of_a_topic_is_known_to_the_front_door",
            ),
        ),
    ),
    *behaviours(
        "cloudwatch",
        "test_cloudwatch_alarms",
        (
            (
                "alarm-actions",
                "An alarm that changes its state publishes to its topics, under their policies, unless its actions are "
                "disabled.",
                ALARMS,
                "test_an_alarm_tells_its_topic_what_has_changed "
                "test_an_alarm_acts_when_it_changes_and_not_while_it_lasts test_a_state_without_actions_tells_nobody "
                "test_an_alarm_whose_actions_are_disabled_tells_nobody "
                "test_a_topic_that_admits_another_alarm_gets_nothing_and_the_failure_is_noted "
                "test_an_unknown_alarm_has_no_state",
            ),
        ),
    ),
    *behaviours(
        "cloudwatch",
        "test_cloudwatch_metrics",
        (
            (
                "metric-data",
                "What callers put and services report is read by period and statistic; a period without data points "
                "has none.",
                METRICS,
                "test_statistics_are_of_what_was_measured_in_the_period test_a_period_without_data_points_has_none "
                "test_a_service_reports_its_own_metrics_when_asked test_a_start_is_rounded_down_by_its_age "
                "test_wrong_data_points_are_refused_and_none_is_kept "
                "test_metrics_are_listed_while_they_are_recent",
            ),
            (
                "metric-names",
                "A metric is its namespace, name and dimensions exactly, in one account and Region; a unit that was "
                "not reported gives nothing.",
                "CloudWatch User Guide, Metrics concepts",
                "test_namespace_name_and_dimensions_have_to_fit_exactly test_metrics_are_an_account_and_regions_own "
                "test_a_unit_that_was_not_reported_gives_nothing test_the_order_of_dimensions_does_not_matter",
            ),
            (
                "metric-retention",
                "Data points are read by the minute for 15 days, by five minutes for 63, by the hour for 455; below a "
                "minute for three hours, of high resolution alone.",
                METRICS,
                "test_resolution_falls_with_age "
                "test_old_data_points_of_a_long_time_are_left_out_where_the_period_is_too_short "
                "test_only_high_resolution_has_data_points_below_a_minute",
            ),
            (
                "metric-limits",
                "A call has 500 queries and comes in pages; GetMetricStatistics has 1,440 data points.",
                METRICS,
                "test_wrong_queries_are_refused_and_what_is_not_simulated_says_so "
                "test_five_hundred_queries_are_one_call test_an_end_before_its_start_is_refused "
                "test_data_points_come_in_pages test_statistics_have_1440_data_points_at_most",
            ),
        ),
    ),
)

DIFFERENCES = (
    *differences(
        "sqs",
        (
            "at-most-once",
            "A standard queue delivers each message once and in order, unless it is not deleted in time.",
            "AWS may deliver twice and in any order; send a message twice to try it.",
        ),
        (
            "long-polls",
            "A long poll answers at once.",
            "A client that relies on being held for 20 seconds polls in a tight loop here.",
        ),
        ("fifo", "FIFO queues and message move tasks are moto's, unchecked.", "Nothing of ours uses them."),
    ),
    *differences(
        "sns",
        (
            "outside-endpoints",
            "Mail, text messages and web requests are kept in the process, not sent.",
            "`palisade simulate` shows them in its report.",
        ),
        (
            "fifo",
            "FIFO topics are moto's; subscriptions of Firehose and mobile endpoints are refused with 501.",
            "Nothing of ours uses them.",
        ),
    ),
    *differences(
        "cloudwatch",
        (
            "metrics",
            "Metrics are not evaluated: an alarm changes when somebody sets its state. Embedded metrics and metric "
            "filters count nothing. Dashboards and logs are moto's.",
            "That an alarm fires at its threshold is not shown; set its state to see what follows.",
        ),
        (
            "metric-services",
            "Only services with a source of metrics (`simulator/metrics.py`) report by themselves. Data points are "
            "there at once, where AWS takes minutes.",
            "A metric of another service has no data points: put them, where the namespace is yours, or write one.",
        ),
        (
            "metric-math",
            "Metric math, Metrics Insights, percentiles and metrics of other accounts are refused with 501.",
            "Read metrics one by one.",
        ),
    ),
)
