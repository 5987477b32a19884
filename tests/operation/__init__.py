"""What keeps the service running for months: its health, its figures, its files."""
