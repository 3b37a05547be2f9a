"""Mappings of foreign streams: kept, tried on the last messages, proposed from them."""
