"""Train many classifiers a little and the good ones to their end, whatever interrupts it.

    fsopt run examples/early_stopping.py --study runs/early --trials 20 --workers 2

Press Ctrl-C in the middle, or kill it, and run the same line again: every trial goes on from the
checkpoint of its last epoch.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

import fsopt

EPOCHS = 27

config = fsopt.StudyConfig(
    space=fsopt.Space(
        fsopt.Float("rate", 1e-6, 1.0, log=True),
        fsopt.Float("l2", 1e-7, 1e-1, log=True),
        fsopt.Categorical("loss", ["log_loss", "modified_huber", "hinge"]),
        fsopt.Int("batch", 32, 512, log=True),
    ),
    objectives={"accuracy": "maximize"},
    # At the epochs 1, 3 and 9 a third of the trials goes on; the others wait for their chance.
    stopper=fsopt.SuccessiveHalving(max_steps=EPOCHS, pause=True),
)

X, y = load_digits(return_X_y=True)
X_train, X_valid, y_train, y_valid = train_test_split(X / 16, y, random_state=0, stratify=y)


def save(model: SGDClassifier, path: Path) -> None:
    """Write a new file and rename it: a kill in the middle leaves the one before."""
    new = path.with_suffix(".new.npz")
    np.savez(new, coef=model.coef_, intercept=model.intercept_, t=model.t_)
    new.replace(path)


def restore(model: SGDClassifier, path: Path) -> None:
    with np.load(path) as kept:
        model.coef_, model.intercept_ = kept["coef"], kept["intercept"]
        model.t_ = float(kept["t"])


def objective(trial: fsopt.Trial) -> float | None:
    model = SGDClassifier(
        loss=trial["loss"], alpha=trial["l2"], learning_rate="constant", eta0=trial["rate"]
    )
    checkpoint = trial.checkpoint_dir / "model.npz"
    if checkpoint.exists():
        restore(model, checkpoint)
    for epoch in trial.steps(EPOCHS):
        order = np.random.default_rng([trial.number, epoch]).permutation(len(X_train))
        for rows in np.array_split(order, len(order) // trial["batch"]):
            model.partial_fit(X_train[rows], y_train[rows], classes=range(10))
        save(model, checkpoint)
        trial.report(model.score(X_valid, y_valid), epoch)
        if trial.should_stop():
            return None
    return float(model.score(X_valid, y_valid))
