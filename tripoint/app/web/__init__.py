"""The page, its feeds and its API: what the archive holds, shown by the running service to whoever may see it."""
