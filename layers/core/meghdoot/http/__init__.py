"""The edge: requests are read, checked and answered here, once for every route of the table in `routes`."""
