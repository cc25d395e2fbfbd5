"""Comparing ways to make ensembles: `fsopt bench ensembles`.

`tasks` has the data, `library` fits many models to a split of it, `ways` makes one prediction of
theirs, `peers` does so with other packages, `results` keeps how good each is, `tables` says what
that means.
"""
