"""Where the bytes of documents are kept: a folder or S3, of one shape and under one suite, `tests/contract/blobs`.

A blob's key is the hex SHA-256 of its bytes. It is written once and never changed, so writing it again is no work.
Clients may send a file straight to the store with a signed form; it waits there until somebody has looked at it.
"""
