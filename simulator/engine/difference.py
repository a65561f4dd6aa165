"""What changes between a resource's old inputs and its new ones, as the engine wants to hear it."""

from __future__ import annotations

from collections.abc import Iterable

from pulumi.runtime.proto import provider_pb2 as messages

from simulator.engine.wire import unknown
from simulator.provisioners.comparison import differing
from simulator.provisioners.model import Inputs, Provisioner, UnservedPropertyError

Kind = messages.PropertyDiff


def difference(
    provisioner: Provisioner, old: Inputs, new: Inputs, ignored: Iterable[str] = ()
) -> messages.DiffResponse:
    """Compare inputs; raises UnservedPropertyError for a change that is known neither to update nor to replace.

    A value that is not known yet counts as a change. A resource whose name stays cannot stand
    beside its successor, so it goes first.
    """
    changed = sorted(differing(provisioner, old, new) - {one.split(".")[0].split("[")[0] for one in ignored})
    if strange := [name for name in changed if name not in provisioner.accepts]:
        raise UnservedPropertyError(
            f"{provisioner.token}: whether a change of {', '.join(strange)} updates or replaces is not known"
        )
    if not changed:
        return messages.DiffResponse(changes=messages.DiffResponse.DIFF_NONE, hasDetailedDiff=True)
    replaces = [name for name in changed if name in provisioner.replaces]
    return messages.DiffResponse(
        changes=messages.DiffResponse.DIFF_SOME,
        diffs=changed,
        replaces=replaces,
        deleteBeforeReplace=bool(replaces) and _name_stays(provisioner, new, changed),
        detailedDiff={name: _entry(name, old, new, name in replaces) for name in changed},
        hasDetailedDiff=True,
    )


def _name_stays(provisioner: Provisioner, new: Inputs, changed: list[str]) -> bool:
    names = [name for name in ("name", "bucket", "dashboardName", "statementId") if name in provisioner.replaces]
    return bool(names) and not any(name in changed or unknown(new.get(name)) for name in names)


def _entry(name: str, old: Inputs, new: Inputs, replaces: bool) -> messages.PropertyDiff:
    if name not in old:
        kind = Kind.ADD_REPLACE if replaces else Kind.ADD
    elif name not in new:
        kind = Kind.DELETE_REPLACE if replaces else Kind.DELETE
    else:
        kind = Kind.UPDATE_REPLACE if replaces else Kind.UPDATE
    return messages.PropertyDiff(kind=kind, inputDiff=True)
