#!/usr/bin/python3
"""As much of `valkey-cli` as a health check needs: one command, with the password of VALKEYCLI_AUTH."""

import os
import socket
import sys

with socket.create_connection(("127.0.0.1", 6379), timeout=3) as connection:
    connection.sendall(f"AUTH {os.environ['VALKEYCLI_AUTH']}\r\n{' '.join(sys.argv[1:])}\r\n".encode())
    replies = connection.makefile("rb")
    replies.readline()
    print(replies.readline().decode().strip().lstrip("+-"))
