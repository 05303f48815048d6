"""Single messages: one person, one template, by the API. A run's people stand in chunks; these stand alone."""
