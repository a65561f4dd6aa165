"""The resource types that are recorded, by name and by the service whose calls can change them.

A new type is one more entry in the module of its services.
"""

from __future__ import annotations

from simulator.services import config_types_compute, config_types_ec2, config_types_storage
from simulator.services.config_snapshots import RecordedType

TYPES: dict[str, RecordedType] = {
    kind.type: kind
    for module in (config_types_ec2, config_types_storage, config_types_compute)
    for kind in module.TYPES
}

BY_SERVICE: dict[str, tuple[RecordedType, ...]] = {
    service: tuple(kind for kind in TYPES.values() if kind.service == service)
    for service in {kind.service for kind in TYPES.values()}
}
