"""Models behind OpenAI's API."""
