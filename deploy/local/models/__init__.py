"""The local model endpoint: OpenAI's API in front of small models that run here.

Reads: a text, or a prompt with passages, over HTTP.
Writes: embeddings by all-MiniLM-L6-v2; answers by a GGUF file, or by quoting the passages.
Owns: nothing durable.
"""
