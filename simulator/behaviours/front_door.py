"""The front door, the port, the clock, and how the program is deployed."""

from __future__ import annotations

from simulator.behaviours.model import behaviours, differences

MODELS = "The services' API models (botocore)"
ENDPOINTS = "AWS SDKs and Tools Reference Guide, Service-specific endpoints"
SIGNING = "AWS Signature Version 4 for API requests"
CHUNKS = "S3 API Reference, Signature calculations: transferring payload in multiple chunks"
HTTP = "RFC 9112, HTTP/1.1"
RETRIES = "AWS SDKs and Tools Reference Guide, Retry behavior"
PULUMI = "Pulumi documentation, How Pulumi works"
PROVIDER = "Pulumi registry, AWS provider"
INVOCATIONS = "terraform-provider-aws, internal/service/lambda/invocation.go"
QUOTAS = "The services' pages on request quotas, each named in the table of rates"

BEHAVIOURS = (
    *behaviours(
        "door",
        "test_port",
        (
            (
                "any-client",
                "boto3, the AWS CLI and scanners of other processes reach every account and Region by their "
                "credentials.",
                ENDPOINTS,
                "test_every_account_and_region_is_chosen_by_the_credentials "
                "test_several_clients_at_once_are_all_answered "
                "test_services_that_share_a_signing_name_are_told_apart test_a_bucket_may_stand_in_the_host_name "
                "test_s3_control_is_reached_with_the_account_in_the_host_name",
            ),
            (
                "signatures-read",
                "Signed and presigned requests are read; unsigned ones are refused in the service's words.",
                SIGNING,
                "test_presigned_urls_of_both_signatures_work_without_credentials "
                "test_an_unsigned_request_is_refused_in_the_words_of_the_service",
            ),
            (
                "bodies",
                "Bodies of any size, chunked, with trailing checksums or compressed, come in as they were meant.",
                CHUNKS,
                "test_objects_of_every_kind_of_body_come_back_as_they_went test_a_gzipped_request_is_read "
                "test_port_bodies::test_chunks_with_a_trailing_checksum_become_the_body_and_a_header "
                "test_port_bodies::test_a_broken_body_is_refused_as_s3_does",
            ),
            (
                "http",
                "Connections are kept, pipelined and closed as HTTP/1.1 says.",
                HTTP,
                "test_one_connection_serves_many_requests_and_waits_for_the_word_to_go_on "
                "test_port_http::test_a_message_is_the_same_however_its_bytes_are_cut "
                "test_port_http::test_what_is_not_http_is_refused",
            ),
            (
                "loopback-only",
                "The port stands on 127.0.0.1 and takes control requests from there alone; a port that is taken says "
                "so.",
                ENDPOINTS,
                "test_control_requests_are_taken_from_here_alone test_a_port_is_taken_once_and_free_when_closed "
                "test_the_port_is_a_proxy_for_aws_alone",
            ),
        ),
    ),
    *behaviours(
        "door",
        "test_unimplemented_operations",
        (
            (
                "never-silent",
                "An operation that is not simulated, of any service, answers an error that names it.",
                MODELS,
                "test_an_operation_that_is_not_simulated_answers_an_error_that_names_it "
                "test_what_a_service_of_ours_lacks_never_succeeds test_no_operation_ends_in_an_exception_of_ours "
                "test_a_service_that_is_not_simulated_answers_an_error_that_names_it "
                "test_port::test_an_unknown_operation_and_an_unknown_service_are_named",
            ),
            (
                "parameters",
                "Parameters are checked against the service models: types, members, bounds, enumerations, patterns.",
                MODELS,
                "test_parameters_that_the_model_refuses_are_refused_by_name",
            ),
        ),
    ),
    *behaviours(
        "door",
        "test_rates",
        (
            (
                "rates",
                "Documented request rates are kept per calling account and Region and answered as the service "
                "throttles.",
                QUOTAS,
                "test_a_burst_passes_and_then_the_documented_rate test_each_account_and_region_has_its_own_bucket "
                "test_operations_share_a_bucket_where_aws_says_so "
                "test_a_description_of_everything_has_a_smaller_bucket "
                "test_rates_are_on_and_answer_in_the_services_words",
            ),
        ),
    ),
    *behaviours(
        "door",
        "test_faults",
        (
            (
                "throttles",
                "An injected throttle has the service's own code and status, so that SDKs retry it.",
                RETRIES,
                "test_a_throttle_is_in_the_services_own_words_and_sdks_retry_it",
            ),
            (
                "failures",
                "Injected failures, denials and time-outs come before or after the effect, at the calls that a rule "
                "names.",
                RETRIES,
                "test_a_failing_service_is_asked_again test_a_denial_is_said_as_the_service_says_it "
                "test_before_the_effect_nothing_happens_and_after_it_only_the_answer_is_lost "
                "test_a_time_out_is_a_read_timeout_and_leaves_its_effect_behind "
                "test_port_faults::test_a_client_without_an_answer_waits_until_it_gives_up_and_others_are_served "
                "test_a_fault_strikes_the_calls_that_it_names test_every_so_many_calls_are_struck "
                "test_a_share_of_calls_is_struck_by_seed_and_by_what_each_call_is",
            ),
        ),
    ),
    *behaviours(
        "door",
        "tests/operations/test_serve",
        (
            (
                "serve",
                "`palisade serve` says in one line all that a client needs, remediates within seconds, advances, and "
                "ends cleanly.",
                ENDPOINTS,
                "test_one_line_says_all_that_a_client_needs "
                "test_default_credentials_are_the_management_accounts_and_every_account_is_entered "
                "test_a_security_group_that_somebody_opens_is_closed_within_seconds "
                "test_the_aws_cli_works_in_a_profile_of_every_account_and_after_an_advance "
                "test_time_is_advanced_with_what_is_due_in_it_and_never_goes_back test_a_signal_ends_it_cleanly "
                "test_a_second_serve_on_the_port_says_who_is_there",
            ),
        ),
    ),
    *behaviours(
        "deployment",
        "tests/engine/test_member_stack",
        (
            (
                "real-engine",
                "The real Pulumi engine previews, deploys, refreshes, updates and destroys by a stand-in for the "
                "provider.",
                PULUMI,
                "test_a_preview_plans_everything_and_makes_nothing test_every_member_detects_after_up "
                "test_an_unchanged_program_changes_nothing test_drift_by_hand_is_found_by_refresh_and_repaired_by_up "
                "test_one_changed_setting_updates_exactly_what_it_concerns "
                "test_destroy_returns_members_to_what_they_were",
            ),
            (
                "interrupted-engine",
                "An engine that is interrupted ends what is under way; one that is killed leaves its lock and what it "
                "had begun.",
                PULUMI,
                "tests/engine/test_interrupted::"
                "test_an_up_that_is_interrupted_ends_what_is_under_way_and_the_next_finishes "
                "tests/engine/test_interrupted::"
                "test_an_up_that_is_killed_is_unlocked_and_told_what_became_of_what_was_under_way",
            ),
            (
                "invocations",
                "An invocation tells its function each turn of its life with the input before, and is gone only after "
                "the answer to its end.",
                INVOCATIONS,
                "test_invocation_provisioner::test_each_turn_is_told_with_the_input_before "
                "test_invocation_provisioner::test_it_is_not_gone_before_the_function_has_answered",
            ),
            (
                "provider-laws",
                "The stand-in serves the inputs that the published provider's schema has, and replaces where its "
                "documentation says so.",
                PROVIDER,
                "tests/engine/test_provisioner_laws::test_every_input_that_is_served_is_the_sdk_s "
                "tests/engine/test_provisioner_laws::test_an_input_either_updates_or_replaces "
                "tests/engine/test_provider::test_what_the_provider_would_refuse_is_refused_by_check "
                "test_provisioners::test_what_is_made_reads_back_updates_and_is_deleted",
            ),
        ),
    ),
    *behaviours(
        "deployment",
        "test_deployment",
        (
            (
                "real-program",
                "The real program runs; its resources are made in order, in their accounts and Regions, by API calls "
                "of the roles that its providers assume.",
                PULUMI,
                "test_a_resource_is_made_in_its_provider_s_account_and_its_own_region "
                "test_a_resource_without_a_region_goes_to_the_provider_s "
                "test_outputs_of_one_resource_are_inputs_of_the_next test_dependencies_order_what_is_made "
                "test_components_pass_their_provider_on_and_chain_their_types_in_urns "
                "test_assets_reach_the_cloud_by_their_files test_secrets_are_made_in_plain",
            ),
            (
                "data-sources",
                "Data sources answer from the organisation; settings and warnings pass.",
                PROVIDER,
                "test_data_sources_answer_from_the_organisation "
                "test_settings_reach_the_program_and_its_warnings_come_back",
            ),
            (
                "deployment-failures",
                "What engine, provider or AWS refuses ends the run and names the resource, its place and the reason.",
                PULUMI,
                "test_what_the_engine_or_a_provider_would_refuse_is_refused "
                "test_a_failing_resource_names_itself_its_place_and_aws_s_reason_and_ends_the_run "
                "test_an_exception_of_the_program_ends_the_run test_nothing_of_a_run_stays_in_the_process",
            ),
        ),
    ),
)

