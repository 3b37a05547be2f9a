"""Geometry of server-drawn SVG; pure. Attributes only, so that it passes a strict CSP."""
