"""What can be ordered, and whether its storage can be encrypted; option groups, which moto makes for old versions only.

Source: RDS API reference, DescribeOrderableDBInstanceOptions; RDS User Guide, "Encrypting Amazon RDS resources".
"""

from __future__ import annotations

from typing import Any

from moto.backends import get_backend

from simulator.call import Call
from simulator.services import rds_engines as engines
from simulator.services import rds_places as places
from simulator.services.rds_identifiers import invalid, paged

STORAGE = ("gp2", "gp3", "io1")
LEGACY = ("db.m1.", "db.m2.", "db.t2.")


class Options:
    """The operations on what can be ordered, and the making of option groups."""

    def create_option_group(self, call: Call) -> dict[str, Any]:
        """Make an option group; its options are moto's to change."""
        made = places.new_option_group(call)
        return {
            "OptionGroup": {
                "OptionGroupName": made.name,
                "OptionGroupDescription": made.description,
                "EngineName": made.engine_name,
                "MajorEngineVersion": made.major_engine_version,
                "Options": [],
                "AllowsVpcAndNonVpcInstanceMemberships": True,
                "OptionGroupArn": made.arn,
            }
        }

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
