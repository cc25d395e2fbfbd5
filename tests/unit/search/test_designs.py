from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats.qmc import Halton

from fsopt.errors import StudyError
from fsopt.history import History
from fsopt.search import GridSearch, HaltonSearch, LatinHypercubeSearch, SobolSearch, quasirandom
from fsopt.search.designs import DESIGNS, initial_design
from fsopt.search.quasirandom import halton_points
from fsopt.space import Float, Space, unique_rows

BOX = Space(Float("x", 0.0, 1.0), Float("y", 0.0, 1.0), Float("z", 0.0, 1.0))


def test_without_a_scramble_halton_points_are_the_known_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unscrambled(dimensions: int, seed: int, scramble: int) -> list[NDArray[np.int64]]:
        return [np.tile(np.arange(base), (20, 1)) for base in (2, 3, 5, 7, 11)]

    monkeypatch.setattr(quasirandom, "_permuted_digits", unscrambled)
    expected = Halton(5, scramble=False).random(300)
    np.testing.assert_allclose(halton_points(5, range(300), 11), expected, atol=1e-14)


def test_halton_points_are_found_by_their_index() -> None:
    some = [299, 2**40, 3]
    alone = [halton_points(5, [index], 11, 2) for index in some]
    np.testing.assert_array_equal(halton_points(5, some, 11, 2), np.concatenate(alone))


@pytest.mark.parametrize("seed", [0, 1, 2**53 - 1])
def test_halton_points_fill_every_interval_of_a_scrambled_base(seed: int) -> None:
    points = halton_points(3, range(450), seed)
    assert ((points >= 0) & (points < 1)).all()
    for column, cells in enumerate((2, 9, 25)):
        counts = np.bincount(np.floor(points[:, column] * cells).astype(int))
        assert counts.tolist() == [450 // cells] * cells
    assert not np.array_equal(points, halton_points(3, range(450), seed, 1))


def test_halton_search_fills_every_third_and_every_fifth() -> None:
    units = HaltonSearch().suggest(History.empty(BOX), range(30), 3)
    for column, base in enumerate((2, 3, 5)):
        counts = np.bincount(np.floor(units[:, column] * base).astype(int))
        assert counts.tolist() == [30 // base] * base


@pytest.mark.parametrize(("points", "size"), [(17, 17), (None, 30)])
def test_each_run_of_trials_is_a_latin_hypercube(points: int | None, size: int) -> None:
    search = LatinHypercubeSearch(points=points)
    units = search.suggest(History.empty(BOX), range(2 * size), 3)
    for cube in (units[:size], units[size:]):
        for column in cube.T:
            assert sorted(np.floor(column * size).astype(int)) == list(range(size))
    assert len(unique_rows(units)) == 2 * size


@pytest.mark.parametrize("points", [0, 2.0, True])
def test_a_hypercube_has_at_least_one_point(points: int) -> None:
    with pytest.raises(StudyError, match="points must be an integer of 1 or more"):
        LatinHypercubeSearch(points=points)


@pytest.mark.parametrize("levels", [1, 2.0, True])
def test_a_grid_has_at_least_two_levels(levels: int) -> None:
    with pytest.raises(StudyError, match="levels must be an integer of 2 or more"):
        GridSearch(levels=levels)


@pytest.mark.parametrize("kind", DESIGNS)
def test_a_design_serves_more_trials_than_it_was_made_for(kind: str) -> None:
    design = initial_design(kind, 5)
    assert design.kind == kind
    units = design.suggest(History.empty(Space(Float("x", 0.0, 1.0))), range(40), 3)
    assert len(unique_rows(units)) == 40


def test_the_grid_of_a_design_comes_first() -> None:
    units = initial_design("grid", 5).suggest(History.empty(BOX), range(125), 3)
    assert set(np.unique(units)) == {0.0, 0.25, 0.5, 0.75, 1.0}


def test_the_default_design_is_sobols() -> None:
    assert initial_design("sobol", 5) == SobolSearch()


def test_an_unknown_design_is_named() -> None:
    with pytest.raises(StudyError, match=r"must be one of sobol, lhs, .* not 'latin'"):
        initial_design("latin", 5)


def test_workers_without_contact_draw_different_hypercubes() -> None:
    search = LatinHypercubeSearch(points=4)
    rows = [search.suggest(History.empty(BOX), [number], 3) for number in range(12)]
    assert len(unique_rows(np.concatenate(rows))) == 12
