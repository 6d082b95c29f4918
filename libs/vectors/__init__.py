"""Where vectors are stored and searched."""
