"""The topology, learned from what was seen: who publishes what, who consumes it, how it stands."""
