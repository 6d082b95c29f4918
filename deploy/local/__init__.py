"""The embedded run: everything Eloquent needs as processes of this machine, started and kept by one command.

Reads:  the user's environment and `.env`.
Writes: the folder `.local` (or `LOCAL_DIR`): data of the servers, uploaded files, generated passwords.
Owns:   the ports from `PORT` on, and every process it started.
"""
