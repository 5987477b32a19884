"""Which event an article belongs to; no input or output."""
