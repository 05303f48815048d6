"""Problem details, the endpoint wrapper, schemas, paging and idempotency keys."""
