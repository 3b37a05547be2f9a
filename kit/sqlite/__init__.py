"""Django's SQLite engine with a fair gate before each write (docs/adr/0001-databases.md)."""
