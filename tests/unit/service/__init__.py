"""The frame every process hangs in."""
