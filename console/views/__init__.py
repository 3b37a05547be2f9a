"""The console's own pages: overview, log in, audit, settings."""
