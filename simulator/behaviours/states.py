"""Step Functions: Standard workflows in simulated time."""

from __future__ import annotations

from simulator.behaviours.model import behaviours, differences

LANGUAGE = "Amazon States Language (states-language.net)"
GUIDE = "Step Functions Developer Guide"
API = "Step Functions API Reference"
ERRORS = f"{GUIDE}, Handling errors in Step Functions workflows"
QUOTAS = f"{GUIDE}, Step Functions service quotas"
SDK = f"{GUIDE}, Learning to use AWS service SDK integrations in Step Functions"
INVOKE = f"{GUIDE}, Invoke an AWS Lambda function with Step Functions"

BEHAVIOURS = (
    *behaviours(
        "stepfunctions",
        "test_stepfunctions_service",
        (
            (
                "machines",
                "State machines are described as they were made, made once, updated for new executions alone, tagged "
                "and listed in pages.",
                f"{API}, CreateStateMachine and UpdateStateMachine",
                "test_a_state_machine_is_described_as_it_was_made "
                "test_creation_is_idempotent_for_the_same_machine_alone test_names_follow_the_rules "
                "test_a_state_machine_that_could_not_run_is_refused test_an_update_changes_new_executions_alone "
                "test_what_is_not_there_is_named test_tags_are_put_and_taken",
            ),
            (
                "deletion",
                "A deleted state machine is DELETING while its executions end at their next transition.",
                f"{API}, DeleteStateMachine",
                "test_a_state_machine_is_deleted_when_its_executions_have_ended",
            ),
            (
                "role-trust",
                "The execution role must admit Step Functions, which names account and state machine as source.",
                f"{GUIDE}, Cross-service confused deputy prevention",
                "test_a_role_may_bind_step_functions_to_account_and_machine "
                "test_the_regional_principal_may_be_trusted_too "
                "test_states_tasks::test_a_role_that_no_longer_trusts_is_a_lack_of_permissions",
            ),
            (
                "executions",
                "An execution's name is taken for 90 days; a running one of the same input is answered again; ended "
                "ones stay as they ended.",
                f"{API}, StartExecution and StopExecution",
                "test_an_execution_s_name_is_taken_for_ninety_days "
                "test_executions_are_listed_the_latest_first_and_by_status "
                "test_a_function_may_stop_the_execution_that_it_works_for",
            ),
            (
                "input-size",
                "Inputs, outputs and results have 262,144 bytes of UTF-8 at most.",
                QUOTAS,
                "test_an_input_is_json_of_at_most_262144_bytes "
                "test_states_interpreter::test_a_payload_has_at_most_262144_bytes",
            ),
            (
                "validation",
                "A definition is refused with every reason and its place; validation tells the same.",
                f"{API}, ValidateStateMachineDefinition",
                "test_a_definition_is_validated_without_being_kept "
                "test_states_definition::test_a_definition_is_refused_with_the_reason "
                "test_states_definition::test_every_reason_is_told_at_once_with_its_place "
                "test_states_definition::test_a_definition_of_every_type_of_state_is_taken "
                "test_states_definition::test_whatever_stands_in_a_definition_is_taken_or_refused",
            ),
            (
                "permissions",
                "Actions are allowed on state machines and executions by ARN and tags; creation passes the role.",
                "Service Authorization Reference, AWS Step Functions",
                "test_actions_are_allowed_on_machines_and_executions_by_arn "
                "test_creation_needs_to_pass_the_role_to_step_functions test_a_creation_s_tags_are_asked_for "
                "test_a_machine_s_tags_decide_where_a_policy_asks_for_them",
            ),
            (
                "status-events",
                "Each change of an execution's status is an event on the account's default bus.",
                f"{GUIDE}, Automating Step Functions event delivery with EventBridge",
                "test_the_status_of_an_execution_is_told_to_eventbridge",
            ),
            (
                "history",
                "The history is read in pages, backwards and without data; its events are in lines of their own.",
                f"{API}, GetExecutionHistory",
                "test_a_history_is_read_in_pages_backwards_and_without_data "
                "test_states_interpreter::test_the_history_tells_a_task_in_order "
                "test_states_interpreter::test_branches_have_lines_of_events_of_their_own "
                "test_states_interpreter::test_every_event_of_every_kind_of_state_is_of_the_service_model",
            ),
        ),
    ),
    *behaviours(
        "events",
        "test_stepfunctions_service",
        (
            (
                "state-machine-targets",
                "Rules and schedules start executions with the target's role, which a target must have.",
                "EventBridge User Guide, Event bus targets in Amazon EventBridge",
                "test_a_rule_starts_an_execution_with_the_event test_a_schedule_starts_executions "
                "test_a_rule_whose_role_may_not_start_drops_its_event test_a_target_state_machine_needs_a_role",
            ),
        ),
    ),
    *behaviours(
        "stepfunctions",
        "test_states_paths",
        (
            (
                "paths",
                "Paths find one value or many, reference paths name where results go, templates are filled by both.",
                f"{LANGUAGE}, Paths",
                "test_a_path_finds_what_jayway_finds test_a_path_that_is_none_or_finds_nothing_is_an_error "
                "test_a_reference_path_names_where_a_result_goes test_a_result_goes_nowhere_else "
                "test_a_template_is_filled_where_names_end_in_a_path_s_sign "
                "test_a_template_s_path_that_finds_nothing_ends_the_execution "
                "test_states_interpreter::test_a_path_that_does_not_fit_fails_the_execution",
            ),
            (
                "intrinsic-functions",
                "All intrinsic functions answer, nest and refuse what does not fit them; chance is seeded by the "
                "execution.",
                f"{GUIDE}, Intrinsics for JSONPath states",
                "test_an_intrinsic_function_answers test_chance_is_seeded test_what_is_no_function_is_refused "
                "test_a_function_that_does_not_fit_its_arguments_is_an_intrinsic_failure",
            ),
            (
                "choice-rules",
                "Every comparison operator holds for values of its kind alone.",
                f"{LANGUAGE}, Choice State",
                "test_a_choice_rule_holds_or_does_not test_every_comparison_operator_is_in_the_table "
                "test_a_choice_on_what_is_not_there_ends_the_execution "
                "test_states_interpreter::test_a_choice_goes_where_its_first_rule_that_holds_says",
            ),
            (
                "error-names",
                "Errors are taken by name or wildcard; nothing takes States.Runtime.",
                ERRORS,
                "test_an_error_is_taken_by_its_name_or_a_wildcard "
                "test_states_interpreter::test_a_runtime_error_is_caught_by_nothing",
            ),
            (
                "retry-pauses",
                "Pauses grow by the backoff rate up to a maximum, with jitter, each retrier counting its own attempts.",
                ERRORS,
                "test_pauses_between_attempts_grow_and_end test_each_retrier_counts_its_own_attempts "
                "test_full_jitter_lies_within_the_pause test_states_interpreter::test_a_run_repeats",
            ),
        ),
    ),
    *behaviours(
        "stepfunctions",
        "test_states_interpreter",
        (
            (
                "pass-fail-succeed",
                "Pass states hand on what their paths and templates say; Fail states fail as they say.",
                f"{LANGUAGE}, State Types",
                "test_a_pass_state_hands_on_what_its_paths_say test_a_fail_state_fails_with_what_it_says",
            ),
            (
                "wait",
                "Waits last seconds, or until a timestamp, in the organisation's time.",
                f"{LANGUAGE}, Wait State",
                "test_a_wait_takes_simulated_time test_a_wait_ends_at_a_timestamp",
            ),
            (
                "parallel",
                "Branches run side by side; one that fails ends the others.",
                f"{LANGUAGE}, Parallel State",
                "test_parallel_branches_run_side_by_side_and_answer_in_their_order "
                "test_a_branch_that_fails_ends_the_others test_a_parallel_state_is_tried_again_as_a_whole",
            ),
            (
                "map",
                "An inline Map takes as many items at a time as it may, 40 at most, and answers in their order.",
                f"{GUIDE}, Using Map state in Inline mode",
                "test_a_map_answers_in_the_order_of_its_items test_a_map_takes_so_many_items_at_a_time "
                "test_an_inline_map_takes_forty_items_at_a_time test_a_map_of_nothing_answers_nothing "
                "test_a_map_fails_with_more_failures_than_it_tolerates "
                "test_the_older_words_for_a_map_are_understood",
            ),
            (
                "retry-and-catch",
                "Failed tasks are tried again in simulated time, then caught with their input and error.",
                ERRORS,
                "test_a_retried_task_waits_in_simulated_time_and_counts_its_attempts "
                "test_a_catcher_hands_on_input_and_error test_retries_come_before_catches",
            ),
            (
                "time-outs",
                "Tasks and executions end when their time is over.",
                f"{LANGUAGE}, Timeouts and heartbeat intervals",
                "test_a_task_that_takes_too_long_times_out test_a_machine_s_time_out_ends_its_execution",
            ),
            (
                "history-limit",
                "An execution fails at 25,000 events.",
                QUOTAS,
                "test_an_execution_of_too_many_events_fails",
            ),
        ),
    ),
    *behaviours(
        "stepfunctions",
        "test_states_tasks",
        (
            (
                "lambda-tasks",
                "Functions are invoked by integration or by ARN; their errors have the error's type as name.",
                INVOKE,
                "test_lambda_invoke_answers_with_status_version_and_payload "
                "test_a_function_by_its_arn_answers_with_its_payload_alone test_an_event_is_queued_for_a_function "
                "test_a_function_s_error_has_its_type_as_name_and_its_answer_as_cause "
                "test_a_missing_function_is_lambda_s_error "
                "test_a_fault_of_lambda_strikes_a_task_and_is_retried_as_the_state_says",
            ),
            (
                "execution-role",
                "Every task is done with the permissions of the execution role, or of the role of another account that "
                "its Credentials name.",
                f"{GUIDE}, Accessing resources in other AWS accounts in Step Functions",
                "test_a_role_invokes_what_it_may_and_no_more "
                "test_another_account_is_entered_by_the_role_that_the_state_names",
            ),
            (
                "sdk-tasks",
                "Any operation of the organisation is called by the AWS SDK integration, with members and errors named "
                "in Pascal case.",
                SDK,
                "test_an_sdk_task_names_members_in_pascal_case test_an_sdk_task_changes_what_it_asks_to_change "
                "test_a_refused_call_is_an_error_of_its_service "
                "test_a_call_that_is_not_simulated_ends_the_execution_and_is_told "
                "test_a_task_that_cannot_be_asked_for_ends_the_execution "
                "test_states_definition::test_services_are_named_as_java_names_them "
                "test_states_definition::test_members_are_named_in_pascal_case",
            ),
            (
                "optimised-tasks",
                "DynamoDB, SQS, SNS, EventBridge and nested executions have integrations of their own.",
                f"{GUIDE}, Integrating optimized services with Step Functions",
                "test_optimised_integrations_do_their_work test_an_execution_starts_another_and_goes_on",
            ),
            (
                "task-tokens",
                "A task waits for the answer to its token, within its time and its heartbeat's.",
                f"{GUIDE}, Discover service integration patterns in Step Functions",
                "test_a_task_waits_for_its_token test_a_task_that_waits_is_failed_from_outside "
                "test_a_task_waits_no_longer_than_its_limits test_a_heartbeat_keeps_a_task_waiting "
                "test_a_stopped_execution_s_token_is_void",
            ),
            (
                "simulated-time",
                "A loop of hours runs in less than a second beside what its functions take.",
                f"{LANGUAGE}, Wait State",
                "test_many_turns_of_a_loop_take_their_time_in_simulation",
            ),
        ),
    ),
)

