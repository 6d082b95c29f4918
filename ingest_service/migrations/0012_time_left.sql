-- How long the embedding of a version goes on from its latest progress, as the worker sees it: it knows what else goes
-- on, and what the model allows (ADR 0038). Null while nobody can say.
ALTER TABLE document_versions ADD COLUMN seconds_left real;
