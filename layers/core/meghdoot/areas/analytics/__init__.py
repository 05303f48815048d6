"""Analytics: the read side. Counts, accounting, attribution and reports."""
