"""The answer log's Lua scripts."""
