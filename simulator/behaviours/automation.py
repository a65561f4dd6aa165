"""SSM Automation: what of its documents is interpreted."""

from __future__ import annotations

from simulator.behaviours.model import behaviours, differences

ACTIONS = "Systems Manager User Guide, Systems Manager Automation actions reference"
RUNBOOKS = "Systems Manager User Guide, Data elements and parameters"
ROLES = "Systems Manager User Guide, Running automations by using an IAM service role"

BEHAVIOURS = behaviours(
    "ssm",
    "test_ssm_automation_service",
    (
        (
            "automation-steps",
            "Documents of schema 0.3 are interpreted step by step: calls, assertions, waits, sleeps and branches, with "
            "the values that parameters and earlier steps give.",
            ACTIONS,
            "test_steps_run_one_after_the_other_with_what_earlier_ones_have_brought "
            "test_a_wait_lasts_until_the_property_is_as_desired test_a_wait_that_lasts_too_long_times_out "
            "test_an_assertion_that_does_not_hold_fails_the_execution test_a_branch_chooses_the_step_that_follows "
            "test_a_sleep_takes_its_time",
        ),
        (
            "automation-failures",
            "A step that fails is tried again as often as it says; then the execution ends, goes on or goes elsewhere.",
            RUNBOOKS,
            "test_a_failure_ends_the_execution_goes_on_or_leads_elsewhere test_a_step_is_tried_as_often_as_it_says",
        ),
        (
            "automation-role",
            "Calls of a document are made by its role through the front door, else by who started it.",
            ROLES,
            "test_calls_are_made_by_the_role_of_the_document test_a_role_that_may_not_fails_the_step_with_the_reason",
        ),
        (
            "automation-tokens",
            "A client token starts one execution; parameters that a document does not have or allow are refused; an "
            "execution is stopped before its next step.",
            "Systems Manager API Reference, StartAutomationExecution",
            "test_a_client_token_starts_one_execution test_parameters_are_checked_before_anything_runs "
            "test_an_execution_is_stopped_before_its_next_step",
        ),
        (
            "automation-unavailable",
            "Documents of AWS are refused as unavailable, and so is what is not simulated, by its name.",
            "Systems Manager User Guide, Automation runbook reference",
            "test_documents_of_aws_and_unknown_ones_are_refused test_what_is_not_simulated_is_refused_by_name",
        ),
    ),
)

DIFFERENCES = differences(
    "ssm",
    (
        "automation-actions",
        "aws:executeScript, aws:approve and all actions but executeAwsApi, assertAwsResourceProperty, "
        "waitForAwsResourceProperty, sleep (Duration) and branch are refused with 501; so are targets, rate control, "
        "documents by ARN and the interactive mode.",
        "A runbook that uses them cannot be tried here. A selector is JSONPath as far as JMESPath reads it.",
    ),
    (
        "automation-documents-of-aws",
        "Documents that AWS owns (AWS-*, AWSConfigRemediation-*, AWSSupport-*) are not there.",
        "What starts one fails here with AutomationDefinitionNotFoundException, and works in AWS.",
    ),
    (
        "automation-pass-role",
        "iam:PassRole is asked for the role in the parameter AutomationAssumeRole, not for one that a document names.",
        "AWS asks for both.",
    ),
)
