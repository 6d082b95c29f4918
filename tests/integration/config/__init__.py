"""Settings from where they are."""
