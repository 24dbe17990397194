"""What every service is made of: technical only, no business word, imports no service."""
