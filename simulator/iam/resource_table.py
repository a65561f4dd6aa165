"""Which parameter names the resource, where its name does not tell.

Reviewed by hand against botocore's service models; the expressions are JMESPath over a call's
parameters, the first that finds something counts. An empty tuple: the call never names it.
"""

from __future__ import annotations

from collections.abc import Mapping

# (service prefix, resource type, variable of its ARN form) -> expressions
PARAMETERS: Mapping[tuple[str, str, str], tuple[str, ...]] = {
    ("s3", "bucket", "BucketName"): ("Bucket",),
    ("s3", "object", "BucketName"): ("Bucket",),
    ("s3", "object", "ObjectName"): ("Key", "Delete.Objects[].Key"),
    ("lambda", "layerVersion", "LayerVersion"): ("VersionNumber",),
    ("lambda", "function alias", "Alias"): ("Qualifier", "Name"),
    ("lambda", "function version", "Version"): ("Qualifier",),
    ("lambda", "function", "FunctionName"): ("FunctionName",),
    ("dynamodb", "table", "TableName"): (
        "TableName", "TableArn", "ResourceArn", "SourceTableName", "TargetTableName",
        "TableCreationParameters.TableName", "GlobalTableName",
    ),
    ("dynamodb", "index", "TableName"): ("TableName",),
    ("dynamodb", "index", "IndexName"): ("IndexName",),
    ("securityhub", "automation-rule", "AutomationRuleId"): (
        "AutomationRulesArns", "UpdateAutomationRulesRequestItems[].RuleArn",
    ),
    ("securityhub", "configuration-policy", "ConfigurationPolicyId"): (
        "Identifier", "ConfigurationPolicyIdentifier", "ConfigurationPolicyAssociationIdentifiers[].Target.*",
    ),
    ("config", "AggregationAuthorization", "AggregatorAccount"): ("AuthorizedAccountId",),
    ("config", "AggregationAuthorization", "AggregatorRegion"): ("AuthorizedAwsRegion",),
    ("cloudtrail", "trail", "TrailName"): ("Name", "TrailName", "TrailARN", "ResourceId", "InsightSource"),
    ("cloudformation", "stackset", "StackSetName"): ("StackSetName",),
    ("cloudformation", "stack", "StackName"): ("StackName",),
    ("ec2", "security-group", "SecurityGroupId"): ("GroupId", "SecurityGroupIds", "SecurityGroupId", "Groups"),
    ("ec2", "security-group-rule", "SecurityGroupRuleId"): (
        "SecurityGroupRuleIds", "SecurityGroupRules[].SecurityGroupRuleId",
    ),
    ("ec2", "instance", "InstanceId"): ("InstanceId", "InstanceIds", "InstanceSpecification.InstanceId"),
    ("ec2", "snapshot", "SnapshotId"): ("SnapshotId", "SnapshotIds", "SourceSnapshotIds"),
    ("ec2", "vpc-endpoint-service", "VpcEndpointServiceId"): ("ServiceId", "ServiceIds"),
    ("ec2", "dedicated-host", "DedicatedHostId"): ("HostId", "HostIds"),
    ("ec2", "network-acl", "NaclId"): ("NetworkAclId",),
    ("ec2", "vpc-endpoint", "VpcEndpointId"): ("VpcEndpointId", "VpcEndpointIds"),
    ("ec2", "vpc-flow-log", "VpcFlowLogId"): ("FlowLogIds",),
    ("ec2", "natgateway", "NatGatewayId"): ("NatGatewayId",),
    ("ec2", "elastic-ip", "AllocationId"): ("AllocationId",),
    ("ec2", "key-pair", "KeyPairName"): ("KeyName",),
    ("ec2", "placement-group", "PlacementGroupName"): ("GroupName", "Placement.GroupName"),
    ("rds", "cluster", "DbClusterInstanceName"): ("DBClusterIdentifier", "SourceDBClusterIdentifier"),
    ("rds", "cluster-snapshot", "ClusterSnapshotName"): (
        "DBClusterSnapshotIdentifier", "SourceDBClusterSnapshotIdentifier", "SnapshotIdentifier",
    ),
    ("rds", "pg", "ParameterGroupName"): ("DBParameterGroupName",),
    ("rds", "cluster-pg", "ClusterParameterGroupName"): ("DBClusterParameterGroupName",),
    ("rds", "subgrp", "SubnetGroupName"): ("DBSubnetGroupName",),
    ("rds", "secgrp", "SecurityGroupName"): ("DBSecurityGroupName",),
    ("rds", "es", "SubscriptionName"): ("SubscriptionName",),
    ("elasticfilesystem", "file-system", "FileSystemId"): ("FileSystemId", "ResourceId"),
    ("ecr", "repository", "RepositoryName"): ("repositoryName", "repositoryNames", "resourceArn"),
    ("secretsmanager", "Secret", "SecretId"): ("SecretId", "Name"),
    ("ssm", "parameter", "ParameterNameWithoutLeadingSlash"): ("Name", "Names"),
    ("ssm", "automation-definition", "AutomationDefinitionName"): ("DocumentName",),
    ("ssm", "automation-definition", "VersionId"): ("DocumentVersion", "'$DEFAULT'"),
    ("autoscaling", "autoScalingGroup", "GroupFriendlyName"): ("AutoScalingGroupName", "AutoScalingGroupNames"),
    ("autoscaling", "autoScalingGroup", "GroupId"): ("'*'",),
    ("es", "domain", "DomainName"): ("DomainName", "ARN"),
    ("states", "statemachine", "StateMachineName"): ("stateMachineArn", "name"),
}  # fmt: skip

