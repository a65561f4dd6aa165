"""The roles by which a stack enters an account: there, and admitting the pipeline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lambdas.answers import absent
from operations.account_access import Entered
from operations.doctor_model import Notes
from operations.stack_settings import Subject

TOPIC = "deployment role"


def look(notes: Notes, subject: Subject, entered: Entered | None) -> None:
    """Enter the deployment role; where it refuses us, look at it by the role that reads the account."""
    settings, account = subject.settings, notes.account
    names = [settings.deployment_role]
    if account == settings.hub_account and "hub" not in settings.layers:
        names = [settings.names.policy_role(settings.environment)]
        if account in {target.account for target in subject.targets}:
            names.append(settings.deployment_role)
    for name in names:
        refused = subject.access.try_role(subject.access.role_arn(account, name))
        if refused is None:
            notes.ok(TOPIC, f"{name} can be entered")
        elif entered is None:
            notes.unread(TOPIC, f"{name} cannot be entered by {subject.access.arn}: {refused}")
        else:
            with notes.reading(TOPIC):
                trust = _trust(entered.session(settings.home_region).client("iam"), name)
                judge(notes, name, trust, _pipelines(subject), brought=_brought(subject, name))


def judge(
    notes: Notes, name: str, trust: Mapping[str, Any] | None, pipelines: tuple[str, ...], *, brought: bool
) -> None:
    """Judge a role that did not admit us by its trust policy, None where it is not there.

    `brought`: a layer of this same stack brings it. `pipelines` are the roles that may deploy here, as far as the
    settings tell.
    """
    if trust is None and brought:
        notes.ok(TOPIC, f"{name} is not there yet; the organization layer brings it")
    elif trust is None:
        notes.blocks(
            TOPIC,
            f"{name} is not there",
            "deploy the security stack: it brings the role to every account of its environments; see that the "
            "account's unit is named there",
        )
    elif pipelines and not any(pipeline in json.dumps(trust) for pipeline in pipelines):
        notes.blocks(
            TOPIC,
            f"{name} is there, and does not admit {' or '.join(pipelines)}",
            "deploy the security stack with this pipelineRole, or run this stack by the pipeline that it names",
        )
    elif pipelines:
        notes.ok(TOPIC, f"{name} is there and names the pipeline {' or '.join(pipelines)}")
    else:
        notes.warns(
            TOPIC, f"{name} is there, and does not admit these credentials", "look again as the pipeline to be sure"
        )


def _trust(iam: Any, name: str) -> Mapping[str, Any] | None:
    with absent("NoSuchEntity"):
        found: Mapping[str, Any] = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        return found
    return None


def _pipelines(subject: Subject) -> tuple[str, ...]:
    """Who deploys here: the environment's own pipeline, else the security stack's."""
    settings = subject.settings
    own = settings.environments[settings.environment].pipeline_role if settings.environment else None
    found = {own} if own else {settings.pipeline_role, *(one.pipeline_role for one in settings.environments.values())}
    return tuple(sorted(one for one in found if one))


def _brought(subject: Subject, name: str) -> bool:
    settings = subject.settings
    return "organization" in settings.layers if name == settings.deployment_role else "hub" in settings.layers
