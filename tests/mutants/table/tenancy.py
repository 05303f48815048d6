"""Breakages of the walls between tenants: keys, lists, cursors, answers kept, receipts."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

KEYS = "meghdoot.adapters.dynamodb.keys"
ENDPOINT = "meghdoot.http.endpoint"
RECEIPTS = "meghdoot.areas.messaging.receipts"

TENANCY = (
    Mutant("tenancy", "identities of all tenants in one place", KEYS,
        'return f"{tenant}#ID#{kind}#{key}"', 'return f"ID#{kind}#{key}"',
        "an address that one tenant knows is taken for another's customer"),
    Mutant("tenancy", "customers of all tenants in one place", KEYS,
        'return f"{tenant}#C#{customer_id}"', 'return f"C#{customer_id}"',
        "a customer's id opens the profile of whoever owns it"),
    Mutant("tenancy", "suppressions of all tenants in one place", KEYS,
        'return f"{tenant}#X#{address_key}"', 'return f"#X#{address_key}"',
        "who left one shop has left all"),
    Mutant("tenancy", "lists of all tenants in one", KEYS,
        'return f"{tenant}#{kind}"', 'return f"{kind}"',
        "a list shows what others made"),
    Mutant("tenancy", "tenants apart by no mark", KEYS,
        'return f"{tenant}#IDEM#{key}"', 'return f"{tenant}{key}"',
        "t1 with the key 0x meets t10 with the key x"),
    Mutant("tenancy", "answers kept for everybody", ENDPOINT,
        "            principal.tenant,\n            key,", '            "",\n            key,',
        "a tenant's Idempotency-Key gets another's answer"),
    Mutant("tenancy", "cursors that open everywhere", ENDPOINT,
        "cursors=Cursors(self.keyring, principal.tenant,", 'cursors=Cursors(self.keyring, "",',
        "a place in one tenant's list opens another's"),
    Mutant("tenancy", "the tenant is whoever the caller says", ENDPOINT,
        "principal = _principal(request.authorizer)",
        'principal = _principal({**request.authorizer, **{"tenant": request.headers.get("x-tenant", request.authorizer.get("tenant"))}})',
        "a header chooses whose data is read"),
    Mutant("tenancy", "the first principal stays", ENDPOINT,
        "        return self.principal.tenant", '        return self.path.get("tenant", None) or "acme"',
        "everybody reads one tenant's data"),
    Mutant("tenancy", "made-up tags fall back to the sender", RECEIPTS,
        "if not identity or fact.tenant is not None:", "if not identity:",
        "a notification that names one tenant closes an address of another"),
    Mutant("tenancy", "a stranger's word about a customer", RECEIPTS,
        "customer_id=None if row is None or row.customer_id.startswith(NOBODY) else row.customer_id,",
        "customer_id=fact.customer_id,",
        "tags that prove nothing close a customer's gate"),
    Mutant("tenancy", "counted for nobody", "meghdoot.areas.analytics.counting",
        "key = CounterKey(change.tenant, change.run_id, change.day, stream, shard)",
        'key = CounterKey("", change.run_id, change.day, stream, shard)',
        "the figures of all tenants stand in one counter"),
)  # fmt: skip
