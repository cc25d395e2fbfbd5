"""An ensemble for people and for programs (``docs/ensembles.md``)."""

from __future__ import annotations

from typing import Any

from fsopt.codec import to_fields
from fsopt.events import EnsembleBuilt, Record

_DIGITS = ".4g"


def ensemble_json(built: EnsembleBuilt) -> dict[str, Any]:
    """The fields of the event."""
    fields = to_fields(Record("", 0, 0.0, built))
    return {name: value for name, value in fields.items() if name not in ("seq", "time", "event")}


def ensemble_lines(built: EnsembleBuilt) -> list[str]:
    """A few lines of text."""
    members = ", ".join(
        f"{number} ({weight:.3g})"
        for number, weight in sorted(
            zip(built.members, built.weights, strict=True), key=lambda pair: -pair[1]
        )
    )
    lines = [
        f"{len(built.members)} of {built.candidates} trials, by {built.selector.get('kind')} "
        f"selection on {built.loss}; trial (weight): {members}",
        "",
        "on rows that the choice was not made by, in five parts:",
    ]
    width = max(map(len, built.scores), default=0)
    for name, ensemble, single in _scores(built):
        lines.append(f"  {name:<{width}}  ensemble {ensemble:<9}  best single trial {single}")
    return lines


def ensemble_report(built: EnsembleBuilt) -> str:
    """A page of Markdown."""
    selector = ", ".join(f"{name} {value}" for name, value in built.selector.items())
    lines = [
        f"# Ensemble {built.generation} of the predictions `{built.name}`",
        "",
        f"{len(built.members)} members of {built.candidates} trials; aggregated by "
        f"{built.aggregator}. Selected by {built.loss}; {selector}.",
        "",
        "| loss | ensemble | best single trial |",
        "| --- | --- | --- |",
        *(f"| {' | '.join(row)} |" for row in _scores(built)),
        "",
        "Each fifth of the rows is predicted by the ensemble, and by the trial, that is chosen on "
        f"the others. On all rows the best single trial is {built.single}.",
        "",
        "| trial | weight |",
        "| --- | --- |",
        *(f"| {n} | {w:.4g} |" for n, w in zip(built.members, built.weights, strict=True)),
    ]
    return "\n".join(lines) + "\n"


def _scores(built: EnsembleBuilt) -> list[tuple[str, str, str]]:
    return [
        (name, format(value, _DIGITS), format(built.single_scores[name], _DIGITS))
        for name, value in built.scores.items()
    ]
