"""What an ensemble knows that it does not know: noise that differs, and a gap in the data.

    fsopt run examples/ensemble_regression.py --study runs/bands --trials 60 --workers 2

Each trial fits a network to the mean and the noise, and saves what it predicts, so

    fsopt ensemble runs/bands
    python examples/ensemble_regression.py runs/bands

selects an ensemble, prints its uncertainty in three places, and, if matplotlib is installed, draws
it into bands.png: aleatoric where the data are noisy, epistemic where there are none.
"""

import contextlib
import sys

import numpy as np

import fsopt
import fsopt.ensemble as ens
from fsopt import Float, Int, Space

space = Space(
    Int("units", 20, 200, log=True),
    Float("slope", 0.3, 3.0, log=True),
    Float("l2", 1e-4, 1.0, log=True),
    Float("l2_noise", 1.0, 100.0, log=True),
    Int("start", 0, 1000),
)
config = fsopt.StudyConfig(space=space, objectives={"nll": "minimize"}, seed=0)

random = np.random.default_rng(0)
x = random.permutation(np.concatenate([random.uniform(-4, -1, 200), random.uniform(1, 4, 200)]))
y = np.sin(2 * x) + random.normal(size=400) * np.where(x > 0, 0.1 * x, 0.05)
grid = np.linspace(-5, 5, 201)


def hidden(trial: fsopt.Trial, x: np.ndarray) -> np.ndarray:
    """The hidden layer of a network; it stays as it was drawn, and only the output is fitted."""
    weights, biases = np.random.default_rng(trial["start"]).normal(size=(2, trial["units"]))
    return np.tanh(trial["slope"] * (x[:, None] * weights + 4 * biases))


def fitted(H: np.ndarray, targets: np.ndarray, l2: float) -> np.ndarray:
    return np.linalg.solve(H.T @ H + l2 * np.eye(H.shape[1]), H.T @ targets)


def objective(trial: fsopt.Trial) -> float:
    H = hidden(trial, x[:260])
    mean = fitted(H, y[:260], trial["l2"])
    # The logarithm of a squared standard normal number is -1.27 on average.
    noise = fitted(H, np.log(np.square(y[:260] - H @ mean)) + 1.27, trial["l2_noise"])
    for name, where in {"grid": grid, "valid": x[260:]}.items():
        H = hidden(trial, where)
        means, deviations = H @ mean, np.exp(H @ noise / 2)
        trial.save_predictions(name, means, y_std=deviations)
    trial.save_predictions("truth", y[260:])
    return ens.loss_of(ens.NormalNLL(), y[260:], ens.Prediction.of(means, deviations))


if __name__ == "__main__":
    study = fsopt.open_study(sys.argv[1])
    built = ens.latest(study, "valid") or ens.build(study, "valid", ens.truth(study))
    found = ens.combine(study, built, "grid")
    for i in (40, 100, 160):
        noise, doubt = np.sqrt(found.aleatoric[i]), np.sqrt(found.epistemic[i])
        print(f"x = {grid[i]:4.1f}: noise {noise:.3f}, differences of members {doubt:.3f}")
    with contextlib.suppress(ImportError):
        import matplotlib.pyplot as plt

        plt.figure(figsize=(7, 4), layout="constrained")
        plt.plot(x, y, "k.", markersize=3)
        plt.plot(grid, found.prediction, label="mean")
        for name, variance in {"total": found.total, "aleatoric": found.aleatoric}.items():
            low, high = (found.prediction + k * np.sqrt(variance) for k in (-2, 2))
            plt.fill_between(grid, low, high, alpha=0.3, label=f"{name}, two deviations")
        plt.ylim(-4, 4)
        plt.legend(loc="upper center", ncols=3)
        plt.savefig("bands.png", dpi=90)
