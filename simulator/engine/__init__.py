"""The stand-in `aws` provider: what the real Pulumi engine talks to in place of the plugin."""
