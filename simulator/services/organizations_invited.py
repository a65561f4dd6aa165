"""An account that joined by invitation, as moto's organization keeps accounts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from moto.organizations.models import FakeAccount, FakeOrganization, FakePolicy
from moto.organizations.utils import make_random_create_account_status_id

from simulator.world import Account


class InvitedAccount(FakeAccount):  # type: ignore[misc]  # moto has no types here
    """An account that was there before.

    moto's accounts make a new id and the role OrganizationAccountAccessRole for themselves. An invited
    account has its id, and no such role unless its owner makes one (user guide, "Creating
    OrganizationAccountAccessRole for an invited account").
    """

    def __init__(
        self, organization: FakeOrganization, account: Account, now: datetime, tags: Mapping[str, str]
    ) -> None:
        self.type = "ACCOUNT"
        self.region = organization.region
        self.organization_id = organization.id
        self.master_account_id = organization.master_account_id
        self.create_account_status_id = make_random_create_account_status_id()
        self.id, self.name, self.email = account.id, account.name, account.email
        self.create_time = now.astimezone(UTC).replace(tzinfo=None)  # moto's times have no time zone
        self.status = self.state = "ACTIVE"
        self.joined_method = "INVITED"
        self.parent_id = organization.root_id
        self.attached_policies: list[FakePolicy] = []
        self.tags = dict(tags)
