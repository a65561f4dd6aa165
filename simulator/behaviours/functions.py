"""Lambda: functions that run, with their permissions, retries and event sources."""

from __future__ import annotations

from simulator.behaviours.model import behaviours, differences

LIFECYCLE = "Lambda Developer Guide, Understanding the Lambda execution environment lifecycle"
PYTHON = "Lambda Developer Guide, Building Lambda functions with Python"
VARIABLES = "Lambda Developer Guide, Working with Lambda environment variables"
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
