"""Processes: evaluating trials, and the loop that keeps a worker busy."""
