"""The restore drill: a backup brought back into a database of its own, and held to what the first one held."""
