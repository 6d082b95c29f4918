"""One trace a chat: a collector of our own, and what its spans are held to; `make traces` does it with 200 chats."""
