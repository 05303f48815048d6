"""The `meghdoot` command: the local stack, the demo, and what ops do from a terminal."""
