"""One small file per function: the only place where ports meet adapters."""
