"""Search in the payloads of events: words, an index of them behind the tap, the newest matches."""