# Parameters of EC2 that hold ids of any type; what an id starts with tells the type.
MIXED_IDS = ("Resources", "ResourceIds", "ResourceId")
ID_PREFIXES: Mapping[str, str] = {
    "image": "ami-", "instance": "i-", "volume": "vol-", "snapshot": "snap-", "vpc": "vpc-", "subnet": "subnet-",
    "security-group": "sg-", "security-group-rule": "sgr-", "network-interface": "eni-", "network-acl": "acl-",
    "route-table": "rtb-", "internet-gateway": "igw-", "natgateway": "nat-", "elastic-ip": "eipalloc-",
    "vpc-endpoint": "vpce-", "vpc-flow-log": "fl-", "vpc-peering-connection": "pcx-", "dhcp-options": "dopt-",
    "launch-template": "lt-", "key-pair": "key-", "transit-gateway": "tgw-", "vpn-connection": "vpn-",
    "vpn-gateway": "vgw-", "customer-gateway": "cgw-", "transit-gateway-attachment": "tgw-attach-",
    "transit-gateway-route-table": "tgw-rtb-", "prefix-list": "pl-", "placement-group": "pg-",
}  # fmt: skip

# (action, resource type): the reference calls the type optional, and a listing is authorised on all of it. Source: the
# messages of RDS ("... not authorized to perform: rds:DescribeDBInstances on resource: arn:aws:rds:...:db:*").
LISTED: frozenset[tuple[str, str]] = frozenset(
    {("rds:DescribeDBInstances", "db"), ("rds:DescribeDBSnapshots", "snapshot")}
)
# (service, operation) -> the type of what is made, where the call names others of types that can be tagged, too.
MADE: Mapping[tuple[str, str], str] = {
    ("rds", "CreateDBInstance"): "db",
    ("rds", "CreateDBSnapshot"): "snapshot",
    ("rds", "RestoreDBInstanceFromDBSnapshot"): "db",
}

# (action, resource type): the reference calls the type required, but the call cannot name one; it
# is authorised as a star in its place.
UNNAMED: frozenset[tuple[str, str]] = frozenset(
    {
        ("iam:GetServiceLinkedRoleDeletionStatus", "role"),
        ("logs:GetLogRecord", "log-group"),
        ("logs:GetQueryResults", "log-group"),
        ("cloudwatch:ListAlarmMuteRules", "alarm-mute-rule"),
        ("securityhub:DisableSecurityHubFeatureV2", "hubv2"),
        # The sets below address a table's global replicas by the table's own name.
        ("dynamodb:UpdateGlobalTable", "table"),
        ("dynamodb:UpdateGlobalTableSettings", "table"),
        ("cloudformation:CreateStackInstances", "stackset"),
        ("cloudformation:UpdateStackInstances", "stackset"),
        ("cloudformation:DeleteStackInstances", "stackset"),
    }
)
