"""What died, and mending it: intake -> group -> revision -> replay -> verify."""
