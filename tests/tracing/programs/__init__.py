"""Programs that never heard of the console: run as processes of their own."""
