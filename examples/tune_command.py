"""Tune a program that is not written in Python, through its command line.

    fsopt run examples/tune_command.py --study runs/command --trials 30 --workers 2

The program here is a few lines of awk that integrate an oscillator; yours may be anything. It gets
its parameters as arguments and writes its result, as JSON, to the file named in $FSOPT_RESULT. A
value is always one argument, whatever it contains; the argument of an inactive parameter is left
out, and so is the option before it.
"""

from pathlib import Path

import fsopt
from fsopt import Categorical, Float, Int, Space

space = Space(
    Float("step", 1e-3, 0.5, log=True),
    Categorical("method", ["explicit", "symplectic"]),
    Int("order", 1, 2),
    conditions={"order": "method == 'symplectic'"},
)

config = fsopt.StudyConfig(space=space, objectives={"cost": "minimize"})

program = Path(__file__).with_name("oscillator.awk")
command = f"awk -v step={{step}} -v method={{method}} -v order={{order}} -f '{program}'"
