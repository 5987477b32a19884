"""Searching the past: dates, providers, the ledger, and the whole of it on loopback."""
