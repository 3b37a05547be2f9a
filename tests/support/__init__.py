"""Real servers for tests: a private Redis, a private PostgreSQL."""
