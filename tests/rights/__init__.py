"""Who may read what: everything that shows a document, against a plain model, over thousands of random steps."""
