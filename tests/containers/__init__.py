"""What is held about the containers: the compose file by `pytest`, the whole by `python -m tests.containers`."""
