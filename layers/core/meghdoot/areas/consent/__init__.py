"""Consent: the versioned ledger, the contact gate and suppression."""
