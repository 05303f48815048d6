"""`meghdoot dev`: the local stack for developing against, empty but for one tenant with an admin key."""

from __future__ import annotations

from meghdoot_cli.admin import create_tenant
from meghdoot_cli.demo import say, serve
from meghdoot_cli.stack import local_stack


def run(port: int) -> int:
    """Serve until Ctrl-C."""
    with local_stack(port) as stack:
        say(f"API key of tenant `dev` (shown once): {create_tenant('dev', 'Development', 'Nowhere 1')}")
        serve(stack)
    return 0
