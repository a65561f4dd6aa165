"""How long RDS takes for what it does, in seconds of the organisation's time.

AWS publishes no figures; these are of the order that users see with small databases, and the same at every run.
"""

from __future__ import annotations

CREATING = 300.0
RESTORING = 600.0
BACKING_UP = 120.0  # the first backup of a new instance that keeps backups
NOTICING = 30.0  # an instance stays `available` for so long after a change that is applied immediately was asked for
MODIFYING = 180.0
CONFIGURING = 60.0  # monitoring, log exports, IAM authentication, the master user's password
UPGRADING = 600.0
MOVING = 600.0  # to the subnets of another group
RENAMING = 60.0
REBOOTING = 60.0
STOPPING = 300.0
STARTING = 420.0
DELETING = 180.0
OPTIMIZING = 3600.0  # storage, after it was changed; the instance is in use meanwhile
JOINING = 30.0  # security groups and roles
SNAPSHOT, SNAPSHOT_GIB = 180.0, 1.0  # in all, and for each GiB of allocated storage
COPY, COPY_GIB = 240.0, 2.0
UNATTENDED_DAYS = 7  # RDS User Guide, "Stopping an Amazon RDS DB instance temporarily"
