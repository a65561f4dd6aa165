"""Names that stacks and functions share: deterministic, so that neither reads the other's state.

Every name starts with the prefix of the settings. IAM roles are one per account; everything else
stands in a Region, most of it in the hub's home Region.
"""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_PREFIX = 16


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one deployment."""

    prefix: str

    # hub, home Region
    @property
    def findings_queue(self) -> str:
        """Queue of findings to remediate."""
        return f"{self.prefix}-findings"

    @property
    def findings_dead_letters(self) -> str:
        """Dead-letter queue of findings that could not be delivered or handled."""
        return f"{self.prefix}-findings-dlq"

    @property
    def remediate_function(self) -> str:
        """Function that remediates."""
        return f"{self.prefix}-remediate"

    @property
    def advance_function(self) -> str:
        """Function that makes one step of a long plan."""
        return f"{self.prefix}-advance"

    @property
    def advance_machine(self) -> str:
        """State machine that drives long plans, and the role that it runs as."""
        return f"{self.prefix}-advance"

    @property
    def approve_function(self) -> str:
        """Function behind the endpoint for people, and its role."""
        return f"{self.prefix}-approve"

    @property
    def sweep_function(self) -> str:
        """Function that takes up what is due, its role, and its schedule."""
        return f"{self.prefix}-sweep"

    @property
    def remediation_role(self) -> str:
        """The central remediation role: the only one that the writers admit."""
        return f"{self.prefix}-remediation"

    @property
    def policies_table(self) -> str:
        """Table of account policies, keyed by environment and account."""
        return f"{self.prefix}-policies"

    @property
    def state_table(self) -> str:
        """Table of locks, counters, holds and the emergency stop."""
        return f"{self.prefix}-state"

    @property
    def ledger_table(self) -> str:
        """Append-only table of what was done."""
        return f"{self.prefix}-ledger"

    @property
    def topic(self) -> str:
        """Topic of outcome messages."""
        return f"{self.prefix}-notifications"

    @property
    def key_alias(self) -> str:
        """Alias of the hub's customer managed key."""
        return f"alias/{self.prefix}"

    def code_bucket(self, hub_account: str, region: str) -> str:
        """Bucket of function code and settings of one Region."""
        return f"{self.prefix}-code-{hub_account}-{region}"

    def ledger_bucket(self, hub_account: str, region: str) -> str:
        """Bucket of the ledger's entries that are too large for its table, in the home Region."""
        return f"{self.prefix}-ledger-{hub_account}-{region}"

    def policy_role(self, environment: str) -> str:
        """Role in the hub that writes the policy items of one environment and nothing else."""
        return f"{self.prefix}-policies-{environment}"

    def findings_rule(self, number: int) -> str:
        """EventBridge rule of the hub; the catalog is split over several."""
        return f"{self.prefix}-findings-{number}"

    @property
    def actions_rule(self) -> str:
        """EventBridge rule of the hub on Security Hub's custom actions."""
        return f"{self.prefix}-actions"

    # member
    @property
    def detect_function(self) -> str:
        """Function that detects."""
        return f"{self.prefix}-detect"

    @property
    def detect_dead_letters(self) -> str:
        """Dead-letter queue of detection, one per account and Region."""
        return f"{self.prefix}-detect-dlq"

    @property
    def detect_role(self) -> str:
        """Execution role of the detect function."""
        return f"{self.prefix}-detect"

    @property
    def reader_role(self) -> str:
        """Role that the hub assumes to read a member's resources."""
        return f"{self.prefix}-reader"

    @property
    def writer_role(self) -> str:
        """Role that the central remediation role assumes to change a member's resources."""
        return f"{self.prefix}-writer"

    @property
    def boundary(self) -> str:
        """Permissions boundary of the writer role."""
        return f"{self.prefix}-boundary"

    @property
    def compliance_rule(self) -> str:
        """EventBridge rule on compliance changes."""
        return f"{self.prefix}-compliance"

    @property
    def reconcile_rule(self) -> str:
        """EventBridge schedule that finds what events missed."""
        return f"{self.prefix}-reconcile"

    def config_rule(self, slug: str) -> str:
        """AWS Config rule of a control."""
        return f"{self.prefix}-{slug}"

    def log_group(self, function: str) -> str:
        """Log group of a function."""
        return f"/aws/lambda/{function}"
