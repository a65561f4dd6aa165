"""The `palisade` command for people."""
