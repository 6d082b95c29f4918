"""Scripts of the gateway."""
