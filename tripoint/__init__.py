"""Tripoint watches the news for a topic and tells people, once and with the evidence."""
