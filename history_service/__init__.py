"""Writes every turn down, decides which one is next in its session, and lets people read their sessions.

Reads:  `chat.asked`, `chat.answered`
Writes: `chat.opened`, the `opened` and `ended` frames of answer logs
Owns:   users, chat_sessions, chat_messages in PostgreSQL
"""
