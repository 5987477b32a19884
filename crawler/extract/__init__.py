"""Page to article: what a page says of itself, its time, its body, and the worker processes that read it."""
