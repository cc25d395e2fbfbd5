"""Several objectives at once: which points are best, how good a front is, and trade-offs.

All objectives are to be minimised, and all functions are pure.
"""
