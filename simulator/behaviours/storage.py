"""What the loop guards and stores in: S3, KMS, DynamoDB, EC2."""

from __future__ import annotations

from simulator.behaviours.model import behaviours, differences

ENCRYPTION = "S3 User Guide, Setting default server-side encryption behavior for Amazon S3 buckets"
DEFAULTS = "S3 User Guide, Default settings for new S3 buckets"
OWNERS = "S3 User Guide, Verifying bucket ownership with bucket owner condition"
STATES = "KMS Developer Guide, Key states of AWS KMS keys"
MANAGED = "KMS Developer Guide, AWS managed keys"
TRANSACTIONS = "DynamoDB API Reference, TransactWriteItems"
PARTIQL = "DynamoDB Developer Guide, PartiQL - a SQL-compatible query language for Amazon DynamoDB"
GROUPS = "EC2 API Reference, AuthorizeSecurityGroupIngress"
REVOKE = "EC2 API Reference, RevokeSecurityGroupIngress"
PREFIX_LISTS = "VPC User Guide, Consolidate and manage network CIDR blocks with managed prefix lists"

BEHAVIOURS = (
    *behaviours(
        "s3",
        "test_s3_service",
        (
            (
                "new-buckets",
                "A new bucket is encrypted with SSE-S3, blocks public access and has ACLs disabled.",
                DEFAULTS,
                "test_a_new_bucket_is_encrypted_private_and_without_acls test_a_bucket_without_acls_refuses_them",
            ),
            (
                "default-encryption",
                "Encryption settings read back as they were put, bucket key and blocked types too; wrong ones are "
                "refused; deleting resets them; objects follow them.",
                ENCRYPTION,
                "test_objects_are_encrypted_by_the_bucket_default "
                "test_an_encryption_setting_reads_back_as_it_was_put test_wrong_encryption_settings_are_refused "
                "test_deleting_the_encryption_setting_resets_it test_an_unknown_bucket_is_an_error",
            ),
            (
                "list-buckets",
                "ListBuckets filters by Region and prefix and comes in pages.",
                "S3 API Reference, ListBuckets",
                "test_buckets_are_listed_by_region_prefix_and_page",
            ),
            (
                "owners",
                "Buckets of other accounts are reached as their owners', under the bucket's policy; "
                "ExpectedBucketOwner "
                "is checked.",
                OWNERS,
                "test_objects_of_another_account_are_reached_as_their_owners test_the_expected_owner_is_checked "
                "test_the_resource_policy_of_objects_is_the_buckets",
            ),
        ),
    ),
    *behaviours(
        "s3control",
        "test_s3_batch_service",
        (
            (
                "batch-re-encryption",
                "A job of S3 Batch Operations re-encrypts what its filter takes, by its own role; a client token makes "
                "one job.",
                "S3 User Guide, Performing object operations in bulk with Batch Operations",
                "test_a_job_encrypts_what_its_filter_takes_by_its_role "
                "test_a_job_whose_role_may_not_fails_and_says_why test_a_client_token_makes_one_job "
                "test_other_jobs_and_other_accounts_jobs_are_refused",
            ),
        ),
    ),
    *behaviours(
        "kms",
        "test_kms_service",
        (
            (
                "aws-managed-keys",
                "aws/<service> keys are managed by AWS and admit their service alone.",
                MANAGED,
                "test_the_default_key_of_a_service_is_managed_by_aws_however_it_is_named "
                "test_the_policy_of_an_aws_managed_key_admits_only_its_service",
            ),
            (
                "key-names",
                "A key is found by id, ARN and alias; another account's or Region's by its ARN alone.",
                "KMS Developer Guide, Key identifiers (KeyId)",
                "test_a_customer_key_is_found_by_id_arn_and_alias test_an_unknown_key_is_not_found "
                "test_a_key_of_another_account_or_region_is_reached_by_its_arn_alone",
            ),
            (
                "key-states",
                "Deletion waits for its window and can be cancelled; a key that is not enabled cannot be used.",
                STATES,
                "test_a_key_is_deleted_when_its_window_ends test_a_cancelled_deletion_leaves_the_key_disabled "
                "test_a_key_that_is_not_enabled_cannot_be_used "
                "test_a_key_is_enabled_again_by_arn_and_takes_a_policy",
            ),
        ),
    ),
    *behaviours(
        "dynamodb",
        "test_dynamodb_service",
        (
            (
                "partiql-insert",
                "A PartiQL INSERT on an existing key is refused with DuplicateItemException.",
                "DynamoDB Developer Guide, PartiQL insert statements for DynamoDB",
                "test_an_insert_on_an_existing_key_is_refused_and_changes_nothing",
            ),
            (
                "partiql-update",
                "A PartiQL UPDATE changes an existing item under its condition; it makes none.",
                "DynamoDB Developer Guide, PartiQL update statements for DynamoDB",
                "test_an_update_changes_an_item_under_its_condition_and_makes_none",
            ),
            (
                "transactions",
                "A transaction writes all or nothing and names the reason of each item; it has 100 items, each once.",
                TRANSACTIONS,
                "test_a_transaction_writes_all_or_nothing_and_says_why test_a_transaction_names_each_item_once "
                "test_a_transaction_of_statements_is_one_too",
            ),
            (
                "partiql-refusals",
                "Statements that are malformed or not simulated are refused.",
                PARTIQL,
                "test_statements_that_are_malformed_or_not_simulated_are_refused",
            ),
        ),
    ),
    *behaviours(
        "ec2",
        "test_ec2_service",
        (
            (
                "interface-groups",
                "A network interface has the groups that it was given last; its instance has the primary one's.",
                "EC2 API Reference, ModifyNetworkInterfaceAttribute",
                "test_an_interface_has_the_groups_that_it_was_given_last_and_its_instance_too",
            ),
            (
                "security-group-rules",
                "Every rule has an id of its own and is returned by the call that made it; duplicates and wrong "
                "permissions add nothing.",
                GROUPS,
                "test_every_new_rule_is_returned_as_describe_shows_it "
                "test_a_duplicate_is_refused_and_nothing_added test_wrong_permissions_are_refused "
                "test_egress_has_rules_of_its_own test_describe_security_groups_shows_what_was_authorized "
                "test_rules_are_found_by_tag_and_come_in_pages test_a_dry_run_changes_nothing",
            ),
            (
                "sixty-rules",
                "A direction has sixty rules per address family; a prefix list counts as its maximum.",
                "VPC User Guide, Amazon VPC quotas",
                "test_a_direction_has_sixty_rules_per_address_family test_a_prefix_list_counts_as_its_maximum",
            ),
            (
                "revocation",
                "Rules are revoked one by one; what matches no rule is refused, in the default VPC only reported.",
                REVOKE,
                "test_rules_are_revoked_one_by_one_by_id "
                "test_what_matches_no_rule_is_refused_and_nothing_revoked "
                "test_in_the_default_vpc_what_matches_no_rule_is_only_reported",
            ),
            (
                "prefix-lists",
                "Entries of prefix lists come by version and in pages; a list does not grow past its maximum.",
                PREFIX_LISTS,
                "test_entries_of_a_prefix_list_come_by_version_and_in_pages test_lists_of_aws_and_unknown_lists "
                "test_a_prefix_list_does_not_grow_past_its_maximum",
            ),
            (
                "flow-logs",
                "A client token makes one flow log; a log that is there already is told of in an answer that is no "
                "error.",
                "EC2 API Reference, CreateFlowLogs",
                "test_a_client_token_makes_one_flow_log "
                "test_a_flow_log_that_is_there_already_is_told_of_in_an_answer_that_is_no_error",
            ),
            (
                "metadata-options",
                "Options of the instance metadata service that a change does not name stay as they are.",
                "EC2 API Reference, ModifyInstanceMetadataOptions",
                "test_options_of_the_metadata_service_that_are_not_named_stay",
            ),
            (
                "ebs-default-key",
                "The key of EBS encryption is AWS's own, by its alias, until another is chosen and after a reset.",
                "EC2 API Reference, GetEbsDefaultKmsKeyId",
                "test_the_key_of_ebs_is_aws_s_own_until_another_is_chosen_and_again_after_a_reset",
            ),
        ),
    ),
)

