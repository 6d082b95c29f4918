"""The one door for clients: sockets for chat, and forwarding to the other APIs.

Reads: answer logs and their pub/sub channels.
Writes: `chat.asked`, and the close frame of a cancelled answer.
Owns: nothing durable; the sockets.
"""
