"""Where documents' bytes lie."""
