"""The AWS emulator for tests: the one of the local stack."""

from meghdoot_cli.emulator import emulator, free_port

__all__ = ["emulator", "free_port"]
