"""The shape of the code: who may import whom, what is pure, and how large things may be."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "fsopt"
MODULES = sorted(PACKAGE.rglob("*.py"))

ALLOWED = {
    "errors": set(),
    "values": {"errors"},
    "streams": set(),
    "scheduler": set(),
    "space": {"errors", "values"},
    "events": {"values"},
    "codec": {"events", "values"},
    "objectives": {"errors"},
    "history": {"prior", "space"},
    "predictions": {"errors"},
    "surrogate": {"errors", "history"},
    "search": {"errors", "history", "moo", "prior", "space", "streams", "surrogate", "values"},
    "moo": set(),
    "prior": {"errors", "moo", "space", "streams", "values"},
    "config": {"errors", "objectives", "prior", "search", "space", "stop", "streams"},
    "log": {"codec", "errors", "events", "scheduler"},
    "state": {"errors", "events", "space", "values"},
    "stop": {"errors", "history"},
    "trial": {"errors", "log", "predictions", "values"},
    "study": {  # the join
        *("codec", "config", "errors", "events", "history", "log", "moo", "objectives", "prior"),
        *("search", "space", "state", "stop", "streams", "trial", "values", "fsopt"),
    },
    "run": {
        *("config", "errors", "events", "log", "objectives", "scheduler", "space", "state"),
        *("study", "trial", "values"),
    },
    "view": {
        *("codec", "errors", "events", "log", "space", "state", "study", "trial", "values"),
    },
    "figures": {
        *("errors", "events", "history", "moo", "objectives", "prior", "search", "space"),
        *("state", "streams", "study", "surrogate", "view", "fsopt"),
    },
    "launch": {"errors", "log"},
    "ensemble": {  # arrays; `trials` joins them with studies
        *("errors", "events", "log", "predictions", "state", "streams", "study", "values"),
    },
    "sklearn": {
        *("config", "errors", "objectives", "search", "space", "study", "trial", "values"),
    },
    "interop": {
        *("errors", "history", "objectives", "search", "space", "state", "streams", "study"),
        "values",
    },
    "transfer": {
        *("errors", "events", "log", "objectives", "prior", "space", "state", "study", "values"),
    },
    "doctor": {"errors", "log", "scheduler"},
    "bench": {
        *("codec", "config", "ensemble", "errors", "events", "history", "log", "moo"),
        *("objectives", "predictions", "prior", "run", "search", "space", "state", "stop"),
        *("streams", "study", "transfer", "trial", "values", "fsopt"),
    },
    "cli": {
        *("bench", "config", "doctor", "ensemble", "errors", "figures", "interop", "launch"),
        *("log", "objectives", "prior", "run", "scheduler", "search", "study", "transfer"),
        *("values", "fsopt", "view"),
    },
    "__init__": {
        *("config", "errors", "objectives", "prior", "run", "search", "space", "stop", "study"),
        *("transfer", "trial"),
    },
    "__main__": {"cli"},
}
"""The rings: what each part of the package may import of the others."""

LATE = {"study": {"run", "transfer", "view"}}
"""Convenience that looks up: `Study.run`, `Study.trials` and `create_study` import these when they
are called."""

PURE = ("errors", "scheduler", "values", "streams", "space", "events", "codec", "objectives")
PURE += (
    "history",
    "predictions",
    "ensemble",
    "prior",
    "surrogate",
    "search",
    "moo",
    "state",
    "stop",
)

JOINS = {PACKAGE / "ensemble" / "trials.py"}
"""What is in a pure part, but joins it with the studies on disk."""

IMPURE_MODULES = {"os", "time", "datetime", "pathlib", "random", "secrets", "socket", "io"}
IMPURE_MODULES |= {"subprocess", "tempfile", "threading", "shutil", "uuid", "platform"}

LAZY = {"moocore", "psutil", "scipy", "sklearn", "pandas", "pyarrow", "rich", "matplotlib"}
LAZY |= {"plotly"}
"""Imported where they are used: importing the package must stay cheap."""


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "fsopt":
            names |= {f"fsopt.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def parts_wanted(tree: ast.AST) -> set[str]:
    """The parts of fsopt that a module imports."""
    found = set()
    for name in imports(tree):
        pieces = name.split(".")
        if pieces[0] == "fsopt":
            found.add(pieces[1] if len(pieces) > 1 else "fsopt")
    return found


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def type_checking_free(tree: ast.Module) -> list[ast.stmt]:
    return [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_follow_the_rings(path: Path) -> None:
    part = part_of(path)
    tree = ast.Module(type_checking_free(tree_of(path)), [])
    late = LATE.get(part, set())
    assert parts_wanted(tree) - {part} - late <= ALLOWED[part], f"{part} must not import these"
    top = ast.Module([n for n in tree.body if "Import" in type(n).__name__], [])
    assert not parts_wanted(top) & late, "only inside of a function"


def test_the_rings_have_no_stale_arrow() -> None:
    used: dict[str, set[str]] = {part: set() for part in ALLOWED}
    for path in MODULES:
        used[part_of(path)] |= parts_wanted(tree_of(path))
    stale = {part: allowed - used[part] for part, allowed in ALLOWED.items()}
    assert not any(stale.values()), stale


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if part_of(path) in PURE and path not in JOINS],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_the_core_is_pure(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(tree_of(path))}
    assert not roots & IMPURE_MODULES
    source = path.read_text()
    for word in ("np.random.seed", "default_rng()", "open(", "print("):
        assert word not in source


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_libraries_are_imported_where_they_are_used(path: Path) -> None:
    if path.name in ("tables.py", "progress.py", "estimators.py", "live.py"):
        return  # these are imported only where they are used themselves
    top = ast.Module(
        [n for n in type_checking_free(tree_of(path)) if "Import" in type(n).__name__], []
    )
    assert not {name.split(".")[0] for name in imports(top)} & LAZY


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_grows_too_large(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None:
            body = node.end_lineno - node.body[0].lineno + 1
            assert body <= 60, f"{node.name} has {body} lines"
            arguments = node.args
            count = len(arguments.posonlyargs + arguments.args + arguments.kwonlyargs)
            if (path.parent.name, node.name) == ("sklearn", "__init__"):
                continue  # scikit-learn's users know each option by its name
            assert count - (arguments.args[:1] != [] and arguments.args[0].arg == "self") <= 8


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_that_reading_could_execute(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("eval", "exec", "input", "__import__")
        if isinstance(node, ast.Assert):
            pytest.fail(f"assert in line {node.lineno}; raise an error that says what to do")
    assert not {"pickle", "shelve", "marshal"} & imports(tree_of(path))
