"""Where the house meets the world: one folder a channel or service, and memory twins for tests."""
