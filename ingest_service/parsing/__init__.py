"""From the bytes of a stranger's file to text with places, in a process that may die of it (see ADR 0012)."""
