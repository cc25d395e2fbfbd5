"""A picture of recorded curves that a stopper has stopped, paused and promoted.

``python -m fsopt.bench.stopping.figures docs/images/stopping.png`` draws the documentation's.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from fsopt.bench.stopping.replay import replay
from fsopt.bench.stopping.rivals import OwnJudge
from fsopt.bench.stopping.tables import load
from fsopt.errors import MissingExtraError
from fsopt.stop import SuccessiveHalving
from fsopt.streams import stream

_TRIALS, _WORKERS, _SEED = 60, 8, 1


def draw(path: Path, task: str) -> None:
    """Draw what successive halving with pauses makes of some of a task's curves.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("figures need matplotlib; pip install 'fsopt[plot]'") from error
    table = load()[task]
    order = stream(_SEED, f"order of {task}").permutation(len(table.losses))[:_TRIALS]
    losses = table.losses[order]
    last = losses.shape[1]
    stopper = SuccessiveHalving(max_steps=last, pause=True)
    steps = replay(losses, OwnJudge(stopper, _SEED), _WORKERS, _SEED).steps
    figure = Figure(figsize=(7.0, 3.8), layout="constrained")
    axes = figure.add_subplot()
    kinds = (
        ("stopped after 1 step", steps == 1, "0.75"),
        ("promoted, then stopped", (steps > 1) & (steps < last), "tab:blue"),
        ("promoted to the end", steps == last, "tab:red"),
    )
    for label, chosen, color in kinds:
        named = f"{label} ({np.count_nonzero(chosen)})"
        for curve, count in zip(losses[chosen], steps[chosen].tolist(), strict=True):
            axes.plot(np.arange(1, count + 1), curve[:count], color=color, lw=1.2)
            axes.plot(count, curve[count - 1], ".", color=color, ms=6)
        axes.plot([], [], ".-", color=color, label=named)
    axes.set(xscale="log", yscale="log", xlabel="epoch", ylabel="validation error")
    rungs = [3**i for i in range(5) if 3**i <= last]
    axes.set_xticks(rungs, [str(rung) for rung in rungs])
    axes.minorticks_off()
    saved = 1 - steps.sum() / (last * len(steps))
    axes.set_title(f"{_TRIALS} trials of {task}: {saved:.0%} of the steps saved", fontsize=10)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), "mlp-digits")
