"""IAM and STS: who is calling, and what they may do."""

from __future__ import annotations

from simulator.behaviours.model import behaviours, differences

LOGIC = "IAM User Guide, Policy evaluation logic"
ELEMENTS = "IAM User Guide, IAM JSON policy element reference"
OPERATORS = "IAM User Guide, IAM JSON policy elements: Condition operators"
KEYS = "IAM User Guide, AWS global condition context keys"
AUTHORIZATION = "Service Authorization Reference, Actions, resources, and condition keys for AWS services"
TRUST = "IAM User Guide, How to use trust policies with IAM roles"
CHAINING = "IAM User Guide, Roles terms and concepts: role chaining"
ASSUME = "STS API Reference, AssumeRole"
SOURCE_IDENTITY = "IAM User Guide, Monitor and control actions taken with assumed roles"
ERRORS = "IAM User Guide, Troubleshoot access denied error messages"
KMS = "KMS Developer Guide, Key policies in AWS KMS"
SCP = "Organizations User Guide, Service control policies"
RCP = "Organizations User Guide, Resource control policies"
CROSS = "IAM User Guide, Cross-account resource access in IAM"

BEHAVIOURS = (
    *behaviours(
        "iam",
        "test_iam_decisions",
        (
            (
                "evaluation",
                "Explicit deny, identity, resource, boundary and session policies decide together.",
                LOGIC,
                "test_a_request_is_allowed test_a_request_is_denied_where_a_policy_is_silent "
                "test_an_explicit_deny_wins test_iam_table_evaluation::test_policies_together_decide_as_documented "
                "test_iam_table::test_the_table_has_at_least_two_hundred_cases_of_different_names "
                "test_iam_table::test_every_case_names_the_page_that_it_is_from",
            ),
            (
                "elements",
                "Action, NotAction, Resource, NotResource, Principal, NotPrincipal and policy variables.",
                ELEMENTS,
                "test_iam_table_elements::test_a_statement_applies_as_documented "
                "test_iam_matching::test_an_action_is_matched test_iam_matching::test_a_resource_is_matched "
                "test_iam_matching::test_variables_stand_in_resources "
                "test_iam_matching::test_a_resource_policy_names_principals "
                "test_iam_matching::test_a_deny_spares_only_whom_not_principal_lists_whole "
                "test_iam_matching::test_an_allow_with_not_principal_admits_all_others "
                "test_iam_matching::test_a_malformed_statement_is_refused",
            ),
            (
                "conditions",
                "Every condition operator, with missing keys, IfExists and set operators.",
                OPERATORS,
                "test_iam_conditions::test_a_condition_holds_as_documented "
                "test_iam_conditions::test_an_unknown_operator_is_refused "
                "test_iam_table_conditions::test_a_condition_holds_as_documented",
            ),
            (
                "context-keys",
                "Global and services' condition keys hold what is documented.",
                KEYS,
                "test_iam_table_keys::test_a_context_key_holds_what_is_documented "
                "test_iam_table_keys::test_a_service_brings_its_source_and_no_principal "
                "test_iam_actions::test_a_call_carries_the_keys_of_its_service "
                "test_iam_item_operations::test_item_operations_tell_their_leading_keys "
                "test_iam_transport::test_a_request_by_plain_http_is_not_secure",
            ),
        ),
    ),
    *behaviours(
        "iam",
        "test_iam_actions",
        (
            (
                "actions-of-operations",
                "An operation needs the actions and resources that AWS publishes for it, forwarded ones included.",
                AUTHORIZATION,
                "test_a_call_needs test_a_key_is_found_by_its_alias test_a_role_with_a_path_is_found_by_its_name "
                "test_iam_item_operations::test_an_item_operation_needs "
                "test_iam_transport::test_who_deploys_code_must_be_able_to_decrypt_it",
            ),
            (
                "gaps-are-named",
                "An operation whose action or resource is not known here is refused by name, not guessed.",
                AUTHORIZATION,
                "test_a_gap_in_the_tables_names_the_operation "
                "test_iam_operations::test_an_operation_that_iam_does_not_know_is_named",
            ),
            (
                "reviewed-operations",
                "Each exception from the published data names its page; every call of the project is known.",
                AUTHORIZATION,
                "test_iam_operations::test_every_operation_that_the_project_calls_resolves_to_actions "
                "test_iam_operations::test_every_exception_names_a_page_and_existing_operations_and_actions "
                "test_iam_operations::test_no_exception_is_idle "
                "test_iam_operations::test_item_operations_resolve_by_their_parameters",
            ),
        ),
    ),
    *behaviours(
        "iam",
        "test_iam_authorizer",
        (
            (
                "denials",
                "Each service denies in its own words and says which kind of policy was silent or denied.",
                ERRORS,
                "test_silence_of_the_identity_policy_is_told_as_aws_does test_each_service_refuses_in_its_own_words",
            ),
            (
                "boundaries-and-sessions",
                "Boundaries narrow roles, session policies narrow sessions.",
                LOGIC,
                "test_an_identity_policy_allows_in_its_own_account test_a_boundary_narrows_what_the_role_may "
                "test_a_session_policy_narrows_the_session",
            ),
            (
                "cross-account",
                "Another account's resource needs both sides: the caller's policy and the resource's.",
                CROSS,
                "test_another_accounts_queue_needs_both_sides test_another_accounts_queue_without_a_policy_refuses "
                "test_iam_front_door::test_another_account_needs_the_resource_policy "
                "test_iam_front_door::test_the_policy_lets_in_whom_it_names_and_nobody_else "
                "test_iam_front_door::test_an_explicit_deny_binds_other_accounts",
            ),
            (
                "service-principals",
                "AWS services are let in by resource policies with source conditions.",
                "IAM User Guide, The confused deputy problem",
                "test_a_service_is_let_in_by_its_source test_iam_front_door::test_a_service_is_let_in_by_its_source",
            ),
            (
                "service-control-policies",
                "Service control policies bind the accounts below them, as they are attached, moved and updated.",
                SCP,
                "test_a_guardrail_of_the_organisation_denies "
                "test_iam_organization_policies::test_nobody_makes_or_changes_a_role_that_the_policies_do_not_bind "
                "test_iam_table_organization::test_service_control_policies_restrict_as_documented "
                "test_iam_organization_policies::"
                "test_a_service_control_policy_binds_the_accounts_below_until_it_is_detached "
                "test_iam_organization_policies::test_an_updated_policy_counts_at_once "
                "test_iam_organization_policies::test_an_allow_list_replaces_full_access "
                "test_iam_organization_policies::"
                "test_a_moved_account_comes_under_the_policies_of_its_new_place",
            ),
            (
                "resource-control-policies",
                "Resource control policies bind whoever calls.",
                RCP,
                "test_iam_table_organization::test_resource_control_policies_restrict_as_documented "
                "test_iam_organization_policies::test_a_resource_control_policy_binds_whoever_calls "
                "test_iam_table_organization::test_retiring_grants_is_beyond_resource_control_policies",
            ),
            (
                "key-policies",
                "Key policies and grants decide about keys, with kms:ViaService for what a service does.",
                KMS,
                "test_iam_keys::test_sending_to_an_encrypted_queue_needs_the_key "
                "test_iam_keys::test_receiving_needs_to_decrypt_only "
                "test_iam_keys::test_a_permission_by_way_of_a_service_is_good_for_that_service_alone "
                "test_iam_keys::test_a_key_policy_may_name_the_way_of_the_service "
                "test_iam_keys::test_a_key_policy_that_is_silent_refuses_whatever_the_identity_may "
                "test_iam_keys::test_a_service_needs_the_key_policy_beside_the_queues "
                "test_iam_keys::test_a_grant_allows_its_grantee "
                "test_iam_table_keys::test_a_grants_constraint_binds_what_has_an_encryption_context "
                "test_iam_table_keys::test_s3_names_what_it_encrypts_in_the_encryption_context",
            ),
        ),
    ),
    *behaviours(
        "iam",
        "test_iam_trust",
        (
            (
                "trust",
                "Trust policies with conditions decide who enters a role; the caller needs its permission across "
                "accounts.",
                TRUST,
                "test_conditions_of_a_trust_policy_hold test_a_trust_policy_lets_in_the_organisation_alone "
                "test_the_caller_needs_its_own_permission_too "
                "test_in_one_account_a_trust_policy_that_names_the_role_is_enough "
                "test_an_explicit_deny_of_the_trust_policy_is_told test_a_role_that_is_not_there_trusts_nobody "
                "test_iam_table_sessions::test_a_role_is_assumed_as_documented",
            ),
            (
                "deleted-principals",
                "A role that is made anew is a stranger to policies that named the deleted one.",
                "IAM User Guide, AWS JSON policy elements: Principal",
                "test_a_role_made_anew_is_not_the_one_that_was_deleted",
            ),
            (
                "source-identity",
                "A source identity needs a permission on each side, stays with chained sessions, and policies see it.",
                SOURCE_IDENTITY,
                "test_a_source_identity_needs_a_permission_on_each_side "
                "test_a_source_identity_can_be_demanded_by_the_trust_policy "
                "test_policies_of_the_session_see_its_source_identity",
            ),
        ),
    ),
    *behaviours(
        "sts",
        "test_sts_service",
        (
            (
                "assume-role",
                "A role is assumed where it trusts the caller; one that is not there answers alike; roots assume none.",
                ASSUME,
                "test_a_role_that_trusts_the_caller_is_assumed test_a_role_that_trusts_others_is_not "
                "test_a_role_that_is_not_there_answers_like_one_that_trusts_nobody test_a_root_assumes_no_roles "
                "test_sts_refuses",
            ),
            (
                "sessions-end",
                "Sessions expire, chained ones after one hour at most, none after what the role allows.",
                CHAINING,
                "test_credentials_expire test_chained_sessions_last_one_hour_at_most "
                "test_no_session_outlasts_what_its_role_allows test_an_access_key_that_nobody_holds_is_refused "
                "test_sessions_of_one_name_get_credentials_of_their_own",
            ),
            (
                "session-policies",
                "Session policies have 2,048 characters; tags are packed with them.",
                ASSUME,
                "test_a_session_policy_goes_with_the_session "
                "test_a_managed_policy_narrows_a_session_however_long_it_is "
                "test_session_policies_have_at_most_2048_characters test_tags_are_packed_with_the_policy",
            ),
            (
                "session-tags",
                "Transitive tags and the source identity pass on to chained sessions.",
                "IAM User Guide, Pass session tags in AWS STS",
                "test_transitive_tags_pass_on_and_others_do_not test_a_source_identity_stays_with_chained_sessions "
                "test_iam_table_sessions::test_the_chain_of_three_roles_carries_the_tags_of_the_example",
            ),
            (
                "who-am-i",
                "GetCallerIdentity needs no permission and no deny stops it; session tokens are for users and roots.",
                "STS API Reference, GetCallerIdentity",
                "test_who_one_is_needs_no_permission_and_no_deny_stops_it test_a_session_token_is_for_users_and_roots "
                "test_iam_web_identity::test_an_access_key_tells_its_account",
            ),
            (
                "credentials",
                "Unknown keys, ended sessions and missing tokens are refused in each service's own words.",
                "Common errors of the services' API references",
                "test_iam_credentials::test_each_service_says_in_its_own_words_that_a_key_is_unknown "
                "test_iam_credentials::test_each_service_says_in_its_own_words_that_a_session_is_over "
                "test_iam_credentials::test_temporary_credentials_are_good_with_their_token_alone "
                "test_iam_credentials::test_a_presigned_url_carries_its_token",
            ),
            (
                "revocation",
                "Sessions of before a revocation are denied by aws:TokenIssueTime.",
                "IAM User Guide, Revoke IAM role temporary security credentials",
                "test_iam_table_sessions::test_sessions_from_before_a_revocation_are_denied",
            ),
            (
                "federated-users",
                "GetFederationToken gives what user and session policies both allow, and no calls of IAM or STS.",
                "STS API Reference, GetFederationToken; IAM User Guide, Compare AWS STS credentials",
                "test_iam_table_sessions::test_a_federated_user_may_what_user_and_session_policy_both_allow "
                "test_iam_table_sessions::test_a_federated_user_may_not_ask_for",
            ),
            (
                "web-identities",
                "A role that trusts an OpenID Connect provider is assumed with its token, by subject and audience.",
                "STS API Reference, AssumeRoleWithWebIdentity",
                "test_iam_web_identity::test_a_trusted_web_identity_gets_a_session "
                "test_iam_web_identity::test_a_web_identity_is_refused "
                "test_iam_web_identity::test_the_token_s_tags_become_the_session_s",
            ),
        ),
    ),
)

