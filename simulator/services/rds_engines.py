"""What RDS knows of database engines and instance classes.

Source: RDS API reference, CreateDBInstance (ports, licences, log types); RDS User Guide, "Encrypting Amazon RDS
resources" (limitations), "Amazon RDS DB instance storage" (gp3), "IAM database authentication", "Working with
parameter groups", "Working with option groups", "Using Amazon RDS Extended Support".
"""

from __future__ import annotations

from dataclasses import dataclass

GENERAL, POSTGRES = "general-public-license", "postgresql-license"
INCLUDED, OWN = "license-included", "bring-your-own-license"
EXTENDED = "open-source-rds-extended-support"
EXTENSIONS = (EXTENDED, f"{EXTENDED}-disabled")
CERTIFICATES = ("rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1")
STORAGE_TYPES = ("standard", "gp2", "gp3", "io1", "io2")
PROVISIONED = ("io1", "io2")
# RDS User Guide, "Encrypting Amazon RDS resources": classes without encryption at rest; SQL Server Express has none.
UNENCRYPTED_CLASSES = ("db.m1.", "db.m2.", "db.t2.micro")
UNENCRYPTED_ENGINES = ("sqlserver-ex",)
SIZES = ("large", "xlarge", "2xlarge", "4xlarge")
BURSTABLE = ("micro", "small", "medium", "large", "xlarge", "2xlarge")
FAMILIES = {
    "db.m1": ("small", "medium", "large", "xlarge"), "db.m2": ("xlarge", "2xlarge", "4xlarge"), "db.t2": BURSTABLE,
    "db.t3": BURSTABLE, "db.t4g": BURSTABLE, "db.m4": SIZES, "db.m5": SIZES, "db.m6g": SIZES, "db.m6i": SIZES,
    "db.m7g": SIZES, "db.m7i": SIZES, "db.r4": SIZES, "db.r5": SIZES, "db.r6g": SIZES, "db.r6i": SIZES,
    "db.r7g": SIZES, "db.r7i": SIZES,
}  # fmt: skip
CLASSES = tuple(f"{family}.{size}" for family, sizes in FAMILIES.items() for size in sizes)
GRAVITON = ("db.t4g.", "db.m6g.", "db.m7g.", "db.r6g.", "db.r7g.")


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine: its defaults and what it can do. `depth` is how many parts of the version name its family."""

    port: int
    version: str
    license: str
    depth: int = 1
    iam: bool = False
    extended: bool = False
    graviton: bool = False
    features: tuple[str, ...] = ()  # of roles
    logs: tuple[str, ...] = ()
    licenses: tuple[str, ...] = ()


MYSQL_LOGS = ("audit", "error", "general", "slowquery", "iam-db-auth-error")
ORACLE_LOGS = ("alert", "audit", "listener", "trace", "oemagent")
POSTGRES_LOGS = ("postgresql", "upgrade", "iam-db-auth-error")
MYSQL = Engine(3306, "8.0.43", GENERAL, 2, iam=True, extended=True, graviton=True, logs=MYSQL_LOGS)
POSTGRESQL = Engine(
    5432, "17.6", POSTGRES, iam=True, extended=True, graviton=True, features=("s3Import", "s3Export", "Lambda"),
    logs=POSTGRES_LOGS,
)  # fmt: skip
ORACLE = Engine(
    1521, "19.0.0.0.ru-2025-10.rur-2025-10.r1", OWN, features=("S3_INTEGRATION",), logs=ORACLE_LOGS,
    licenses=(OWN, INCLUDED),
)  # fmt: skip
SQL_SERVER = Engine(
    1433, "16.00.4215.2.v1", INCLUDED, 2, features=("S3_INTEGRATION",), logs=("agent", "error"),
    licenses=(INCLUDED, "bring-your-own-media"),
)  # fmt: skip
DB2 = Engine(
    50000, "11.5.9.0.sb00070008.r1", OWN, 2, features=("S3_INTEGRATION",),
    logs=("diag.log", "notify.log", "iam-db-auth-error"), licenses=(OWN, "marketplace-license"),
)  # fmt: skip
ENGINES: dict[str, Engine] = {
    "mysql": MYSQL,
    "mariadb": Engine(3306, "11.4.8", GENERAL, 2, iam=True, graviton=True, logs=MYSQL_LOGS),
    "postgres": POSTGRESQL,
    **{f"oracle-{edition}": ORACLE for edition in ("ee", "ee-cdb", "se2", "se2-cdb")},
    **{f"sqlserver-{edition}": SQL_SERVER for edition in ("ee", "se", "ex", "web")},
    **{f"db2-{edition}": DB2 for edition in ("ae", "ce", "se")},
    "aurora-mysql": Engine(3306, "8.0.mysql_aurora.3.10.1", GENERAL, 2, iam=True, graviton=True, logs=MYSQL_LOGS),
    "aurora-postgresql": Engine(5432, "17.5", POSTGRES, iam=True, graviton=True, logs=POSTGRES_LOGS),
    **{f"custom-oracle-{edition}": ORACLE for edition in ("ee", "ee-cdb", "se2", "se2-cdb")},
    **{f"custom-sqlserver-{edition}": SQL_SERVER for edition in ("ee", "se", "web", "dev")},
}


def custom(engine: str) -> bool:
    """Whether an engine is of RDS Custom, which many operations do not apply to."""
    return engine.startswith("custom-")


def supports_encryption(engine: str, instance_class: str) -> bool:
    """Whether storage can be encrypted with an engine on an instance class."""
    return engine not in UNENCRYPTED_ENGINES and not instance_class.startswith(UNENCRYPTED_CLASSES)


def family(engine: str, version: str) -> str:
    """The parameter group family of a version: `postgres17`, `mysql8.0`, `oracle-ee-19`, `sqlserver-ee-16.0`."""
    parts = version.split(".")[: ENGINES[engine].depth]
    if engine.startswith("sqlserver"):
        parts[1:] = ["0"]
    dashed = engine.startswith(("oracle", "sqlserver", "db2", "custom"))
    return f"{engine}{'-' if dashed else ''}{'.'.join(parts)}"


def parameter_group(engine: str, version: str) -> str:
    """The default parameter group of a version."""
    return f"default.{family(engine, version)}"


def option_group(engine: str, version: str) -> str:
    """The default option group of a version: `default:mysql-8-0`."""
    return f"default:{engine}-{major(engine, version).replace('.', '-')}"


def major(engine: str, version: str) -> str:
    """The major version that option groups are for: `17`, `8.0`, `16.00`."""
    return ".".join(version.split(".")[: ENGINES[engine].depth])


def striped_from(engine: str) -> int:
    """The size in GiB from which gp3 storage is striped, and its IOPS and throughput can be chosen."""
    if engine.startswith("sqlserver"):
        return 20
    return 200 if engine.startswith("oracle") else 400


def baseline(engine: str, allocated: int) -> tuple[int, int]:
    """IOPS and throughput (MiBps) that gp3 storage of a size has without asking."""
    striped = allocated >= striped_from(engine) and not engine.startswith("sqlserver")
    return (12000, 500) if striped else (3000, 125)
