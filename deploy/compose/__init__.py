"""Containers: what `docker-compose.yml` at the root includes.

Reads:  the settings classes and the metrics of every service.
Writes: `settings.yml` and the dashboard beside this file, by `make docs`; passwords, when asked for.
Owns:   those files.
"""
