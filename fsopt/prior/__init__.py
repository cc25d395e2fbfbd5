"""What earlier studies teach about a new one: densities in which good configurations are likely.

Pure functions on configurations and arrays; `fsopt.transfer` reads and records them.
"""

from __future__ import annotations

from fsopt.prior.declaration import GaussianMixturePrior
from fsopt.prior.mixture import Mixture
from fsopt.prior.source import EarlierStudy, learn

__all__ = ["EarlierStudy", "GaussianMixturePrior", "Mixture", "learn"]
