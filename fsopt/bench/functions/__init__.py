"""Problems to compare optimizers on.

Groups:

``paper``
    The nine functions of DeepHyper's paper, for which recorded runs of peers are at hand.
``transformed``
    Continuous problems that are turned, moved, or hidden among many parameters.
``mixed``
    Categories, integers, orders, logarithms, conditions and constraints.
``noisy``
    Values with noise.
``failing``
    A part of the configurations fails.
``models``
    Real models on scikit-learn's bundled data.
"""

from __future__ import annotations

from collections.abc import Mapping

from fsopt.bench.functions.base import Problem
from fsopt.bench.functions.disturbed import FAILING, NOISY
from fsopt.bench.functions.mixed import MIXED
from fsopt.bench.functions.models import MODELS
from fsopt.bench.functions.paper import PAPER
from fsopt.bench.functions.transformed import TRANSFORMED
from fsopt.errors import EvaluationError

_ALL = (*PAPER, *TRANSFORMED, *MIXED, *NOISY, *FAILING, *MODELS)

PROBLEMS: Mapping[str, Problem] = {problem.name: problem for problem in _ALL}
"""All problems by name."""

GROUPS = tuple(dict.fromkeys(problem.group for problem in _ALL))
"""The groups, in order."""

__all__ = ["GROUPS", "PROBLEMS", "Problem", "select"]


def select(words: str) -> list[Problem]:
    """The problems that groups and names stand for.

    Args:
        words: Separated by commas; ``"all"`` stands for all.

    Raises:
        EvaluationError: If a word is neither a group nor a name.
    """
    chosen: dict[str, Problem] = {}
    for word in words.split(","):
        found = [p for p in _ALL if word in (p.name, p.group, "all")]
        if not found:
            raise EvaluationError(
                f"there is no problem or group {word!r}; groups are {', '.join(GROUPS)}, "
                f"problems {', '.join(PROBLEMS)}"
            )
        chosen |= {problem.name: problem for problem in found}
    return list(chosen.values())
