"""Customers: profiles, identities and the events that customers make."""
