"""What happened: receivers -> envelope -> store -> queries -> cascade -> views."""
