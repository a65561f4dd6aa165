"""What an encrypted copy of a DB instance does not take over, each with its reason: the rest of `rds_carried`'s tables.

Source: RDS API reference, RestoreDBInstanceFromDBSnapshot, ModifyDBInstance, DBInstance.
"""

from __future__ import annotations

from collections.abc import Mapping

from lambdas.services import rds_carried as carried

# What a plan sets itself.
OF_THE_PLAN = frozenset(
    {"ApplyImmediately", "DBInstanceIdentifier", "DBSnapshotIdentifier", "Tags", "VpcSecurityGroupIds"}
)
# What ModifyDBInstance does not have, or under another name.
RESTORED_ONLY = frozenset({"AvailabilityZone", "BackupTarget", "DBName", "EnableCloudwatchLogsExports", "Port"})
ELSEWHERE = "the restore carries it"
CUSTOM = "RDS Custom only, which is refused"
NOT_RESTORED: Mapping[str, str] = {
    "CustomIamInstanceProfile": CUSTOM,
    "DBClusterSnapshotIdentifier": "clusters are not judged here",
    "PreferredBackupWindow": "the modification sets it, together with the maintenance window",
    "TagSpecifications": "the tags of automated backups stay with the original's backups",
    "TdeCredentialArn": "an instance that has one is refused: its password cannot be read",
    "TdeCredentialPassword": "nobody can read it; an instance that needs it is refused",
    "UseDefaultProcessorFeatures": "ProcessorFeatures are carried where there are any",
}
NOT_MODIFIED: Mapping[str, str] = {
    **dict.fromkeys(set(carried.RESTORED) - RESTORED_ONLY, ELSEWHERE),
    "CloudwatchLogsExportConfiguration": ELSEWHERE,
    "DBPortNumber": ELSEWHERE,
    "AllowMajorVersionUpgrade": "the version comes with the snapshot",
    "AutomationMode": CUSTOM,
    "AwsBackupRecoveryPointArn": "AWS Backup sets it for its own recovery points",
    "CertificateRotationRestart": "the certificate is not rotated",
    "DBSecurityGroups": "groups of EC2-Classic, which is gone",
    "DisableDomain": "the domain is carried",
    "EngineVersion": "it comes with the snapshot",
    "MasterUserAuthenticationType": "DescribeDBInstances does not show it; roles come with the data",
    "MasterUserPassword": "it comes with the data",
    "MultiTenant": "it comes with the snapshot, and converting is for good",
    "NewDBInstanceIdentifier": "the renaming is a change of its own",
    "ReplicaMode": "replicas are refused",
    "ResumeFullAutomationModeMinutes": CUSTOM,
    "RotateMasterUserPassword": "nothing is rotated",
    "TagSpecifications": NOT_RESTORED["TagSpecifications"],
    "TdeCredentialArn": NOT_RESTORED["TdeCredentialArn"],
    "TdeCredentialPassword": NOT_RESTORED["TdeCredentialPassword"],
    "UseDefaultProcessorFeatures": NOT_RESTORED["UseDefaultProcessorFeatures"],
}
# What DescribeDBInstances shows differently of the restored instance, and why.
DIFFERENT: Mapping[str, str] = {
    "AvailabilityZone": "RDS chooses the zones of a Multi-AZ instance",
    "AwsBackupRecoveryPointArn": "recovery points are of the original",
    "CertificateDetails": "the certificate of the same authority is a new one, with a new end",
    "DBInstanceAutomatedBackupsReplications": "replication to another Region is begun there; the approval says so",
    "DbiResourceId": "the id of every instance is its own; the approval says so",
    "EnhancedMonitoringResourceArn": "the log stream is named after DbiResourceId",
    "InstanceCreateTime": "the copy was made later",
    "IsStorageConfigUpgradeAvailable": "restored storage has the current layout",
    "KmsKeyId": "this is what the plan is for",
    "LatestRestorableTime": "backups of the copy begin with it",
    "MasterUserSecret": "RDS makes a secret of its own for every instance; the approval says so",
    "PercentProgress": "restored storage is worked on for some time",
    "SecondaryAvailabilityZone": "RDS chooses the zones of a Multi-AZ instance",
    "StorageEncrypted": "this is what the plan is for",
    "StorageEncryptionType": "this is what the plan is for",
    "StorageOperationPercentProgress": "restored storage is worked on for some time",
    "StorageOperationStatus": "restored storage is worked on for some time",
    "StorageVolumeStatus": "restored storage is worked on for some time",
    "TagList": "tags of AWS's own are not ours to give, and the copy has one that names the original",
    "UpgradeRolloutOrder": "an upgrade rollout policy sets it",
}
# What is the same without being carried: it comes with the snapshot, the name, or another call of the plan.
WITH_THE_DATA = frozenset(
    {
        "AssociatedRoles",
        "CharacterSetName",
        "DBInstanceArn",
        "DBInstanceIdentifier",
        "DBInstanceStatus",
        "DBSecurityGroups",
        "DbInstancePort",
        "EngineVersion",
        "ListenerEndpoint",
        "MasterUsername",
        "MultiTenant",
        "NcharCharacterSetName",
        "PrimaryEndpoint",
        "Timezone",
        "VpcSecurityGroups",
    }
)
# What no instance has that the plan touches.
REFUSED: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "ActivityStreamEngineNativeAuditFieldsIncluded",
            "ActivityStreamKinesisStreamName",
            "ActivityStreamKmsKeyId",
            "ActivityStreamMode",
            "ActivityStreamPolicyStatus",
            "ActivityStreamStatus",
        ),
        "an instance whose activity stream is on is refused",
    ),
    **dict.fromkeys(
        ("AutomationMode", "CustomIamInstanceProfile", "DBSystemId", "ResumeFullAutomationModeTime"), CUSTOM
    ),
    **dict.fromkeys(
        (
            "ReadReplicaDBClusterIdentifiers",
            "ReadReplicaDBInstanceIdentifiers",
            "ReadReplicaSourceDBClusterIdentifier",
            "ReadReplicaSourceDBInstanceIdentifier",
            "ReplicaMode",
            "StatusInfos",
        ),
        "replicas and their sources are refused",
    ),
    **dict.fromkeys(("DBClusterIdentifier", "VPCNetworkingEnabled"), "instances of clusters are not judged here"),
    "AutomaticRestartTime": "only stopped instances have one",
    "PendingModifiedValues": "an instance with changes that wait is refused",
    "TdeCredentialArn": NOT_RESTORED["TdeCredentialArn"],
}
