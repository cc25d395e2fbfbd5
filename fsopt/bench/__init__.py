"""Measuring fsopt beside others: `fsopt bench`.

`storage` holds the measurements of what a trial costs and how fast a study opens. Each measurement
is a function that yields rows of a table, each system that is compared a class in `systems`; every
single measurement runs in fresh processes (`processes`, `child`). `optimizers` compares optimizers
on the problems in `functions`, `stopping` stoppers on recorded learning curves.
"""
