"""PostgreSQL: a pool that recovers by itself, errors in our three families, numbered migrations."""