DIFFERENCES = (
    *differences(
        "iam",
        (
            "consistency",
            "A change of IAM counts at once.",
            "AWS takes seconds to minutes: a deployment that uses a role right after making it may need retries there "
            "that nothing here asks for.",
        ),
        (
            "signatures",
            "The access key of a request is read; its signature is not checked, but at function URLs.",
            "A client with a wrong secret gets in here and SignatureDoesNotMatch from AWS.",
        ),
        (
            "unmapped-operations",
            "Operations whose resource cannot be told from the published data are refused with 501 and their name.",
            "AWS would answer them; add them to `simulator/iam/resource_table.py`.",
        ),
        (
            "service-keys",
            "Many condition keys of single services, such as ec2:InstanceType or dynamodb:Attributes, are missing "
            "from every request; `simulator/iam/context.py` has those that are there.",
            "A statement that asks for one holds only by IfExists, Null or a negated operator.",
        ),
        (
            "network-keys",
            "aws:SourceIp is 127.0.0.1, of functions too; there are no keys of VPCs, endpoints or instances.",
            "Conditions on addresses of a network deny here.",
        ),
        (
            "called-via",
            "aws:CalledVia names one service; chains of several are not followed.",
            "aws:CalledViaFirst and aws:CalledViaLast are the same.",
        ),
        (
            "resource-policies",
            "Policies of buckets, keys, queues, topics, functions, event buses, tables, secrets and roles decide; "
            "those of other services, access control lists, access points and endpoint policies do not.",
            "Another account is refused at other services whatever their policies say; service principals are let in.",
        ),
        (
            "anonymous",
            "Requests without a signature are refused, at public buckets too; function URLs of type NONE take them.",
            "Whether a bucket can be read by everybody is told by its settings alone.",
        ),
        (
            "object-existence",
            "Who may not list a bucket gets NoSuchKey for a missing object.",
            "AWS answers AccessDenied.",
        ),
        (
            "delegation-policy",
            "Organizations' own resource policy is not read: delegated administrators read and change nothing of "
            "policies by it.",
            "Policies of the organisation are managed from the management account.",
        ),
        (
            "simulation-apis",
            "SimulatePrincipalPolicy, Access Advisor, Access Analyzer and credential reports are moto's or not there.",
            "Ask by making the call.",
        ),
    ),
    *differences(
        "sts",
        (
            "token-signatures",
            "The claims of a web identity's token are read; its signature is not checked.",
            "Whoever writes a token is let in as whom it names; later requests of the session carry the provider's "
            "claims no more.",
        ),
        (
            "federation",
            "AssumeRoleWithSAML, AssumeRoot, GetWebIdentityToken and DecodeAuthorizationMessage are not simulated.",
            "They answer with 501 and their name.",
        ),
        (
            "multi-factor",
            "There is no multi-factor authentication: aws:MultiFactorAuthPresent is false for sessions.",
            "Policies that demand it deny here.",
        ),
        (
            "packed-size",
            "PackedPolicySize is an estimate: AWS does not publish how it packs.",
            "A session near the limit may be refused there and not here, or the other way round.",
        ),
    ),
)
