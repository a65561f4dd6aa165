"""Lambda: functions that run, with their permissions, retries and event sources."""

from __future__ import annotations

from simulator.behaviours.model import behaviours, differences

LIFECYCLE = "Lambda Developer Guide, Understanding the Lambda execution environment lifecycle"
PYTHON = "Lambda Developer Guide, Building Lambda functions with Python"
VARIABLES = "Lambda Developer Guide, Working with Lambda environment variables"
ASYNCHRONOUS = "Lambda Developer Guide, How Lambda handles errors and retries with asynchronous invocation"
SQS = "Lambda Developer Guide, Using Lambda with Amazon SQS"

BEHAVIOURS = (
    *behaviours(
        "lambda",
        "test_lambda_runner",
        (
            (
                "built-archive",
                "A function runs from its own archive, with modules, loggers and a default session of its own while it "
                "is warm.",
                LIFECYCLE,
                "test_the_answer_and_what_was_printed_come_back "
                "test_a_warm_function_keeps_its_modules_and_no_other_function_sees_them "
                "test_modules_of_this_process_with_the_same_name_stay_as_they_are test_loggers_are_the_function_s_own "
                "test_the_default_session_of_boto3_is_the_function_s_own",
            ),
            (
                "environment",
                "A function sees its own environment, credentials of its role, and nothing of whoever runs it.",
                VARIABLES,
                "test_the_environment_is_the_function_s_and_the_process_has_its_own_back",
            ),
            (
                "time-out",
                "A function that outlives its time is ended and starts anew; sleep passes in the organisation's time.",
                LIFECYCLE,
                "test_a_function_that_outlives_its_time_is_ended_and_starts_anew test_sleep_passes_in_simulated_time",
            ),
            (
                "errors",
                "Exceptions, exits and handlers that cannot run are answered as the runtime answers them.",
                PYTHON,
                "test_an_exception_is_an_answer_with_its_type_and_a_trace_in_the_log "
                "test_a_function_that_exits_is_an_error_of_the_runtime test_what_the_runtime_cannot_run_is_named",
            ),
            (
                "third-party-modules",
                "Third-party files of an archive must be the bytes that this process has.",
                PYTHON,
                "test_third_party_files_must_be_this_process_s",
            ),
        ),
    ),
    *behaviours(
        "lambda",
        "test_lambda_service",
        (
            (
                "invocation",
                "A function answers, or tells its error with status 200; it does what its role may; its logs are "
                "written with the role's permission.",
                "Lambda API Reference, Invoke",
                "test_an_invocation_answers_or_tells_the_function_s_error "
                "test_a_role_has_to_let_lambda_in test_a_function_does_what_its_role_may_and_no_more "
                "test_logs_are_written_with_the_role_s_permission_into_a_group_that_is_there",
            ),
            (
                "asynchronous-retries",
                "An event that fails is tried again after one and two minutes, within its age and as often as the "
                "function says.",
                ASYNCHRONOUS,
                "test_an_event_that_fails_is_tried_three_times_and_then_goes_to_its_destination "
                "test_retries_are_as_many_as_the_function_says test_an_event_that_gets_too_old_is_given_up",
            ),
            (
                "destinations",
                "Records of successes and failures go to destinations, failed events to the dead-letter queue.",
                "Lambda Developer Guide, Capturing records of Lambda asynchronous invocations",
                "test_an_event_that_fails_is_tried_three_times_and_then_goes_to_its_destination "
                "test_a_success_goes_to_its_destination",
            ),
            (
                "queue-batches",
                "Batches of a queue are deleted after success; failed ones come again, given back messages alone.",
                SQS,
                "test_a_batch_of_a_queue_is_deleted_after_success "
                "test_a_batch_that_fails_comes_again_after_its_visibility_timeout "
                "test_messages_that_the_function_gives_back_come_again_alone test_a_disabled_mapping_takes_nothing "
                "test_a_queue_that_shows_messages_too_early_is_refused",
            ),
            (
                "permissions",
                "Other accounts invoke a function where its policy admits them.",
                "Lambda Developer Guide, Viewing resource-based IAM policies in Lambda",
                "test_another_account_invokes_where_the_function_admits_it",
            ),
            (
                "limits",
                "The environment has 4 KB without reserved names, a function 900 seconds.",
                "Lambda Developer Guide, Lambda quotas",
                "test_limits_of_functions_are_kept",
            ),
        ),
    ),
    *behaviours(
        "lambda",
        "test_faults",
        (
            (
                "killed-function",
                "A killed function starts anew, and the messages that it held come again after their visibility "
                "timeout.",
                SQS,
                "test_a_killed_function_starts_anew_and_its_message_comes_again "
                "test_a_function_waits_for_an_answer_that_does_not_come_until_its_own_time_ends",
            ),
        ),
    ),
)

DIFFERENCES = differences(
    "lambda",
    (
        "one-at-a-time",
        "Functions run one at a time, or one inside another's call, on Python's own speed; calls take no time of the "
        "organisation.",
        "Concurrency, cold starts, memory limits and durations are not shown; reserved concurrency is stored alone.",
    ),
    (
        "runtime",
        "The handler runs in this process's Python, whatever runtime it names; threads of a handler must not call AWS.",
        "A function that needs another interpreter, native code or parallel calls cannot be tried here.",
    ),
    (
        "not-simulated",
        "Versions, aliases, layers, container images, function URLs, and event sources other than SQS without filters.",
        "They are refused by name.",
    ),
)
