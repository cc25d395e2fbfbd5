"""Clusters of ten to ten thousand workers in virtual time.

The processes are the real ones: worker loop, dispatcher, session, log, claims, snapshots.
Simulated are time, the file server, evaluations, and what happens to processes.
"""
