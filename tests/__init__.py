"""Tests mirror the code; `newsroom`, `house` and `mail` are the real parts that they share with demo and bench."""
