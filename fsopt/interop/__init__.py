"""Spaces, optimizers and results for, and from, other packages; each module names its own."""
