"""Comparing stoppers: recorded learning curves, replayed in virtual time.

`record` trains models and keeps their curves, which are shipped; `replay` runs a study of some of
them with any stopper; `rivals` are those of fsopt and of other packages; `scores` tells how many
steps each has spent, and what it has found.
"""
