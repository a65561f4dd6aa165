"""What runs in AWS. Knows boto3, never Pulumi."""
