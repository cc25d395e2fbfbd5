"""Comparing optimizers on several objectives: `fsopt bench multiobjective`.

`problems` has what is minimised, `entrants` who can be compared, `contest` does the runs and
keeps them, `scores` says how they compare.
"""
