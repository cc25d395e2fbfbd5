"""Recording in a study what earlier ones teach, and what was evaluated elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fsopt.errors import PriorError, SpaceError
from fsopt.events import Event, PriorRegistered, TrialCompleted, TrialStarted
from fsopt.prior import GaussianMixturePrior, learn
from fsopt.prior.translation import exact_params
from fsopt.study import Study
from fsopt.study.dispatch import IMPORTED
from fsopt.transfer.evaluations import Evaluations
from fsopt.transfer.reading import read
from fsopt.values import Params


def register(study: Study, prior: GaussianMixturePrior) -> None:
    """Record what earlier studies teach, unless it is recorded already.

    A source is known by its path as it was given. It is not read again, so that it need not exist
    where others join later; two processes that read it at the same time record the same.

    Args:
        study: The new study.
        prior: The earlier ones.

    Raises:
        PriorError: If one that is not recorded can't be read, or teaches nothing.
        StorageError: If it can't be recorded.
    """
    known = {event.name for event in study.session.state.registered_priors()}
    for place, source in enumerate(prior.sources):
        name = _name_of(source, place)
        if name in known:
            continue
        found = read(source, study.config.objectives, prior.rename, name)
        learned = learn(
            name,
            found.configurations,
            found.to_minimise,
            study.config.space,
            top=prior.top,
            rename=prior.rename,
        )
        study.session.append(
            PriorRegistered(id=learned.id, name=name, trials=learned.trials, data=learned.data)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of evaluations that were to be recorded in a study."""

    trials: tuple[int, ...]
    """The numbers that they have now."""
    known: int
    """How many were left out because their configurations are in the study already, unless it is
    noisy."""
    unfit: int
    """How many were left out because they do not fit the space."""
    problem: str | None
    """Why the first of these does not."""


def import_trials(
    study: Study,
    sources: Iterable[object],
    *,
    rename: Mapping[str, str] | None = None,
    fill: Mapping[str, object] | None = None,
    first: bool = False,
) -> Imported:
    """Record evaluations of the same objective that were made elsewhere, as completed trials.

    They count like all other trials, towards the budget too. What a source maximises and this
    study minimises changes its sign.

    Args:
        study: Where to.
        sources: As for `GaussianMixturePrior.from_studies`.
        rename: From the names of parameters and objectives there to those here.
        fill: Values that parameters had there which the source does not tell, because they are
            new in this study.
        first: Do nothing unless these become the first trials of the study: so one of many
            processes that start together imports them.

    Raises:
        PriorError: If a source can't be read, or has other objectives.
        StorageError: If they can't be recorded.
    """
    if first and len(study.session.state.trials):
        return Imported(trials=(), known=0, unfit=0, problem=None)
    if study.config.constraints_on:
        raise PriorError(
            "evaluations can't be imported into a study with constraints on outcomes: sources do "
            "not tell them. Use them as a prior instead"
        )
    rename, results = rename or {}, []
    known = unfit = 0
    problem: str | None = None
    taken = study.session.history().is_taken
    seen: set[str] = set()
    for place, source in enumerate(sources):
        found = read(source, study.config.objectives, rename, _name_of(source, place))
        for params, values in _fitted(study, found, rename, fill or {}):
            if isinstance(params, SpaceError):
                unfit, problem = unfit + 1, problem or str(params)
                continue
            unit = study.config.space.to_unit(study.config.space.to_row(params)[None])
            if not study.config.noisy and (repr(params) in seen or taken(unit)[0]):
                known += 1
                continue
            seen.add(repr(params))
            results.append((params, values))
    numbers = _record(study, results, first=first) if results else []
    return Imported(trials=tuple(numbers), known=known, unfit=unfit, problem=problem)


def _record(
    study: Study, results: Sequence[tuple[Params, tuple[float, ...]]], *, first: bool
) -> list[int]:
    """Give configurations with values new numbers; none if they must be the first and are not."""
    dispatcher = study.dispatcher
    dispatcher.attend(keep_alive=False)
    numbers = dispatcher.new_numbers(1, 1 if first else None)
    if not numbers:
        return []
    numbers += dispatcher.new_numbers(len(results) - 1, None)
    events: list[Event] = []
    for number, (params, values) in zip(numbers, results, strict=True):
        events.append(TrialStarted(trial=number, params=params, by=IMPORTED))
        events.append(TrialCompleted(trial=number, values=values))
    study.session.append(*events)
    return numbers


def _fitted(
    study: Study, found: Evaluations, rename: Mapping[str, str], fill: Mapping[str, object]
) -> Iterable[tuple[Params | SpaceError, tuple[float, ...]]]:
    """Each configuration as this study has it, or why it can't, with the values."""
    objectives = study.session.objectives
    if len(found.objectives) != len(objectives):
        raise PriorError(
            f"{found.name} has {len(found.objectives)} objectives, and this study has "
            f"{len(objectives)}; only evaluations of the same can be imported"
        )
    # what turns values into those to be minimised turns them back as well
    reported = objectives.to_minimise(found.to_minimise).tolist()
    for params, values in zip(found.configurations, reported, strict=True):
        renamed = {rename.get(name, name): value for name, value in params.items()}
        try:
            yield exact_params({**fill, **renamed}, study.config.space), tuple(values)
        except SpaceError as error:
            yield error, tuple(values)


def _name_of(source: object, place: int) -> str:
    is_path = isinstance(source, str) or hasattr(source, "__fspath__")
    return str(source) if is_path else f"table {place + 1}"
