"""What is no longer kept: walks through the tables, oldest first, in small transactions."""
