"""A client of the HTTP API: `suelo.Client`."""
