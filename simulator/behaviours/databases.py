"""RDS: instances and snapshots whose states take time."""

from __future__ import annotations

from simulator.behaviours.model import behaviours, differences

CREATE = "RDS API Reference, CreateDBInstance"
RESTORE = "RDS API Reference, RestoreDBInstanceFromDBSnapshot"
MODIFY = "RDS User Guide, Modifying an Amazon RDS DB instance"
STATUS = "RDS User Guide, Viewing Amazon RDS DB instance status"
STOP = "RDS User Guide, Stopping an Amazon RDS DB instance temporarily"
COPY = "RDS User Guide, Copying a DB snapshot"
KEYS = "RDS User Guide, AWS KMS key management"
ENCRYPTION = "RDS User Guide, Encrypting Amazon RDS resources"

INSTANCES = (
    (
        "creation-takes-time",
        "A new instance is creating, backed up, perhaps configured, and then available; it has its endpoint when it is "
        "made.",
        STATUS,
        "test_a_new_instance_takes_its_time_and_has_its_endpoint_when_it_is_made "
        "test_moto_still_has_instances_at_once_under_one_resource_id",
    ),
    (
        "attributes",
        "Every setting of a creation is described under DescribeDBInstances' own name and in its shape.",
        CREATE,
        "test_attributes_are_shown_as_they_were_asked_for_in_the_shapes_of_describe",
    ),
    (
        "defaults",
        "What a creation leaves open gets AWS's defaults: gp3 with its baseline, default groups, certificate, Extended "
        "Support, windows in the night.",
        CREATE,
        "test_what_is_not_said_gets_the_defaults_of_aws",
    ),
    (
        "identifiers",
        "Identifiers have at most 63 characters and no two hyphens in a row, are stored in lower case and taken once, "
        "a pending new name too.",
        CREATE,
        "test_names_that_are_not_valid_are_refused "
        "test_a_name_of_63_characters_is_valid_and_taken_once_whatever_its_case "
        "test_rds_changes::test_a_new_name_is_checked_like_a_first_one",
    ),
    (
        "refusals",
        "Settings that do not fit each other, the engine, the class or the account are refused, and nothing is made.",
        CREATE,
        "test_what_does_not_fit_is_refused_and_nothing_made "
        "test_a_public_instance_needs_an_internet_gateway",
    ),
    (
        "gp3",
        "gp3 storage has its baseline; below the size from which it is striped a request may name no IOPS and no "
        "throughput.",
        "RDS User Guide, Amazon RDS DB instance storage",
        "test_gp3_storage_has_a_baseline_and_more_from_the_size_where_it_is_striped "
        "test_what_does_not_fit_is_refused_and_nothing_made",
    ),
    (
        "engines",
        "Every engine of RDS has its port, licence, version, default groups, log types and features of roles.",
        CREATE,
        "test_every_engine_has_instances_that_are_copied_and_restored",
    ),
    (
        "pages",
        "Instances come in pages of 20 to 100 by a marker, and by filters.",
        "RDS API Reference, DescribeDBInstances",
        "test_instances_come_in_pages_and_by_filters",
    ),
    (
        "quotas",
        "Quotas on instances, storage, snapshots and copies under way refuse, and are shown with what is used.",
        "RDS API Reference, DescribeAccountAttributes",
        "test_an_account_has_quotas_and_shows_what_is_used "
        "test_rds_snapshots::test_twenty_copies_are_made_at_a_time_and_a_hundred_snapshots_kept",
    ),
    (
        "seven-days",
        "A stopped instance says when AWS starts it, seven days on, and is started then, with RDS-EVENT-0154.",
        STOP,
        "test_a_stopped_instance_is_started_by_aws_after_seven_days "
        "test_an_instance_that_was_started_and_stopped_again_has_seven_days_of_its_own",
    ),
    (
        "states-refuse",
        "An instance that is not available refuses changes, snapshots, roles, reboots and stops; tags it takes.",
        STATUS,
        "test_an_instance_that_is_not_available_refuses_until_it_is test_what_a_stopped_instance_allows",
    ),
    (
        "replicas",
        "Sources and replicas name each other, through renames too; neither can be stopped, and an unencrypted source "
        "has no encrypted replica.",
        "RDS User Guide, Working with DB instance read replicas",
        "test_replicas_are_told_of_and_neither_they_nor_their_sources_stop",
    ),
    (
        "deletion",
        "Deletion protection refuses; else a last snapshot is taken unless that is skipped.",
        "RDS API Reference, DeleteDBInstance",
        "test_a_protected_instance_is_not_deleted_and_another_goes_after_its_last_snapshot",
    ),
    (
        "members-of-clusters",
        "An instance of an Aurora cluster shows the cluster and its encryption, sse-rds where no key was named.",
        ENCRYPTION,
        "test_an_instance_of_a_cluster_shows_it_and_takes_its_encryption",
    ),
    (
        "orderable-classes",
        "What can be ordered says which classes and engines have no encryption at rest.",
        ENCRYPTION,
        "test_what_can_be_ordered_says_whether_its_storage_can_be_encrypted "
        "test_graviton_is_not_for_every_engine_and_what_can_be_ordered_comes_in_pages",
    ),
)  # fmt: skip

