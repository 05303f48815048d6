"""Meghdoot, the cloud messenger: segments, campaigns, consent and the money they made, in your own AWS account."""
