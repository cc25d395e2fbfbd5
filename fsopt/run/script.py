"""Loading a study script: a Python file that defines the space, the objective and the rest."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from fsopt.config import DEFAULT_OBJECTIVE, StudyConfig
from fsopt.errors import FsoptError, ScriptError
from fsopt.run.callbacks import Callback
from fsopt.run.command import Command
from fsopt.run.evaluation import Objective, describe
from fsopt.space import Space
from fsopt.trial import Trial


@dataclass(frozen=True, slots=True)
class Script:
    """What a study script defines."""

    path: Path
    config: StudyConfig
    objective: Objective
    callbacks: Sequence[Callback] = ()


@dataclass(slots=True)
class ScriptObjective:
    """A script's objective, as something that other processes can be sent and find again."""

    path: Path
    _loaded: Objective | None = field(default=None, repr=False)

    def __call__(self, trial: Trial) -> object:
        """Evaluate."""
        return self._load()(trial)

    def _load(self) -> Objective:
        if self._loaded is None:
            self._loaded = _objective(_import(self.path), self.path)
        return self._loaded

    def __getstate__(self) -> Path:
        return self.path

    def __setstate__(self, path: Path) -> None:
        self.path, self._loaded = path, None
        # Where it arrives the import is done before an evaluation begins, whose time is limited;
        # what is wrong with the script is told by the evaluation, which tries again.
        with contextlib.suppress(FsoptError):
            self._load()


def load_script(path: Path) -> Script:
    """Import a study script and check that it has what a study needs.

    Raises:
        ScriptError: If there is no such file, it can't be imported, or something is missing in it.
        SpaceError: If it defines a space that makes no sense.
    """
    module = _import(path)
    config = _config(module, path)
    objective = _objective(module, path)
    callbacks = _callbacks(module, path)
    if isinstance(objective, Command):
        objective.check(config.space.names)
        return Script(path, config, objective, callbacks)
    return Script(path, config, ScriptObjective(path.resolve(), objective), callbacks)


def _import(path: Path) -> ModuleType:
    if not path.is_file():
        raise ScriptError(f"no study script {path}; give the path of a Python file")
    name = f"fsopt_script_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ScriptError(f"{path} is no Python file; a study script ends in .py")
    module = importlib.util.module_from_spec(spec)
    # As when a script is run: its neighbours can be imported, and its classes found by name.
    sys.path.insert(0, str(path.resolve().parent))
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except FsoptError as error:
        raise type(error)(f"{path}{_line_of(error, path)}: {error}") from error
    except SyntaxError as error:
        raise ScriptError(f"{path}, line {error.lineno}: {error.msg}") from error
    except (Exception, SystemExit) as error:
        line = _line_of(error, path)
        raise ScriptError(f"{path}{line}: {describe(error)}") from error
    return module


def _line_of(error: BaseException, path: Path) -> str:
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename) == path
    ]
    return f", line {lines[-1]}" if lines else ""


def _config(module: ModuleType, path: Path) -> StudyConfig:
    config = getattr(module, "config", None)
    if isinstance(config, StudyConfig):
        return config
    if config is not None:
        raise ScriptError(
            f"{path}: config must be a fsopt.StudyConfig, not {type(config).__name__}"
        )
    space = getattr(module, "space", None)
    if not isinstance(space, Space):
        raise ScriptError(
            f"{path} defines no config = fsopt.StudyConfig(...) and no space = fsopt.Space(...)"
        )
    return StudyConfig(
        space=space,
        objectives=getattr(module, "objectives", DEFAULT_OBJECTIVE),
        constraints_on=getattr(module, "constraints_on", {}),
    )


def _callbacks(module: ModuleType, path: Path) -> list[Callback]:
    callbacks = getattr(module, "callbacks", [])
    if not isinstance(callbacks, list | tuple) or not all(map(callable, callbacks)):
        raise ScriptError(f"{path}: callbacks must be a list of functions of a study and a trial")
    return list(callbacks)


def _objective(module: ModuleType, path: Path) -> Objective:
    objective = getattr(module, "objective", None)
    command = getattr(module, "command", None)
    if callable(objective):
        return objective  # type: ignore[no-any-return]  # whatever the user wrote
    if command is not None:
        return command if isinstance(command, Command) else Command(command)
    raise ScriptError(
        f"{path} defines no objective; it needs a function objective(trial) "
        'or a command = "program --option {parameter}"'
    )
