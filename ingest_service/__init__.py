"""Takes documents in and makes them searchable; reads `ingest.uploaded`; owns documents, versions and chunks."""
