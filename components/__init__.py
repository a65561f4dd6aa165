"""How one concern is built: Pulumi components. They know Pulumi and the catalog, never boto3."""
