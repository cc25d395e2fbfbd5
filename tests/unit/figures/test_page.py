"""The page: self-contained, small, and with every text of a study as text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

import fsopt
from fsopt import Categorical, Float, Space
from fsopt.events import Record, TrialCompleted, TrialStarted
from fsopt.figures import progress, spaces
from fsopt.figures.data import read
from fsopt.figures.page import Group, page
from fsopt.figures.report import report
from tests.unit.figures.studies import data_of, rich_study, study_of

HOSTILE = "<script>alert(1)</script>"
REASON = '<img src=x onerror="alert(2)"> & more'


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the texts of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] in ("script", "style") and data.strip():
            self.raw.append((self.found[-1][0], data))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def hostile_study() -> fsopt.Study:
    space = Space(Float(HOSTILE, 0.0, 1.0), Categorical("kind", ["</script>", "<b>", "plain"]))
    study = fsopt.create_study(
        None,
        space=space,
        objectives={"<u>value</u>": "minimize"},
        seed=1,
        optimizer=fsopt.RandomSearch(),
    )
    for value in range(12):
        study.tell(study.ask(), float(value))
    study.tell(study.ask(), fsopt.Failure(REASON))
    return study


def big_study(trials: int) -> fsopt.Study:
    names = [f"parameter_{i}" for i in range(10)]
    study = fsopt.create_study(None, space=Space(*(Float(n, 0.0, 1.0) for n in names)), seed=1)
    draws = np.random.default_rng(0).random((trials, len(names)))
    for number, row in enumerate(draws.tolist()):
        started = TrialStarted(trial=number, params=dict(zip(names, row, strict=True)), by="r")
        ended = TrialCompleted(trial=number, values=(sum(row[:3]),), duration=1.0)
        study.state.apply(Record("w", 2 * number, 1e9 + number, started))
        study.state.apply(Record("w", 2 * number + 1, 1e9 + number + 0.9, ended))
    return study


def test_names_and_reasons_that_look_like_markup_stay_text() -> None:
    text = report([hostile_study()])
    elements = Elements(text)
    assert len(elements.named("script")) == 2  # the data and our own
    assert not elements.named("img")
    assert not elements.named("b")
    assert not elements.named("u")
    assert HOSTILE not in text
    raw = next(raw for tag, raw in elements.raw if raw.startswith("{"))
    assert not set("<>&") & set(raw)
    told = json.loads(raw)
    names = [column["name"] for column in told["groups"][0]["trials"]["columns"]]
    assert HOSTILE in names


def test_a_page_loads_nothing_and_allows_only_its_own_script() -> None:
    text = report([study_of([3.0, 2.0, 1.0])])
    elements = Elements(text)
    for _, attributes in elements.found:
        assert not {"src", "onclick", "onload", "style"} & set(attributes)
        assert str(attributes.get("href", "#")).startswith("#")
    (policy,) = (
        str(a["content"])
        for a in elements.named("meta")
        if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'")
    own = re.findall(r"<(style|script)>(.*?)</\1>", text, re.DOTALL)
    for kind, content in own:
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def decoded(text: str) -> np.ndarray:
    kind = {"f": "<f4", "d": "<f8", "i": "<i4"}[text[0]]
    return np.frombuffer(base64.b64decode(text[1:]), dtype=kind)


def test_the_data_of_a_page_are_the_numbers_of_its_charts() -> None:
    data = data_of([3.0, 5.0, 1.0])
    chart = progress.history(data)
    told = json.loads(Elements(page("p", [Group(data, [chart])])).raw[1][1])
    (line,) = (
        mark
        for mark in told["groups"][0]["charts"][0]["panels"][0]["marks"]
        if mark["label"] == "best so far"
    )
    assert decoded(told["columns"][line["y"]["column"]]).tolist() == [3, 3, 1]


def test_a_column_that_several_figures_use_is_there_once() -> None:
    data = read(rich_study(20))
    charts = [spaces.parallel(data), spaces.slices(data), spaces.parallel(data)]
    columns = json.loads(Elements(page("p", [Group(data, charts)])).raw[1][1])["columns"]
    assert len(set(columns)) == len(columns)


@pytest.mark.parametrize("value", [1e300, 1e-300])
def test_numbers_beyond_seven_digits_keep_their_size(value: float) -> None:
    told = json.loads(Elements(page("p", [Group(data_of([value, 2 * value]), [])])).raw[1][1])
    columns = [decoded(column).tolist() for column in told["columns"]]
    assert [value, 2 * value] in columns


def test_a_report_of_ten_thousand_trials_is_below_five_megabytes() -> None:
    assert len(report([big_study(10_000)]).encode()) < 5_000_000


def test_a_report_tells_what_people_ask() -> None:
    study = rich_study(30)
    study.tell(study.ask(), fsopt.Failure("out of luck"))
    text = report([study])
    for wanted in (
        "out of luck",
        "Pareto front",
        "Int(&#x27;units&#x27;, 8, 128, log=True)",
        "--seed 3",
        "fsopt verify",
        "RandomSearch" if "RandomSearch" in text else "random",
    ):
        assert wanted in text


def test_several_studies_are_compared() -> None:
    text = report([study_of([3.0, 2.0]), study_of([4.0, 1.0])])
    assert "2 studies" in text
    assert text.count('id="history-') == 2
    assert 'id="comparison-0"' in text


def test_a_study_without_trials_has_a_report() -> None:
    text = report([study_of([])])
    assert "No trial is completed yet" in text
    assert "Figures that there are not" in text


def test_a_report_that_follows_a_study_is_loaded_again() -> None:
    assert '<meta http-equiv="refresh" content="30">' in report([study_of([1.0])], refresh=30)
    assert 'http-equiv="refresh"' not in report([study_of([1.0])])
