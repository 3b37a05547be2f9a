"""The console with two views more, to measure its own beside; only the bench mounts them."""
