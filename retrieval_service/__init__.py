"""Finds the passages that can answer a question.

reads   `chat.opened`, the view `searchable_chunks_v1`, the function `readable_collections_v1`, `knowledge_versions`,
        the vector store
writes  `chat.retrieved`, the frame `passages`
owns    its caches in Redis, `cache:…`
"""
