"""What strangers try: the whole list is in docs/guarantees.md."""
