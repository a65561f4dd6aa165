"""Lambda: functions that run, with their permissions, retries and event sources."""

from __future__ import annotations

from simulator.behaviours.model import behaviours, differences

LIFECYCLE = "Lambda Developer Guide, Understanding the Lambda execution environment lifecycle"
PYTHON = "Lambda Developer Guide, Building Lambda functions with Python"
VARIABLES = "Lambda Developer Guide, Working with Lambda environment variables"
ASYNCHRONOUS = "Lambda Developer Guide, How Lambda handles errors and retries with asynchronous invocation"
CREATING_URLS = "Lambda Developer Guide, Creating and managing Lambda function URLs"
INVOKING_URLS = "Lambda Developer Guide, Invoking Lambda function URLs"
URL_ACCESS = (
    "Lambda Developer Guide, Control access to Lambda function URLs (before: Security and auth model for Lambda "
    "function URLs)"
)
SQS = "Lambda Developer Guide, Using Lambda with Amazon SQS"

URLS = behaviours(
    "lambda",
    "test_lambda_urls",
    (
        (
            "url-configuration",
            "A function has one URL, with a host name of its own that never comes back once it is taken away.",
            CREATING_URLS,
            "test_a_url_is_made_read_changed_listed_and_taken_away test_what_a_url_cannot_have_is_refused_by_name "
            "test_who_makes_a_url_may_be_bound_to_an_auth_type test_regions_without_function_urls_refuse_them "
            "test_provisioners::test_a_url_tells_its_address_and_id",
        ),
        (
            "url-signatures",
            "A request to a URL of type AWS_IAM is let in by a signature that is checked, body and session token "
            "included; what is forged, expired or unsigned is answered by 403.",
            INVOKING_URLS,
            "test_a_forged_request_does_not_reach_the_function "
            "test_a_signature_for_another_service_or_region_is_refused test_a_session_that_has_ended_is_refused "
            "test_a_user_s_lasting_key_signs_too test_a_url_that_is_gone_or_never_was_is_forbidden",
        ),
        (
            "url-permissions",
            "Both lambda:InvokeFunctionUrl and lambda:InvokeFunction are needed: in the account from either side, "
            "from other accounts from both; type NONE needs them for everybody.",
            URL_ACCESS,
            "test_both_actions_are_needed_from_the_sides_that_iam_asks "
            "test_a_permission_by_url_alone_does_not_invoke_the_function_otherwise "
            "test_each_condition_of_a_permission_goes_with_its_own_action "
            "test_without_authentication_the_function_s_policy_decides",
        ),
        (
            "url-payloads",
            "The function receives payload format 2.0 with who called; its answer becomes the response, a failure "
            "502, of 6 MB at most each.",
            INVOKING_URLS,
            "test_the_function_receives_payload_format_2_0 "
            "test_a_binary_body_is_base64_and_a_missing_one_is_absent "
            "test_an_answer_becomes_a_response_by_the_documented_rules "
            "test_headers_and_every_cookie_of_an_answer_are_set test_a_failing_function_is_a_bad_gateway "
            "test_a_request_and_an_answer_have_six_megabytes_at_most",
        ),
        (
            "url-throttles",
            "Throttled requests are answered by 429; a reserved concurrency of zero turns a URL off.",
            CREATING_URLS,
            "test_throttles_are_told_by_429",
        ),
        (
            "url-clients",
            "Clients of this process come in by the `before-send` event of their session, others by the port with the "
            "URL's host in the Host header: "
            "`curl --aws-sigv4 aws:amz:<region>:lambda --connect-to ::127.0.0.1:<port> http://<id>.lambda-url...`.",
            "AWS SDKs and Tools Reference Guide, Service-specific endpoints",
            "tests/operations/test_signed_request::test_a_local_organisation_of_this_process_answers_who_may_call "
            "tests/operations/test_signed_request::test_another_process_reaches_a_served_organisation_by_its_endpoint "
            "test_the_log_of_the_front_door_names_who_called_by_url",
        ),
    ),
)
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
    *URLS,
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
        "function-urls",
        "Of function URLs there are no aliases, streams or presigned requests; CORS settings are kept and add no "
        "headers; the age of a signature and the rate of ten times the reserved concurrency are not checked.",
        "A browser's preflight reaches the function; an old signature is refused by AWS alone.",
    ),
    (
        "function-url-regions",
        "Function URLs are served in the partitions aws and aws-us-gov, without the Regions that AWS's page excepts. "
        "That page says nothing of the China Regions and of others' domain: they answer 501.",
        "Ask AWS's list of services by Region before you plan with a function URL.",
    ),
    (
        "function-url-refusals",
        "The words of a refusal, the 403 of a URL that is not there and the base64 of bodies that are no text are as "
        "others have observed them, not documented; a refused Region is told in words of ours.",
        "Decide by the status of an answer, never by its words.",
    ),
    (
        "not-simulated",
        "Versions, aliases, layers, container images, and event sources other than SQS without filters.",
        "They are refused by name.",
    ),
)
