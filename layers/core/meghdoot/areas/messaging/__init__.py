"""Messaging: the only area that can send. Never twice, never lost, never after a no."""
