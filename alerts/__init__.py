"""Who hears what: policy, rendering, the courier that empties the outbox."""
