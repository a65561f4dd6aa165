"""The hub's customer managed key, its tables (policies, working state, ledger), and the bucket of large entries."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.estate import Estate
from components.hub_policies import key_policy, ledger_statements
from components.private_bucket import PrivateBucket

ROTATION_DAYS = 365
RECOVERY_DAYS = 35


class HubKey(pulumi.ComponentResource):
    """The hub's key in one Region; members may decrypt code with it, through S3 only."""

    def __init__(self, name: str, estate: Estate, region: str, *, recorder: bool, opts: pulumi.ResourceOptions) -> None:
        super().__init__("palisade:index:HubKey", name, None, opts)
        self.key = aws.kms.Key(
            name,
            description=f"Palisade: tables, messages and code in {region}",
            policy=key_policy(estate, region, recorder=recorder),
            enable_key_rotation=True,
            rotation_period_in_days=ROTATION_DAYS,
            deletion_window_in_days=30,
            region=region,
            tags=dict(estate.tags),
            opts=pulumi.ResourceOptions(parent=self, protect=True),
        )
        aws.kms.Alias(
            name,
            name=estate.names.key_alias,
            target_key_id=self.key.key_id,
            region=region,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = self.key.arn
        self.register_outputs({})


class LedgerBucket(pulumi.ComponentResource):
    """Entries of the ledger that no item holds: nobody writes over one, and nobody deletes one."""

    def __init__(self, name: str, estate: Estate, *, key: pulumi.Input[str], opts: pulumi.ResourceOptions) -> None:
        super().__init__("palisade:index:LedgerBucket", name, None, opts)
        private = PrivateBucket(
            name,
            estate,
            estate.home_region,
            bucket=estate.ledger_bucket,
            key=key,
            statements=ledger_statements(estate),
            evidence=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.ready = private.ready
        self.register_outputs({})


class HubTables(pulumi.ComponentResource):
    """Account policies, working state, and the append-only ledger.

    On demand, with point-in-time recovery, the hub's key and deletion protection. They are
    protected in the state too: an accidental destroy must not take the ledger along.
    """

    def __init__(self, name: str, estate: Estate, *, key: pulumi.Input[str], opts: pulumi.ResourceOptions) -> None:
        super().__init__("palisade:index:HubTables", name, None, opts)
        self._estate, self._key = estate, key
        names = estate.names
        self.policies = self._table(f"{name}-policies", names.policies_table, "environment", "account")
        # What the sweep has to take up, by when it is due (lambdas/remediation/case.py).
        self.state = self._table(
            f"{name}-state", names.state_table, "key", expires="expires", index=("by-due", "shard", "due:N")
        )
        self.ledger = self._table(
            f"{name}-ledger", names.ledger_table, "remediation", "entry", index=("by-account", "account", "at")
        )
        self.register_outputs({})

    def _table(
        self,
        name: str,
        physical: str,
        hash_key: str,
        range_key: str | None = None,
        *,
        expires: str | None = None,
        index: tuple[str, str, str] | None = None,  # name and keys; a number is `key:N`
    ) -> aws.dynamodb.Table:
        keys = [one for one in (hash_key, range_key, *(index[1:] if index else ())) if one]
        return aws.dynamodb.Table(
            name,
            name=physical,
            billing_mode="PAY_PER_REQUEST",
            hash_key=hash_key,
            range_key=range_key,
            attributes=[{"name": one.partition(":")[0], "type": one.partition(":")[2] or "S"} for one in keys],
            global_secondary_indexes=[
                {
                    "name": index[0],
                    "hash_key": index[1],
                    "range_key": index[2].partition(":")[0],
                    "projection_type": "ALL",
                }
            ]
            if index
            else None,
            ttl={"attribute_name": expires, "enabled": True} if expires else None,
            point_in_time_recovery={"enabled": True, "recovery_period_in_days": RECOVERY_DAYS},
            server_side_encryption={"enabled": True, "kms_key_arn": self._key},
            deletion_protection_enabled=True,
            region=self._estate.home_region,
            tags=dict(self._estate.tags),
            opts=pulumi.ResourceOptions(parent=self, protect=True),
        )
