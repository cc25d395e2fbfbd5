"""Evaluations on other nodes, by MPI, Ray or Dask."""
