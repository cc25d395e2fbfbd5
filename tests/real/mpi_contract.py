"""Run by mpirun: rank 0 tests the contract of backends, the other ranks evaluate for it."""

import sys

import pytest

from fsopt.run.remote import mpi

if __name__ == "__main__":
    with mpi.team() as leads:
        if leads:
            file = "tests/contract/test_backends.py"
            sys.exit(pytest.main(["-q", "-x", "-p", "no:cacheprovider", file]))