DIFFERENCES = differences(
    "stepfunctions",
    (
        "not-simulated",
        "Express workflows, versions, aliases, activities, redrive, distributed maps, JSONata, variables, the pattern "
        ".sync, other optimised integrations, HTTP tasks and customer managed keys.",
        "They are refused by name, when a state machine is made or the operation is called.",
    ),
    (
        "calls-take-no-time",
        "A task's call is one step: other branches, stops and time-outs come after it. A way between states takes 0.02 "
        "seconds, a start 0.05; AWS states no figures.",
        "A task that overruns its time-out has done its work by then, as a function in AWS may have.",
    ),
    (
        "errors",
        "Messages are alike, not the same; codes of diagnostics that AWS does not document are ours. A path that finds "
        "nothing is States.Runtime, which AWS answers, though its page has States.ParameterPathFailure.",
        "Match errors by name, not by cause; check with AWS what only a message tells.",
    ),
    (
        "tolerated-failures",
        "ToleratedFailureCount and -Percentage are taken for inline maps, as the language has them; AWS documents them "
        "for distributed ones. Tolerated failures are left out of the output.",
        "A definition that uses them inline may be refused by AWS.",
    ),
    (
        "parameters",
        "A task without Parameters hands its whole input to the operation; names in Pascal case follow the rules of "
        "the AWS SDK for Java, not its table of exceptions.",
        "A name that this refuses or takes may be otherwise in AWS: validate the definition there.",
    ),
    (
        "limits",
        "Rates of the API, of transitions and of what tasks call are not counted; an execution has no end after a "
        "year, and no metrics, logs or traces are written (their settings are stored).",
        "Throttling of many executions at once, and what logging costs and needs, cannot be shown.",
    ),
)
