"""The services that the local organisation brings itself."""
