"""What a broker can do, and how each does it; knows no Django model."""
