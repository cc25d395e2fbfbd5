"""The study that docs/figures.md shows, and its figures.

    fsopt run docs/gallery.py --study runs/gallery --trials 240 --workers 2
    fsopt ensemble runs/gallery
    python docs/gallery.py runs/gallery

and, for the figure of a prior, of examples/transfer.py: python docs/gallery.py runs/transfer prior

Networks for handwritten digits shall be accurate and small. One whose weights grow beyond all
bounds is a failure; a parameter of one solver is inactive with the other.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

import fsopt
from fsopt import Categorical, Float, Int, Ordinal, Space

EPOCHS = 8

space = Space(
    Float("learning_rate", 1e-4, 1.0, log=True),
    Ordinal("batch_size", [16, 32, 64, 128]),
    Int("units", 4, 128, log=True),
    Int("layers", 1, 3),
    Categorical("activation", ["relu", "tanh", "logistic"]),
    Categorical("solver", ["adam", "sgd"]),
    Float("momentum", 0.0, 0.99),
    conditions={"momentum": "solver == 'sgd'"},
)
config = fsopt.StudyConfig(
    space=space, objectives={"accuracy": "maximize", "weights": "minimize"}, seed=0
)

X, y = load_digits(return_X_y=True)
X_fit, X_valid = np.split(X[:1200] / 16, [800])
y_fit, y_valid = np.split(y[:1200], [800])


def objective(trial: fsopt.Trial) -> dict | fsopt.Failure:
    """Accuracy on held-out digits, and how many weights it takes."""
    model = MLPClassifier(
        hidden_layer_sizes=(trial["units"],) * trial["layers"],
        activation=trial["activation"],
        solver=trial["solver"],
        momentum=trial.params.get("momentum", 0.9),
        learning_rate_init=trial["learning_rate"],
        batch_size=trial["batch_size"],
        random_state=0,
    )
    # overflows are what the check below is for
    with threadpool_limits(1), np.errstate(all="ignore"):
        for epoch in range(1, EPOCHS + 1):
            model.partial_fit(X_fit, y_fit, classes=np.arange(10))
            if max(np.abs(weights).max() for weights in model.coefs_) > 30:
                return fsopt.Failure("weights diverged")
            accuracy = model.score(X_valid, y_valid)
            trial.report(accuracy, step=epoch)
    trial.save_predictions("valid", model.predict_proba(X_valid))
    trial.save_predictions("truth", y_valid)
    return {"accuracy": accuracy, "weights": sum(w.size for w in model.coefs_)}


def draw(directory: str, *names: str) -> None:
    """Draw figures of a study into docs/images, small enough for a repository; all if no names."""
    from PIL import Image

    import fsopt.figures

    study = fsopt.open_study(directory)
    images = Path(__file__).parent / "images"
    for name in names or [name for name in fsopt.figures.FIGURES if name != "prior"]:
        path = images / f"figure-{name}.png"
        fsopt.figures.figure(study, name).to_matplotlib().savefig(path, dpi=80)
        Image.open(path).convert("RGB").quantize(96, Image.Quantize.MAXCOVERAGE).save(
            path, optimize=True
        )


if __name__ == "__main__":
    draw(*sys.argv[1:])
