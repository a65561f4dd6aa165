"""The local organisation: an AWS organisation in one process, without account, container or outside network."""
