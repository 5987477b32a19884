"""Settings, wiring, command line: the one room that sees all others."""
