"""PostgreSQL: a pool and migrations."""
