"""Tune how a C program is compiled: the compiler's flags, and tile sizes that are in its source.

    fsopt run examples/compiled_kernel.py --study runs/kernel --trials 30

Each trial compiles examples/matmul.c in its own directory and runs it a few times; a result that
is wrong makes the trial fail. One worker, because trials at the same time disturb each other's
clocks, and a noisy study: what counts is how fast a configuration is expected to be. The
compiler is cc, or what $CC names.
"""

import os
import subprocess
from pathlib import Path

import fsopt
from fsopt import Categorical, Ordinal, Space

SOURCE = Path(__file__).with_name("matmul.c")
TILES = [8, 16, 32, 60, 120, 240, 480]

space = Space(
    Categorical("level", ["-O1", "-O2", "-O3"]),
    Categorical("native", [False, True]),
    Categorical("fast_math", [False, True]),
    Categorical("unroll", [False, True]),
    Ordinal("tile_i", TILES),
    Ordinal("tile_j", TILES),
    Ordinal("tile_k", TILES),
    conditions={"unroll": "level != '-O1'"},
    constraints=["tile_j * tile_k <= 57600"],  # a quarter of the right matrix
)

config = fsopt.StudyConfig(space=space, objectives={"milliseconds": "minimize"}, noisy=True)


def compiled(trial: fsopt.Trial) -> Path:
    """The program, compiled with the options of a trial."""
    program = trial.directory / "matmul"
    flags = [trial["level"], *(f"-DTILE_{x}={trial[f'tile_{x.lower()}']}" for x in "IJK")]
    flags += ["-march=native"] if trial["native"] else []
    flags += ["-ffast-math"] if trial["fast_math"] else []
    flags += ["-funroll-loops"] if trial.params.get("unroll") else []
    subprocess.run([os.environ.get("CC", "cc"), *flags, "-o", program, SOURCE], check=True)
    return program


def seconds(program: Path) -> float:
    return float(subprocess.run([program], check=True, capture_output=True).stdout)


def objective(trial: fsopt.Trial) -> float:
    program = compiled(trial)
    fastest = min(seconds(program) for _ in range(5))
    program.unlink()
    return 1000 * fastest
