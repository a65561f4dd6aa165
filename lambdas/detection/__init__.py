"""Detection in a member account: judge resources, answer AWS Config, import findings."""
