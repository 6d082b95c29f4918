"""Where vectors are stored and searched: ids and numbers, never texts (ADR 0010).

`PgVectorStore` and `PineconeStore` have one shape and pass one suite, `tests/contract/vectors`. A service declares the
part it uses in its own `ports.py`.
"""
