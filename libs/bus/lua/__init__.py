"""The bus's Lua scripts."""
