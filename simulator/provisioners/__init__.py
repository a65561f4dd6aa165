"""What the `aws` provider does for each resource type of the program: one provisioner per type."""
