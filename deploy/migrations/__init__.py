"""What migrations may do while the services run, and which of them can no longer change (ADR 33)."""
