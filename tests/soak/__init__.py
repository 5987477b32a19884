"""A month of the service in minutes: its own rooms by a clock that is handed to them, against outlets that misbehave."""
