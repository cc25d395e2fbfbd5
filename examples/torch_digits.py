"""Train networks in PyTorch, on the GPU that a trial is given, with checkpoints.

    fsopt run examples/torch_digits.py --study runs/torch --trials 12

On a node with four GPUs: --workers 4 --slots 0,1,2,3; each evaluation then sees one of them only.
Unpromising trainings are paused after a few epochs, interrupted ones go on from their checkpoint.
"""

from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn

import fsopt
from fsopt import Categorical, Float, Int, Space

EPOCHS = 27

config = fsopt.StudyConfig(
    space=Space(
        Float("rate", 1e-4, 1e-1, log=True),
        Float("decay", 1e-6, 1e-1, log=True),
        Float("dropout", 0.0, 0.6),
        Int("units", 16, 256, log=True),
        Int("batch", 16, 256, log=True),
        Categorical("activation", ["ReLU", "GELU", "Tanh"]),
    ),
    objectives={"accuracy": "maximize"},
    stopper=fsopt.SuccessiveHalving(max_steps=EPOCHS, pause=True),
)

torch.set_num_threads(1)  # the matrices are small
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
images, labels = load_digits(return_X_y=True)
X = torch.tensor(images / 16, dtype=torch.float32, device=device)
y = torch.tensor(labels, device=device)
X_train, X_valid, y_train, y_valid = X[:1200], X[1200:], y[:1200], y[1200:]


def save(path: Path, *parts: nn.Module | torch.optim.Optimizer) -> None:
    """Write a new file and rename it: a kill in the middle leaves the one before."""
    new = path.with_suffix(".new")
    torch.save([part.state_dict() for part in parts], new)
    new.replace(path)


def objective(trial: fsopt.Trial) -> float | None:
    torch.manual_seed(trial.number)
    network = nn.Sequential(
        nn.Linear(64, trial["units"]),
        getattr(nn, trial["activation"])(),
        nn.Dropout(trial["dropout"]),
        nn.Linear(trial["units"], 10),
    ).to(device)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=trial["rate"], weight_decay=trial["decay"]
    )
    checkpoint = trial.checkpoint_dir / "state.pt"
    if checkpoint.exists():
        for part, state in zip((network, optimizer), torch.load(checkpoint), strict=True):
            part.load_state_dict(state)
    accuracy = 0.0
    for epoch in trial.steps(EPOCHS):
        network.train()
        for rows in torch.randperm(len(X_train), device=device).split(trial["batch"]):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(X_train[rows]), y_train[rows]).backward()
            optimizer.step()
        network.eval()
        accuracy = float((network(X_valid).argmax(1) == y_valid).float().mean())
        save(checkpoint, network, optimizer)
        trial.report(accuracy, epoch)
        if trial.should_stop():
            return None
    return accuracy
