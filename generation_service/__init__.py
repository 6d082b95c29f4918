"""Writes the answer to a question from its passages.

reads   `chat.retrieved`, the model behind the endpoint
writes  `chat.answered`, the frames `started`, `delta`, `cited` and `closed`
owns    nothing
"""
