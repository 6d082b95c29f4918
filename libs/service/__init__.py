"""The frame every process hangs in: an ASGI app with probes, metrics, problems, and a graceful stop."""
