"""Bytes and files: who may write what where, and how it is read back. Knows no optimization."""
