"""Ground floor: what every feature needs and what knows no feature."""
