"""Searching the past: what was asked, the engine that works through its windows, and what it tells at the end."""
