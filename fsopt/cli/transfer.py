"""``fsopt import``, and the options of ``fsopt run`` that learn from earlier studies."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fsopt.cli.common import STUDY_VARIABLE, debug_option, json_option, print_json

if TYPE_CHECKING:
    from fsopt.config import StudyConfig
    from fsopt.study import Study
    from fsopt.transfer import Imported

_F = TypeVar("_F", bound=Callable[..., Any])

_RENAME = click.option(
    "--rename",
    multiple=True,
    metavar="THEIRS=OURS",
    help="A parameter or objective that has another name there; repeatable.",
)
_FILL = click.option(
    "--fill",
    multiple=True,
    metavar="NAME=VALUE",
    help="The value that a parameter had there which is new in this study; repeatable.",
)


def transfer_options(function: _F) -> _F:
    """The options; `with_prior` and `warm_start` read them."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def with_prior(config: StudyConfig, options: Mapping[str, Any]) -> StudyConfig:
    """The definition of a study with the earlier ones that the options name."""
    from dataclasses import replace

    from fsopt.prior import GaussianMixturePrior

    if options["rename"] and not (options["prior"] or options["warm_start"]):
        raise click.UsageError("--rename is for --prior and --warm-start.")
    if options["fill"] and not options["warm_start"]:
        raise click.UsageError("--fill is for --warm-start.")
    if not options["prior"]:
        return config
    prior = GaussianMixturePrior.from_studies(options["prior"], rename=_pairs(options["rename"]))
    return replace(config, prior=prior)


def warm_start(study: Study, options: Mapping[str, Any]) -> None:
    """Import the evaluations that the options name, if the study has no trials yet."""
    from fsopt.transfer import import_trials

    if options["warm_start"]:
        found = import_trials(
            study,
            options["warm_start"],
            rename=_pairs(options["rename"]),
            fill=_values(options["fill"]),
            first=True,
        )
        _tell(found, err=True)


@click.command("import")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--study",
    "directory",
    envvar=STUDY_VARIABLE,
    required=True,
    metavar="DIR",
    help="Where to; created, with the smallest space that holds the trials, if there is none.",
)
@_RENAME
@_FILL
@json_option
@debug_option
def import_(
    paths: Sequence[str],
    directory: str,
    rename: Sequence[str],
    fill: Sequence[str],
    as_json: bool,
) -> None:
    """Record evaluations of other studies or tools as completed trials.

    PATH is the directory of a study, DeepHyper's results.csv, a storage of Optuna (SQLite or
    journal; with several studies PATH::NAME), or a CSV or Parquet file with columns for the
    parameters and the objectives. The objective must be the same; of other ones only a prior can
    be made: fsopt run --prior.

    \b
    Example:
      fsopt import results.csv --study runs/old
      fsopt import optuna.db::first --study runs/new --fill momentum=0.0
    """
    from fsopt.transfer import import_trials

    with _opened(directory, paths[0], _pairs(rename)) as study:
        found = import_trials(study, paths, rename=_pairs(rename), fill=_values(fill))
    if as_json:
        counts = {"imported": len(found.trials), "known": found.known, "unfit": found.unfit}
        print_json({**counts, "problem": found.problem})
    else:
        _tell(found, err=False)


def _opened(directory: str, path: str, rename: Mapping[str, str]) -> Study:
    """The study, created after the first source if it does not exist."""
    from fsopt.log import layout
    from fsopt.study import create_study, open_study
    from fsopt.transfer import read

    if (Path(directory) / layout.STUDY).exists():
        return open_study(directory)
    found = read(path, {"value": "minimize"}, rename, path)
    names = {rename.get(name, name): way for name, way in found.objectives.items()}
    return create_study(directory, space=found.likely_space(), objectives=names)


def _tell(found: Imported, *, err: bool) -> None:
    from fsopt.view.summary import format_count

    lines = [f"{format_count(len(found.trials), 'trial')} imported"]
    if found.known:
        lines.append(f"{found.known} left out that are in the study already")
    if found.unfit:
        lines.append(f"{found.unfit} left out that do not fit; the first: {found.problem}")
    click.echo("; ".join(lines), err=err)


def _pairs(given: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator:
            raise click.UsageError(f"{text!r} is not of the form NAME=VALUE.")
        pairs[name] = value
    return pairs


def _values(given: Sequence[str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, text in _pairs(given).items():
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    return values


_OPTIONS = (
    click.option(
        "--prior",
        multiple=True,
        metavar="PATH",
        help="Begin where an earlier study, or a table of results, was good; repeatable. See "
        "fsopt import for what PATH may be.",
    ),
    click.option(
        "--warm-start",
        multiple=True,
        metavar="PATH",
        help="Begin a new study with the evaluations of an earlier one of the same objective, "
        "which count as its first trials; repeatable.",
    ),
    _RENAME,
    _FILL,
)
