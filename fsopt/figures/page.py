"""Charts as one self-contained page that a browser opens without any network.

The data lie in the page as JSON, columns of numbers once each however many figures use them. One
script and one style sheet, both of our own, are allowed by their hashes; everything else,
and every connection, is forbidden by the page's own policy (Content-Security-Policy).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsopt.figures.chart import PALETTE, Chart
from fsopt.figures.data import StudyData, parameter_axis
from fsopt.state import TrialState

_ASSETS = Path(__file__).parent / "assets"
_SCRIPTS = ("numbers.js", "draw.js", "select.js", "page.js")
_STATES = [state.value for state in TrialState]


@dataclass(frozen=True, slots=True)
class Group:
    """A part of a page: charts in which the same trials are selected."""

    data: StudyData | None
    """The study that they show; None if they show several."""
    charts: Sequence[Chart]
    before: str = ""
    """The HTML that comes before them."""
    after: str = ""
    """And after them."""


def page(title: str, groups: Sequence[Group], *, refresh: int | None = None) -> str:
    """A page with charts.

    Args:
        title: Its title.
        groups: Its parts.
        refresh: After how many seconds a browser loads it again, if it shall.

    Returns:
        HTML. Every text of a study is escaped in it.
    """
    script = "\n".join((_ASSETS / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    script = f'"use strict";(() => {{\n{script}\n}})();'
    style = (_ASSETS / "page.css").read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = "".join(_group_html(index, group) for index, group in enumerate(groups))
    again = f'<meta http-equiv="refresh" content="{refresh}">\n' if refresh else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"{again}<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"<main>\n{parts}\n</main>\n"
        f'<script type="application/json" id="data">{encode(groups)}</script>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"sha256-{digest}"


def _group_html(index: int, group: Group) -> str:
    figures = "".join(
        f'<section class="chart" id="{chart.name}-{index}"><h3>{escape(chart.title)}</h3>'
        f'<p class="caption">{escape(chart.caption)}</p>'
        f'<div class="panels" data-group="{index}" data-chart="{at}"></div></section>'
        for at, chart in enumerate(group.charts)
    )
    selection = f'<div class="selection" data-group="{index}"></div>' if group.data else ""
    return f"<article>{group.before}<div>{selection}{figures}</div>{group.after}</article>"


def encode(groups: Iterable[Group]) -> str:
    """The data of a page as JSON that may stand in HTML."""
    columns = _Columns()
    told = [
        {
            "trials": _trials(group.data, columns) if group.data else None,
            "charts": [_plain(chart, columns) for chart in group.charts],
        }
        for group in groups
    ]
    document = {"palette": PALETTE, "groups": told, "columns": columns.encoded}
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    # nothing in it may look like the end of the script element, or like a comment
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


class _Columns:
    """Arrays of numbers, each kept once."""

    def __init__(self) -> None:
        self.encoded: list[str] = []
        self._known: dict[str, int] = {}

    def add(self, numbers: NDArray[Any]) -> dict[str, int]:
        """The place of an array among all, in the form in which JSON refers to it."""
        text = _encoded(numbers)
        at = self._known.setdefault(text, len(self.encoded))
        if at == len(self.encoded):
            self.encoded.append(text)
        return {"column": at}


def _encoded(numbers: NDArray[Any]) -> str:
    """A letter for the type, and the bytes in base 64.

    Seven digits are enough for pictures, unless numbers are too large or too small for them.
    """
    if numbers.dtype.kind in "iub":
        kind, array = "i", np.ascontiguousarray(numbers, dtype="<i4")
    else:
        with np.errstate(over="ignore", under="ignore"):
            array = np.ascontiguousarray(numbers, dtype="<f4")
        lost = (np.isinf(array) & np.isfinite(numbers)) | ((array == 0) & (numbers != 0))
        kind = "f"
        if lost.any():
            kind, array = "d", np.ascontiguousarray(numbers, dtype="<f8")
    return kind + base64.b64encode(array.tobytes()).decode()


def _plain(thing: object, columns: _Columns) -> Any:
    """A dataclass as JSON, with its kind, and arrays as references to columns."""
    if isinstance(thing, np.ndarray):
        if thing.ndim == 2:
            return [columns.add(column) for column in thing.T]
        return columns.add(thing)
    if is_dataclass(thing):
        told = {f.name: _plain(getattr(thing, f.name), columns) for f in fields(thing)}
        return {"kind": type(thing).__name__, **told}
    if isinstance(thing, tuple | list):
        return [_plain(each, columns) for each in thing]
    return thing


def _trials(data: StudyData, columns: _Columns) -> dict[str, Any]:
    """What the page tells of a trial that is pointed at."""
    states = np.array([_STATES.index(state) for state in data.states.tolist()], dtype=np.int64)
    told = [
        {"name": name, "numbers": columns.add(data.values[:, i]), "names": []}
        for i, name in enumerate(data.objectives.directions)
    ]
    told += [
        {
            "name": parameter.name,
            "numbers": columns.add(data.rows[:, i]),
            "names": parameter_axis(parameter).names,
        }
        for i, parameter in enumerate(data.space.parameters)
    ]
    duration = data.table["duration"].to_numpy(dtype=np.float64)
    told.append({"name": "seconds", "numbers": columns.add(duration), "names": []})
    return {
        "numbers": columns.add(data.numbers),
        "states": columns.add(states),
        "state_names": _STATES,
        "columns": told,
    }
