"""Run the surrogates of the default optimizer on test functions, and rank them among peers.

    python compare_optimizers.py run BENCH OUT [--surrogate gp] [--seeds 0,1,2] [--workers 10]
    python compare_optimizers.py rank BENCH OUT [OUT ...] [--budget 100] [--max-seed 2]

BENCH is a directory with ``functions.py``, which defines ``FUNCTIONS``, and ``results/*.jsonl``,
the peers' traces: an object a line, with method, function, seed and regret, the best-so-far
regret after each evaluation. OUT is such a file of one's own. Runs that it holds are not repeated.

With several workers, evaluations take simulated times that are drawn from a lognormal
distribution; the regret is in the order in which they end.
"""

from __future__ import annotations

import argparse
import heapq
import importlib.util
import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from fsopt import BayesianOptimizer, Float, Space
from fsopt.history import FloatArray, History

_SPREAD = 0.5  # of the logarithm of an evaluation's duration

Traces = dict[str, dict[str, dict[int, list[float]]]]


def run(function: Any, optimizer: BayesianOptimizer, seed: int, evals: int, workers: int) -> dict:
    """One search, as a line of results."""
    space = Space(*[Float(f"x{i}", *bounds) for i, bounds in enumerate(function.bounds)])
    durations = np.random.default_rng(seed).lognormal(0.0, _SPREAD, evals)
    done: list[tuple[int, FloatArray, float]] = []
    running: list[tuple[float, int, FloatArray]] = []
    costs, trace, best, now = [], [], np.inf, 0.0
    for number in range(evals + workers):
        if len(running) == workers or number >= evals:
            if not running:
                break
            now, ended, unit = heapq.heappop(running)
            value = function(space.from_unit(unit[np.newaxis])[0])
            done.append((ended, unit, value))
            best = min(best, value)
            trace.append(float(f"{best - function.optimum:.8g}"))
        if number < evals:
            history = history_of(space, done, [unit for _, _, unit in running])
            start = time.process_time()
            (unit,) = optimizer.suggest(history, [number], seed)
            costs.append(time.process_time() - start)
            heapq.heappush(running, (now + durations[number], number, unit))
    return {
        "method": f"fsopt-{optimizer.surrogate}" + (f"-{workers}" if workers > 1 else ""),
        "function": function.name,
        "seed": seed,
        "n_evals": evals,
        "ask_s": round(sum(costs), 4),
        "ask_tell_cpu_s": round(sum(costs), 4),
        "ask_tell_cpu_median_last20_s": round(float(np.median(costs[-20:])), 4),
        "ask_max_s": round(max(costs), 4),
        "regret": trace,
    }


def history_of(
    space: Space, done: list[tuple[int, FloatArray, float]], pending: list[FloatArray]
) -> History:
    """What an optimizer sees of trials that ended, as (number, unit row, value), and others."""
    ordered = sorted(done, key=lambda trial: trial[0])
    none = np.empty((0, len(space)))
    return History(
        space=space,
        X=np.array([unit for _, unit, _ in ordered]) if ordered else none,
        Y=np.array([[value] for _, _, value in ordered]).reshape(-1, 1),
        numbers=np.array([number for number, _, _ in ordered], dtype=np.int64),
        X_failed=none,
        X_pending=np.array(pending) if pending else none,
    )


def run_all(args: argparse.Namespace) -> None:
    """Run what is missing, and append it to the results."""
    functions = load_functions(args.bench).FUNCTIONS
    lines = args.out.read_text().splitlines() if args.out.exists() else []
    have = {(line["function"], line["seed"]) for line in map(json.loads, lines)}
    names = args.functions.split(",") if args.functions else list(functions)
    optimizer = BayesianOptimizer(surrogate=args.surrogate)
    for seed in map(int, args.seeds.split(",")):
        for name in names:
            if (name, seed) in have:
                continue
            row = run(functions[name], optimizer, seed, args.evals, args.workers)
            with args.out.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(f"{name:12s} {seed} {row['regret'][-1]:.3g} {row['ask_s']:.1f} s", flush=True)


def rank_all(args: argparse.Namespace) -> None:
    """Print the average rank, over functions, of the mean regret of each method."""
    names = list(load_functions(args.bench).FUNCTIONS)
    paths = [*sorted((args.bench / "results").glob("*.jsonl")), *args.out]
    traces = load_traces(paths, args.max_seed)
    for budget in map(int, args.budget.split(",")):
        rows = {}
        for method, of_method in traces.items():
            values = [
                [
                    regret[budget - 1]
                    for regret in of_method[name].values()
                    if len(regret) >= budget
                ]
                for name in names
            ]
            if all(values):
                rows[method] = [float(np.mean(seeds)) for seeds in values]
        table = np.array(list(rows.values()))
        ranks = np.array([average_ranks(column) for column in table.T]).T
        print(f"\n{budget} evaluations: average rank, then mean regret")
        print(" " * 26 + " ".join(f"{name[:9]:>9s}" for name in names))
        for i in np.argsort(ranks.mean(axis=1), kind="stable"):
            cells = " ".join(f"{value:9.2g}" for value in table[i])
            print(f"{list(rows)[i]:20s} {ranks[i].mean():5.2f} {cells}")


def load_functions(bench: Path) -> ModuleType:
    """The module ``functions`` of the directory."""
    spec = importlib.util.spec_from_file_location("functions", bench / "functions.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"{bench} has no functions.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["functions"] = module
    spec.loader.exec_module(module)
    return module


def load_traces(paths: list[Path], max_seed: int) -> Traces:
    """The regrets by method, function and seed; files of one's own are methods by their names."""
    traces: Traces = defaultdict(lambda: defaultdict(dict))
    for path in paths:
        for line in map(json.loads, path.read_text().splitlines()):
            if "regret" in line and line["seed"] <= max_seed:
                traces[path.stem][line["function"]][line["seed"]] = line["regret"]
    return traces


def average_ranks(values: FloatArray) -> FloatArray:
    """Ranks from 1, the smallest; ties share their average."""
    below = (values[:, None] > values).sum(axis=1)
    return below + ((values[:, None] == values).sum(axis=1) + 1) / 2


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    verbs = parser.add_subparsers(required=True)
    runner = verbs.add_parser("run")
    runner.add_argument("bench", type=Path)
    runner.add_argument("out", type=Path)
    runner.add_argument("--surrogate", default="gp")
    runner.add_argument("--functions")
    runner.add_argument("--seeds", default="0,1,2")
    runner.add_argument("--evals", type=int, default=100)
    runner.add_argument("--workers", type=int, default=1)
    runner.set_defaults(verb=run_all)
    ranker = verbs.add_parser("rank")
    ranker.add_argument("bench", type=Path)
    ranker.add_argument("out", type=Path, nargs="+")
    ranker.add_argument("--budget", default="50,100")
    ranker.add_argument("--max-seed", type=int, default=2)
    ranker.set_defaults(verb=rank_all)
    args = parser.parse_args()
    args.verb(args)


if __name__ == "__main__":
    main()
