"""Alerts under faults: servers that come and go, slow answers and kills; every arrival is counted."""
