"""How far behind: sampler -> evaluate (pure) -> queries -> views."""
