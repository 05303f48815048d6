"""Request and answer models, one module a resource, with the mission's field names."""
