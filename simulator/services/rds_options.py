"""What can be ordered: engines, versions and instance classes, and whether their storage can be encrypted.

Source: RDS API reference, DescribeOrderableDBInstanceOptions; RDS User Guide, "Encrypting Amazon RDS resources".
"""

from __future__ import annotations

from typing import Any

from moto.backends import get_backend

from simulator.call import Call
from simulator.services import rds_engines as engines
from simulator.services.rds_identifiers import invalid, paged

STORAGE = ("gp2", "gp3", "io1")
LEGACY = ("db.m1.", "db.m2.", "db.t2.")


class Options:
    """The operation that lists what can be ordered."""

    def describe_orderable_db_instance_options(self, call: Call) -> dict[str, Any]:
        """List the classes of an engine, in pages; the version is whichever is asked for, else the default one."""
        given = call.parameters
        engine = given["Engine"]
        known = engines.ENGINES.get(engine)
        if known is None:
            raise invalid(f"Invalid DB engine: {engine}")
        network = get_backend("ec2")[call.account][call.region]
        zones = [{"Name": zone.name} for zone in network.describe_availability_zones()]
        licenses = [one for one in known.licenses or (known.license,) if given.get("LicenseModel") in (None, one)]
        found = [
            {
                "Engine": engine,
                "EngineVersion": given.get("EngineVersion") or known.version,
                "DBInstanceClass": name,
                "LicenseModel": license_model,
                "AvailabilityZones": zones,
                "MultiAZCapable": True,
                "ReadReplicaCapable": True,
                "Vpc": True,
                "SupportsStorageEncryption": engines.supports_encryption(engine, name),
                "StorageType": storage,
                "SupportsIops": storage != "gp2",
                "SupportsStorageThroughput": storage == "gp3",
                "SupportsEnhancedMonitoring": not name.startswith("db.m1.small"),
                "SupportsIAMDatabaseAuthentication": known.iam,
                "SupportsPerformanceInsights": not name.startswith(LEGACY),
                "SupportsStorageAutoscaling": True,
                "SupportedNetworkTypes": ["IPV4", "DUAL"],
                "key": f"{name} {license_model} {storage}",
            }
            for name in engines.CLASSES
            if given.get("DBInstanceClass") in (None, name)
            and (known.graviton or not name.startswith(engines.GRAVITON))
            for license_model in licenses
            for storage in STORAGE
        ]
        answer = paged(call, "OrderableDBInstanceOptions", sorted(found, key=lambda one: str(one["key"])), "key")
        for option in answer["OrderableDBInstanceOptions"]:
            del option["key"]
        return answer
