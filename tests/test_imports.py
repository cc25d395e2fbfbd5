"""Starting up is cheap: ten thousand tasks may do it at once, from one filesystem."""

import subprocess
import sys

import pytest

HEAVY = {"numpy", "scipy", "sklearn", "pandas", "pyarrow", "orjson", "rich", "multiprocessing"}


def loaded_after(code: str) -> set[str]:
    program = f"{code}\nimport sys; print(*sorted({{m.partition('.')[0] for m in sys.modules}}))"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(result.stdout.split())


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import fsopt", set()),
        ("import fsopt; fsopt.Space", {"numpy", "multiprocessing"}),
        ("import fsopt.cli.main", set()),
        ("import fsopt.cli.run, fsopt.cli.inspect, fsopt.cli.change, fsopt.cli.drive", set()),
        ("import fsopt.cli.ensemble, fsopt.cli.bench_ensembles", set()),
        ("import fsopt.cli.figures, fsopt.cli.watch", set()),
        ("import fsopt.ensemble", {"numpy"}),
        ("import fsopt.run.exchange", set()),
        ("import fsopt.study", {"numpy", "orjson", "multiprocessing"}),
        ("import fsopt.run.processes", {"numpy", "multiprocessing"}),
        ("import fsopt; fsopt.BayesianOptimizer()", {"numpy", "multiprocessing"}),
    ],
)
def test_nothing_heavy_is_imported_before_it_is_used(code: str, allowed: set[str]) -> None:
    before = loaded_after("pass")
    assert (loaded_after(code) - before) & HEAVY <= allowed


def test_help_needs_no_verb() -> None:
    code = "from click.testing import CliRunner; from fsopt.cli.main import main; "
    code += "assert CliRunner().invoke(main, ['--help']).exit_code == 0; import sys; "
    code += "assert not [m for m in sys.modules if m.startswith('fsopt.cli.') "
    code += "and m != 'fsopt.cli.main']"
    assert not loaded_after(code) & (HEAVY - {"multiprocessing"})
