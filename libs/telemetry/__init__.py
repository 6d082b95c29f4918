"""What a process says about itself: logs, metrics, traces. Never user text, never a secret, no ids in labels."""
