"""Servers that play a vendor's part over the vendor's own protocol."""
