"""How messages get in by HTTP; the tap is in console/tap.py."""
