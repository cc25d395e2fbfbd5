"""The stoppers by name, and how one is recorded in a study and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from fsopt.errors import StudyError
from fsopt.stop.base import Stopper
from fsopt.stop.combined import AllOf, AnyOf
from fsopt.stop.constant import ConstantStop
from fsopt.stop.extrapolation import LearningCurveExtrapolation
from fsopt.stop.halving import SuccessiveHalving
from fsopt.stop.hyperband import Hyperband
from fsopt.stop.percentile import MedianStop, PercentileStop
from fsopt.stop.simple import Patience, Threshold

_ALL: tuple[type[Any], ...] = (
    AllOf,
    AnyOf,
    ConstantStop,
    Hyperband,
    LearningCurveExtrapolation,
    MedianStop,
    Patience,
    PercentileStop,
    SuccessiveHalving,
    Threshold,
)

STOPPERS: Mapping[str, type[Any]] = {stopper.kind: stopper for stopper in _ALL}
"""Every stopper that a study can record, by its `kind`. A new one is added above."""

_PARTS = "stoppers"  # what combinations are made of


def stopper_to_json(stopper: Stopper) -> dict[str, Any]:
    """A stopper as a JSON object: its kind and all of its options.

    Those of which a combination is made are a list of such objects.

    Raises:
        StudyError: If it is not one of `STOPPERS`, so that it could not be read back.
    """
    if type(stopper) is not STOPPERS.get(stopper.kind):
        raise StudyError(
            f"{type(stopper).__name__} can't be recorded in a study; known stoppers are "
            f"{', '.join(sorted(STOPPERS))}"
        )
    written: dict[str, Any] = {"kind": stopper.kind}
    if isinstance(stopper, AllOf | AnyOf):
        return written | {_PARTS: [stopper_to_json(part) for part in stopper.stoppers]}
    for field in fields(STOPPERS[stopper.kind]):
        value = getattr(stopper, field.name)
        written[field.name] = list(value) if isinstance(value, tuple) else value
    return written


def stopper_from_json(data: object) -> Stopper:
    """The stopper that `stopper_to_json` wrote.

    Raises:
        StudyError: If the kind or an option is unknown, or an option's value makes no sense.
    """
    options = dict(data) if isinstance(data, Mapping) else {}
    kind = options.pop("kind", None)
    if not isinstance(kind, str) or kind not in STOPPERS:
        raise StudyError(
            f"unknown stopper {kind!r}; known are {', '.join(sorted(STOPPERS))}. "
            "A newer fsopt may know it"
        )
    allowed = [field.name for field in fields(STOPPERS[kind])]
    for name in options:
        if name not in allowed:
            raise StudyError(
                f"stopper {kind!r} has no option {name!r}; its options are "
                f"{', '.join(allowed)}. A newer fsopt may know it"
            )
    given = [tuple(value) if isinstance(value, list) else value for value in options.values()]
    parts = options.get(_PARTS)
    made: Stopper
    try:
        if _PARTS in allowed:
            made = STOPPERS[kind](*(stopper_from_json(part) for part in parts or ()))
        else:
            made = STOPPERS[kind](**dict(zip(options, given, strict=True)))
    except TypeError as error:
        raise StudyError(f"stopper {kind!r} can't be made of {options}: {error}") from error
    return made