CHANGES = (
    (
        "pending-values",
        "A change that is applied immediately is pending while the instance still says that it is available; then it "
        "is modifying.",
        MODIFY,
        "test_a_change_that_is_applied_immediately_is_pending_while_the_instance_still_says_available",
    ),
    (
        "maintenance-window",
        "Without ApplyImmediately changes that interrupt wait for the maintenance window; with it all that waits is "
        "applied.",
        "RDS User Guide, Schedule modifications setting",
        "test_other_changes_wait_for_the_maintenance_window "
        "test_applying_immediately_applies_what_waits_too",
    ),
    (
        "at-once",
        "What interrupts nothing counts with the answer, whatever ApplyImmediately says.",
        MODIFY,
        "test_what_interrupts_nothing_counts_at_once",
    ),
    (
        "change-states",
        "Each kind of change shows in its state, which AWS Config sees.",
        STATUS,
        "test_each_kind_of_change_has_its_state "
        "test_monitoring_is_configured_in_a_state_of_its_own_and_ended_with_its_role "
        "test_performance_insights_keep_their_key_and_retention test_an_instance_leaves_and_joins_a_domain",
    ),
    (
        "managed-passwords",
        "A master password that RDS manages is a secret, made with the caller's permissions to create and tag secrets "
        "and to use its key, and deleted with its management or its instance.",
        "RDS User Guide, Password management with Amazon RDS and AWS Secrets Manager",
        "test_a_password_that_rds_manages_is_a_secret_and_not_set_by_hand "
        "test_rds_access::test_a_managed_password_needs_permissions_for_the_secret_and_its_key",
    ),
    (
        "renaming",
        "A rename reboots, takes time, moves ARN and endpoint, keeps the resource id and frees the old name.",
        "RDS User Guide, Renaming a DB instance",
        "test_a_rename_reboots_takes_time_and_frees_the_old_name "
        "test_a_rename_without_applying_immediately_waits",
    ),
    (
        "groups",
        "Security groups are swapped while the instance is in use; a parameter group takes effect with a reboot.",
        MODIFY,
        "test_security_groups_are_swapped_while_the_instance_is_available "
        "test_another_parameter_group_takes_effect_with_a_reboot",
    ),
    (
        "storage",
        "Storage grows by a tenth at least, never shrinks, and is optimized for an hour, during which it takes no "
        "change.",
        "RDS User Guide, Working with storage for Amazon RDS DB instances",
        "test_storage_grows_by_a_tenth_at_least_and_is_optimized_for_an_hour "
        "test_a_storage_type_brings_its_own_iops_and_throughput "
        "test_autoscaling_of_storage_ends_where_its_limit_is_the_storage",
    ),
    (
        "roles-and-tags",
        "A role serves one feature of the engine and becomes active; tags are set, listed and removed.",
        "RDS API Reference, AddRoleToDBInstance",
        "test_a_role_serves_one_feature_and_becomes_active "
        "test_tags_are_set_listed_and_removed_on_instances_and_on_what_moto_keeps",
    ),
    (
        "connections",
        "DatabaseConnections is measured every minute under the name of the time; groups that let nobody in keep "
        "clients out from the next reboot on, and a stopped instance has no data points.",
        "RDS User Guide, Amazon CloudWatch metrics for Amazon RDS",
        "test_connections_end_by_a_reboot_behind_a_group_that_lets_nobody_in "
        "test_metrics_follow_the_name_and_a_stopped_instance_has_none",
    ),
)  # fmt: skip

