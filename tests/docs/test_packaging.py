"""The drafts of packages for conda-forge and Spack ask for what pyproject.toml asks for."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
DRAFTS = ROOT / "docs" / "packaging"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OTHER_NAMES = {"matplotlib-base": "matplotlib", "ray-core": "ray"}


def required(requirements: list[str]) -> dict[str, str]:
    pairs = (re.fullmatch(r"([\w-]+)>=([\d.]+)", text) for text in requirements)
    return {pair[1].lower(): pair[2] for pair in pairs if pair}


BASE = required(PROJECT["dependencies"])
EXTRAS = required([text for group in PROJECT["optional-dependencies"].values() for text in group])


def test_conda_gets_all_dependencies_and_knows_how_old_extras_may_be() -> None:
    recipe = (DRAFTS / "conda-forge" / "recipe.yaml").read_text()
    _, run, constraints = re.split(r"^  run(?:_constraints)?:.*$", recipe, flags=re.MULTILINE)
    listed = r"^    - ([\w-]+) >=([\d.]+)$"
    assert dict(re.findall(listed, run, re.MULTILINE)) == BASE
    for name, oldest in re.findall(listed, constraints.partition("\ntests:")[0], re.MULTILINE):
        assert EXTRAS[OTHER_NAMES.get(name, name)] == oldest, name


def test_spack_gets_all_dependencies_and_variants_are_extras() -> None:
    package = (DRAFTS / "spack" / "package.py").read_text()
    asked = re.findall(r'depends_on\("py-([\w-]+)@([\d.]+):"(?:, when="\+(\w+)")?\)', package)
    assert {name: oldest for name, oldest, variant in asked if not variant} == BASE
    variants = set(re.findall(r'variant\("(\w+)"', package))
    assert variants == {variant for *_, variant in asked if variant}
    for name, oldest, variant in asked:
        if variant:
            assert f"{name}>={oldest}" in PROJECT["optional-dependencies"][variant]


def test_the_drafts_have_the_version_and_the_oldest_python() -> None:
    version = re.search(r'__version__ = "(.+)"', (ROOT / "fsopt" / "__init__.py").read_text())
    assert version is not None
    python = PROJECT["requires-python"].removeprefix(">=")
    recipe = (DRAFTS / "conda-forge" / "recipe.yaml").read_text()
    assert f'version: "{version[1]}"\n  python_min: "{python}"' in recipe
    package = (DRAFTS / "spack" / "package.py").read_text()
    assert f'version("{version[1]}"' in package
    assert f'depends_on("python@{python}:"' in package
