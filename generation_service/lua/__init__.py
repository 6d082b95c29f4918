"""Scripts of generation."""
