"""Services with a flaw each, which the suite must notice: `python -m tests.fault.mutants <flaw> <service> …`."""
