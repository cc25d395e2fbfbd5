"""The report in a real browser, headless: drawn, linked, usable by keyboard, and alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fsopt.figures.report import report
from tests.components import component
from tests.unit.figures.studies import rich_study
from tests.unit.figures.test_page import hostile_study

pytestmark = pytest.mark.real

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

IS_DRAWN = """canvas => {
  const pen = canvas.getContext("2d");
  const {data} = pen.getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size > 8;
}"""
PICTURE = "canvas => canvas.toDataURL()"


@dataclass
class Opened:
    """A page, and what it did that it should not."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def settle(self) -> None:
        self.page.wait_for_timeout(150)

    def canvases(self, name: str) -> list[Any]:
        return self.page.query_selector_all(f'[id="{name}-0"] canvas')

    def count(self) -> str:
        return self.page.locator("output").first.inner_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    component(CHROMIUM is not None, "chromium is not installed")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        component(False, "playwright is not installed")
    # what pytest's warnings filter would turn into errors is not ours
    with sync_playwright() as driver:
        arguments = ["--no-sandbox", "--disable-gpu"]
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("pages")
    rich = rich_study(80)
    (directory / "rich.html").write_text(report([rich]))
    (directory / "hostile.html").write_text(report([hostile_study()]))
    (directory / "both.html").write_text(report([rich, rich_study(20)]))
    return directory


def opened(browser: Any, path: Path, **options: Any) -> Opened:
    width = options.pop("width", 1200)
    found = Opened(browser.new_page(viewport={"width": width, "height": 900}, **options))
    page = found.page
    page.on("console", lambda message: found.complaints.append(message.text))
    page.on("pageerror", lambda error: found.complaints.append(str(error)))
    page.on("dialog", lambda dialog: found.complaints.append(dialog.message))
    page.on("request", lambda request: found.requests.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready]")
    # only what is seen is drawn, so all must be seen
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(700)
    return found


@pytest.mark.parametrize("name", ["rich.html", "hostile.html", "both.html"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_figure_is_drawn_without_complaint_or_network(
    browser: Any, pages: Path, name: str, scheme: str
) -> None:
    found = opened(browser, pages / name, color_scheme=scheme)
    canvases = found.page.query_selector_all("canvas")
    assert len(canvases) > 15
    blank = [
        canvas.get_attribute("aria-label") for canvas in canvases if not canvas.evaluate(IS_DRAWN)
    ]
    assert blank == []
    assert found.complaints == []
    assert found.requests == [(pages / name).as_uri()]
    if folder := os.environ.get("FSOPT_SCREENSHOTS"):
        found.page.screenshot(path=f"{folder}/{name}-{scheme}.png", full_page=True)
    found.page.close()


def test_texts_that_look_like_markup_are_seen_as_text(browser: Any, pages: Path) -> None:
    found = opened(browser, pages / "hostile.html")
    assert found.page.query_selector("img, b, u") is None
    assert '<img src=x onerror="alert(2)"> & more' in found.page.inner_text("body")
    assert found.complaints == []
    found.page.close()


def test_brushing_an_axis_selects_the_same_trials_in_all_figures(
    browser: Any, pages: Path
) -> None:
    found = opened(browser, pages / "rich.html")
    (parallel,) = found.canvases("parallel")
    (others,) = found.canvases("history")[:1]
    before = others.evaluate(PICTURE)
    parallel.scroll_into_view_if_needed()
    box = parallel.bounding_box()
    x, top, bottom = box["x"] + 40, box["y"] + 44, box["y"] + box["height"] - 42
    found.page.mouse.move(x, top - 3)
    found.page.mouse.down()
    found.page.mouse.move(x, (top + bottom) / 2, steps=5)
    found.page.mouse.up()
    found.settle()
    selected = int(found.count().split()[0])
    assert 20 < selected < 60  # the upper half of an axis on which trials are spread evenly
    assert "of 80 trials selected" in found.count()
    assert others.evaluate(PICTURE) != before
    rows = found.page.locator(".selection table tr")
    assert rows.count() == min(selected, 25) + 1
    found.page.mouse.click(x, top + 5)  # a click takes the range away
    found.settle()
    assert found.count() == "80 trials"
    assert others.evaluate(PICTURE) == before
    found.page.close()


def test_a_rectangle_selects_what_is_in_it(browser: Any, pages: Path) -> None:
    found = opened(browser, pages / "rich.html")
    canvas = found.canvases("slice")[0]
    box = canvas.bounding_box()
    found.page.mouse.move(box["x"] + 64, box["y"] + 6)
    found.page.mouse.down()
    found.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 45, steps=5)
    found.page.mouse.up()
    found.settle()
    assert 5 < int(found.count().split()[0]) < 75
    found.page.close()


def test_keys_reach_trials_and_tell_them_aloud(browser: Any, pages: Path) -> None:
    found = opened(browser, pages / "rich.html")
    canvas = found.canvases("history")[0]
    canvas.focus()
    found.page.keyboard.press("ArrowRight")
    told = found.page.inner_text("[aria-live=polite].unseen")
    assert told.startswith("trial 0, completed: loss ")
    assert "solver" in told
    found.page.keyboard.press("Enter")
    found.settle()
    assert found.count() == "1 of 80 trials selected"
    found.page.keyboard.press("Escape")
    found.settle()
    assert found.count() == "80 trials"
    found.page.close()


def test_numbers_select_as_well(browser: Any, pages: Path) -> None:
    found = opened(browser, pages / "rich.html")
    page = found.page
    page.select_option("select[id=column-0]", label="layers")
    page.fill("input[aria-label=from]", "3")
    page.get_by_role("button", name="Select", exact=True).click()
    found.settle()
    cells = page.locator(".selection table tr td:nth-child(7)").all_inner_texts()
    assert set(cells) == {"3"}
    page.close()


def test_a_cube_turns(browser: Any, pages: Path) -> None:
    found = opened(browser, pages / "rich.html")
    (canvas,) = found.canvases("scatter3d")
    before = canvas.evaluate(PICTURE)
    box = canvas.bounding_box()
    found.page.mouse.move(box["x"] + 200, box["y"] + 200)
    found.page.mouse.down()
    found.page.mouse.move(box["x"] + 300, box["y"] + 220, steps=4)
    found.page.mouse.up()
    found.settle()
    assert canvas.evaluate(PICTURE) != before
    found.page.close()


def test_the_best_configuration_is_copied(browser: Any, pages: Path) -> None:
    found = opened(browser, pages / "hostile.html")
    found.page.click("button[data-copy]")
    found.settle()
    assert found.page.inner_text("button[data-copy]") in ("Copied", "Selected; press Ctrl+C")
    found.page.close()


def test_on_a_narrow_screen_nothing_is_cut_off(browser: Any, pages: Path) -> None:
    found = opened(browser, pages / "rich.html", width=360)
    assert found.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert found.complaints == []
    found.page.close()