DIFFERENCES = (
    *differences(
        "door",
        (
            "latency",
            "Calls take no time of the organisation: it passes by what is due and by what functions sleep.",
            "Durations and races of AWS are not shown; bursts are harder on rates than they are there.",
        ),
        (
            "order-of-checks",
            "Parameters are checked before permissions; AWS's services do either.",
            "A call that is both malformed and denied may answer the other error.",
        ),
        (
            "rates-of-services",
            "Rates count the calls of clients, not those that AWS's services make; quotas on numbers of resources are "
            "those that a service's list here names.",
            "Reaching a quota, for example of rules or roles in an account, is not shown.",
        ),
        (
            "throttled-clients",
            "In simulated time a client outside of functions that is throttled finds its bucket filled at the next "
            "call: the clock has moved on.",
            "Scripts end; how long they would have waited is in the clock.",
        ),
        (
            "faults-of-services",
            "Faults strike calls of clients, not those that AWS's services make among themselves.",
            "Let a target refuse by its policy to see what EventBridge, SNS and Lambda do then.",
        ),
        (
            "regions",
            "Every Region of the organisation is enabled; opt-in is not simulated; other partitions are names.",
            "Enable opt-in Regions before you deploy to them.",
        ),
    ),
    *differences(
        "deployment",
        (
            "provider",
            "Each resource type has a provisioner of ours that makes the provider's calls; what the published provider "
            "validates on its side, and its retries, are not shown. Properties without a call are refused.",
            "Run `pulumi preview` against a real account before the first deployment.",
        ),
        (
            "updates",
            "`palisade simulate` makes everything anew: it shows no updates, replacements and deletions.",
            "Those are the real engine's: deploy by `pulumi up` to `palisade serve`.",
        ),
    ),
)
