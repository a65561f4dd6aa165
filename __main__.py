"""The program: the settings of this stack, and the layers that it deploys."""

import gc
from pathlib import Path

import pulumi

from components import archive
from lambdas.controls import catalog
from stacks import hub, identity, member, organization
from stacks.settings import read
from stacks.standing import standing_accounts

ROOT = Path(__file__).resolve().parent

# What a stack registers stays until its end. At Python's own thresholds the collector looks through all of it
# again and again and finds nothing: half of the time of a stack with thousands of resources.
gc.set_threshold(100_000, 50, 100)

settings = read(catalog())
identity.keep(settings)
# Before the first resource: the state must not be written while it is read.
standing = standing_accounts() if "members" in settings.layers else frozenset()
built = archive.build(ROOT, ROOT / "build" / "archive")
below = organization.deploy(settings) if "organization" in settings.layers else None
if "hub" in settings.layers:
    below = hub.deploy(settings, built, below)
if "members" in settings.layers:
    pulumi.export("accounts", [target.account for target in member.deploy(settings, built, below, standing)])
