"""Events on Redis Streams: one live entry per question."""
