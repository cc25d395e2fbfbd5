"""The documents as a site: it builds without a warning, offline, with every page and name."""

import subprocess
import sys
from pathlib import Path

import pytest

import fsopt
from fsopt.cli.main import VERBS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    words += ["-d", made / "doctrees", ROOT / "docs", made / "html"]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return made / "html"


def test_every_document_is_a_page(site: Path) -> None:
    for document in (ROOT / "docs").rglob("*.md"):
        page = document.relative_to(ROOT / "docs").with_suffix(".html")
        assert (site / page).is_file(), page
        assert str(page) == "index.html" or str(page) in (site / "index.html").read_text()


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    text = (site / "reference" / "python.html").read_text()
    for name in set(fsopt.__all__) - {"__version__", "FsoptError"}:
        assert f'id="fsopt.{name}"' in text, name


def test_every_verb_is_in_the_reference_with_its_example(site: Path) -> None:
    text = (site / "reference" / "commands.html").read_text()
    for verb in VERBS:
        assert f'id="fsopt-{verb}"' in text, verb
    assert "--study runs/mine" in text  # two dashes, not one long one


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        for mark in ('src="http', 'src="//', 'rel="stylesheet" href="http', "@import"):
            assert mark not in page.read_text(), (page, mark)
