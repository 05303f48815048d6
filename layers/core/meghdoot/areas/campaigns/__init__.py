"""Campaigns: what a vendor plans, approves, launches, pauses and reads the result of."""
