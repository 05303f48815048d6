"""Tenants: a vendor's walled account, its settings and the identities it may send from."""
