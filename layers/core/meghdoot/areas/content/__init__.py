"""Content: templates that cannot escape or hang, links, and what a person is shown."""