DIFFERENCES = (
    *differences(
        "s3",
        (
            "public-access-block",
            "Public access blocks are kept and read; BlockPublicPolicy and BlockPublicAcls do not refuse a policy or "
            "ACL.",
            "A control that relies on AWS refusing a public policy is not shown that refusal.",
        ),
        (
            "policy-status",
            "GetBucketPolicyStatus is moto's: a statement for everybody under any condition at all is not public.",
            "AWS weighs which conditions narrow; a policy that it calls public for a broad one is not shown.",
        ),
        (
            "moto",
            "Versioning, lifecycle, logging, replication and notifications are moto's, unchecked.",
            "See the list of services that moto answers.",
        ),
    ),
    *differences(
        "s3control",
        (
            "batch",
            "S3 Batch Operations knows re-encryption in place by UpdateObjectEncryption alone; access points are not "
            "simulated.",
            "Other jobs are refused with 501.",
        ),
    ),
    *differences(
        "kms",
        (
            "cryptography",
            "Encryption is moto's; key material, multi-Region keys and custom key stores are not followed.",
            "Permissions and states are shown, ciphertexts are not AWS's.",
        ),
    ),
    *differences(
        "dynamodb",
        (
            "partiql-select",
            "PartiQL SELECT and DELETE are refused.",
            "The ledger is read by Query.",
        ),
        (
            "capacity",
            "Tables have no capacity: nothing is throttled unless a fault does it; expired items stay; reads are "
            "always "
            "consistent.",
            "Inject ProvisionedThroughputExceeded-like errors by a throttle.",
        ),
    ),
    *differences(
        "ec2",
        (
            "networks",
            "No packet flows. Everything but security group rules, prefix lists, flow logs, metadata options and EBS's "
            "key is moto's.",
            "Reachability, instance states' timing and flow log contents cannot be shown.",
        ),
    ),
)
