"""The read-only JSON API: each operation is declared once, and its description is made from the declaration."""
