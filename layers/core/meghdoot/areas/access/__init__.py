"""Access: API keys, roles, and the audit log of what was done with them."""