SNAPSHOTS = (
    (
        "snapshots-take-time",
        "A snapshot is creating and tells how far it is; its instance is backing up meanwhile.",
        "RDS API Reference, CreateDBSnapshot",
        "test_a_snapshot_takes_time_tells_how_far_it_is_and_backs_the_instance_up_meanwhile "
        "test_names_of_snapshots_are_checked_and_taken_once "
        "test_snapshots_are_found_by_instance_and_stay_without_it",
    ),
    (
        "snapshot-tags",
        "A snapshot has the instance's tags where CopyTagsToSnapshot says so, and a copy has them where CopyTags does.",
        "RDS User Guide, Tagging Amazon RDS resources",
        "test_a_snapshot_has_the_instances_tags_where_they_are_to_be_copied "
        "test_a_copy_has_no_tags_and_no_encryption_that_were_not_asked_for",
    ),
    (
        "encrypted-copies",
        "A copy with a key is encrypted, takes time and is of use only once it is available; it fails where its key is "
        "disabled meanwhile.",
        COPY,
        "test_a_copy_with_a_key_is_encrypted_and_takes_time test_a_copy_fails_whose_key_is_disabled_meanwhile "
        "test_sql_server_express_has_no_encryption",
    ),
    (
        "keys",
        "A key that is missing, not enabled, asymmetric, of another Region or denied to the caller is "
        "KMSKeyNotAccessibleFault; the caller needs to describe it and to grant, by way of RDS.",
        KEYS,
        "test_a_key_that_cannot_be_used_is_refused "
        "test_a_key_that_was_disabled_meanwhile_stops_a_restore_and_a_start "
        "test_rds_access::test_an_encrypted_copy_needs_the_callers_permission_to_describe_the_key_and_to_grant "
        "test_rds_access::test_a_key_policy_that_is_silent_refuses_the_caller",
    ),
    (
        "sharing",
        "A snapshot is copied and restored by accounts that it is shared with.",
        "RDS User Guide, Sharing a DB snapshot for Amazon RDS",
        "test_a_snapshot_is_shared_and_restored_by_another_account",
    ),
    (
        "silent-defaults",
        "A restored instance is Single-AZ, has the default groups, no deletion protection, no IAM authentication, no "
        "monitoring, no log exports, gp3 unless IOPS are named, windows of its own, Extended Support, and the source's "
        "tags where none are given.",
        RESTORE,
        "test_a_restored_instance_has_the_silent_defaults_of_aws test_what_is_passed_to_a_restore_counts "
        "test_the_same_restore_has_the_same_windows_zone_and_id_in_every_run "
        "test_moto_still_copies_and_restores_at_once_and_keeps_what_aws_drops",
    ),
    (
        "restore-refusals",
        "A restore that does not fit its snapshot is refused; an option group with permanent options stays.",
        RESTORE,
        "test_a_restore_that_does_not_fit_is_refused test_an_option_group_with_permanent_options_stays",
    ),
)  # fmt: skip

ACCESS = (
    (
        "permissions",
        "Calls are authorised on every instance, snapshot and group that they name, lists on all of them, with the "
        "tags of instances and snapshots; roles are passed.",
        "Service Authorization Reference, Actions, resources, and condition keys for Amazon RDS",
        "test_a_restore_is_authorised_on_the_instance_the_snapshot_and_the_groups "
        "test_lists_are_authorised_on_all_instances_and_snapshots_of_the_region "
        "test_tags_of_databases_are_seen_by_policies "
        "test_a_role_is_handed_to_an_instance_by_who_may_pass_it",
    ),
    (
        "events",
        "RDS tells EventBridge and DescribeEvents of creations, reboots, stops, starts, snapshots and restores.",
        "RDS User Guide, Amazon RDS event categories and event messages",
        "test_events_of_databases_reach_event_bridge",
    ),
)  # fmt: skip

BEHAVIOURS = (
    *behaviours("rds", "test_rds_service", INSTANCES),
    *behaviours("rds", "test_rds_changes", CHANGES),
    *behaviours("rds", "test_rds_snapshots", SNAPSHOTS),
    *behaviours("rds", "test_rds_access", ACCESS),
)

DIFFERENCES = differences(
    "rds",
    (
        "durations",
        "AWS publishes no durations: those here are constants (`simulator/services/rds_durations.py`), minutes for "
        "small databases.",
        "Large databases take hours, and a first full snapshot longer than later ones.",
    ),
    (
        "data",
        "There is no database: nothing is written or lost, and no engine runs. Connections are as many as a test says "
        "(`RdsService.connections.feed`), let in by any rule for the port.",
        "What applications lose between snapshot and restore is not shown.",
    ),
    (
        "undocumented-defaults",
        "Where no page says what a restore does with a setting (DedicatedLogVolume, AutoMinorVersionUpgrade, subnet "
        "group), it is not carried over but set as by a creation; ProcessorFeatures stay with the same class.",
        "Pass every setting; AWS may carry some over by itself.",
    ),
    (
        "backups",
        "There are no automated backups: no automated snapshots, no LatestRestorableTime, no restore to a time.",
        "Their operations answer 501.",
    ),
    (
        "clusters",
        "Clusters are moto's: available at once, and they do not list the instances that are made in them.",
        "Look for a cluster's members among the instances.",
    ),
    (
        "moto",
        "Subnet groups, parameter groups, options, subscriptions, proxies and global databases are moto's, unchecked: "
        "a group that is in use can be deleted. The tagging API sees no instances and snapshots.",
        "See the operations that we answer.",
    ),
    (
        "secrets",
        "A master user's secret is not rotated, and moto does not show that RDS owns it; a directory is joined whether "
        "or not it is there; grants on keys are not retired with the instance, which runs on when its key is disabled.",
        "Rotation and what follows the loss of a key are not shown.",
    ),
    (
        "condition-keys",
        "Of RDS's own condition keys none is in a request; aws:ResourceTag and aws:RequestTag are.",
        "Statements on rds:DatabaseEngine or rds:StorageEncrypted deny here.",
    ),
)  # fmt: skip
