"""Comparing optimizers: `fsopt bench optimizers`.

`simulation` runs a study in virtual time, `entrants` has who can be compared, `contest` does many
runs, `results` keeps them, `scores` and `figures` say what they mean. `suggestions` measures the
time of single proposals: `fsopt bench suggest`.
"""
