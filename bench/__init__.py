"""Figures as ratios within one run: what the product does beside the raw limit of the same work."""
