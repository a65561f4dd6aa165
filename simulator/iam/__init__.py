"""IAM as AWS evaluates it: who may do what, decided from every policy that applies."""
