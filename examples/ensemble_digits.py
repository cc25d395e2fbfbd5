"""An ensemble of classifiers of handwritten digits, and how sure it is.

    fsopt run examples/ensemble_digits.py --study runs/digits --trials 24 --workers 2

Each trial saves the probabilities that it predicts, so afterwards

    fsopt ensemble runs/digits
    python examples/ensemble_digits.py runs/digits

selects an ensemble, tells how it does on data that nobody has seen, and, if matplotlib is
installed, draws into calibration.png how often what it calls probable is true.
"""

import contextlib
import sys

import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import log_loss
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier

import fsopt
import fsopt.ensemble as ens
from fsopt import Categorical, Int, Space

space = Space(
    Categorical("model", ["network", "trees", "neighbours"]),
    Int("units", 8, 64, log=True),
    Int("size", 1, 20, log=True),
    conditions={"units": "model == 'network'", "size": "model != 'network'"},
)
config = fsopt.StudyConfig(space=space, objectives={"nll": "minimize"}, seed=0)

X, y = load_digits(return_X_y=True)
X_fit, X_valid, X_test = np.split(X / 16, [300, 700])
y_fit, y_valid, y_test = np.split(y, [300, 700])


def objective(trial: fsopt.Trial) -> float:
    if trial["model"] == "network":
        model = MLPClassifier((trial["units"],), random_state=0)
        for _ in range(60):
            model.partial_fit(X_fit, y_fit, classes=range(10))
    elif trial["model"] == "trees":
        model = ExtraTreesClassifier(50, min_samples_leaf=trial["size"], random_state=0)
        model.fit(X_fit, y_fit)
    else:
        model = KNeighborsClassifier(trial["size"]).fit(X_fit, y_fit)
    trial.save_predictions("valid", model.predict_proba(X_valid))
    trial.save_predictions("test", model.predict_proba(X_test))
    trial.save_predictions("truth", y_valid)
    return log_loss(y_valid, model.predict_proba(X_valid))


if __name__ == "__main__":
    study = fsopt.open_study(sys.argv[1])
    built = ens.latest(study, "valid") or ens.build(study, "valid", ens.truth(study))
    best = ens.predictions(study, "test").sources[built.single].load().array
    named = {"best trial": best, "ensemble": ens.combine(study, built, "test").prediction}
    for who, p in named.items():
        for loss in ens.losses_of("probabilities"):
            value = ens.loss_of(loss, y_test, ens.Prediction.of(p))
            print(f"{who}, on test data: {loss.name} {value:.4f}")
    with contextlib.suppress(ImportError):
        import matplotlib.pyplot as plt

        plt.figure(figsize=(5, 4), layout="constrained")
        plt.plot([0, 1], [0, 1], "k:")
        for who, p in named.items():
            is_true = y_test[:, None] == np.arange(10)
            often, probable = calibration_curve(is_true.ravel(), p.ravel(), n_bins=8)
            plt.plot(probable, often, "o-", label=who)
        plt.gca().set(xlabel="probability of a class", ylabel="how often it is the true one")
        plt.legend()
        plt.savefig("calibration.png", dpi=90)
