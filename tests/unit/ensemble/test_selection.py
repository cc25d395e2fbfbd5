import itertools
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsopt.ensemble import (
    AGGREGATORS,
    CalibrationError,
    CrossEntropy,
    Greedy,
    NormalNLL,
    SquaredError,
    TopK,
    ZeroOne,
    loss_of,
    pool,
)
from fsopt.ensemble.pool import Pool
from fsopt.errors import PredictionError
from fsopt.predictions import Prediction

seeds = st.integers(0, 2**32)


def problem(seed: int, models: int, rows: int = 30) -> tuple[np.ndarray, list[Prediction]]:
    random = np.random.default_rng(seed)
    y = random.normal(size=rows)
    made = [
        Prediction.of(y + random.normal(0, s, rows), np.full(rows, s))
        for s in random.uniform(0.5, 2, models)
    ]
    return y, made


def loss_by_hand(loss, y, candidates, counts) -> float:
    """The loss of the aggregated prediction, without any sums kept."""
    found = AGGREGATORS["normal"].aggregate(candidates, counts)
    array = np.column_stack([found.prediction, found.std])
    return loss_of(loss, y, Prediction("normal", array))


def greedy_by_hand(loss, y, candidates, size: int, *, replacement: bool) -> np.ndarray:
    """Caruana's selection as it is told: all additions tried, the best prefix taken."""
    counts = np.zeros(len(candidates))
    best, best_loss = counts, np.inf
    for _ in range(size):
        tried = {
            i: loss_by_hand(loss, y, candidates, counts + np.eye(len(candidates))[i])
            for i in range(len(candidates))
            if replacement or not counts[i]
        }
        if not tried:
            break
        counts = counts + np.eye(len(candidates))[min(tried, key=tried.__getitem__)]
        if min(tried.values()) < best_loss:
            best, best_loss = counts, min(tried.values())
    return best


@settings(max_examples=25, deadline=None)
@given(seeds, st.booleans())
def test_greedy_selection_is_what_brute_force_finds_step_by_step(seed, replacement) -> None:
    y, candidates = problem(seed, 6)
    loss = NormalNLL()
    counts = greedy_by_hand(loss, y, candidates, 8, replacement=replacement)
    chosen = Greedy(loss, 8, replacement=replacement, patience=8).select(y, candidates)
    assert chosen.members == tuple(np.flatnonzero(counts))
    np.testing.assert_allclose(chosen.weights, counts[counts > 0] / counts.sum())
    assert chosen.loss == pytest.approx(loss_by_hand(loss, y, candidates, counts))
    assert chosen.path[-1] == pytest.approx(chosen.loss)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_greedy_selection_is_between_the_best_model_and_the_best_ensemble(seed: int) -> None:
    y, candidates = problem(seed, 4)
    loss = NormalNLL()
    counts = (c for c in itertools.product(range(5), repeat=4) if 1 <= sum(c) <= 4)
    optimum = min(loss_by_hand(loss, y, candidates, c) for c in counts)
    best = min(loss_of(loss, y, one) for one in candidates)
    chosen = Greedy(loss, 4, patience=4).select(y, candidates)
    assert optimum - 1e-9 <= chosen.loss <= best + 1e-9
    pairs = [
        loss_by_hand(loss, y, candidates, np.bincount(p, minlength=4))
        for p in itertools.product(range(4), repeat=2)
        if np.argmin([loss_of(loss, y, one) for one in candidates]) in p
    ]
    assert Greedy(loss, 2).select(y, candidates).loss == pytest.approx(min(pairs))


def test_top_k_are_the_best_ones_with_equal_weights() -> None:
    y, candidates = problem(1, 9)
    losses = [loss_of(NormalNLL(), y, one) for one in candidates]
    chosen = TopK(NormalNLL(), 3).select(y, candidates)
    assert chosen.members == tuple(sorted(np.argsort(losses)[:3]))
    assert chosen.weights == (1 / 3,) * 3
    counts = np.isin(range(9), chosen.members)
    assert chosen.loss == pytest.approx(loss_by_hand(NormalNLL(), y, candidates, counts))
    assert len(TopK(NormalNLL(), 20).select(y, candidates).members) == 9


def test_a_start_with_several_models_keeps_them() -> None:
    y, candidates = problem(2, 9)
    start = TopK(NormalNLL(), 4).select(y, candidates)
    chosen = Greedy(NormalNLL(), 12, start=4).select(y, candidates)
    assert set(start.members) <= set(chosen.members)
    assert chosen.loss <= start.loss
    alone = Greedy(NormalNLL(), 4, start=4).select(y, candidates)
    assert (alone.members, alone.weights) == (start.members, start.weights)


def test_models_that_do_not_help_are_tried_for_a_while_and_left_out() -> None:
    y = np.array([0.0, 0.0])
    candidates = [Prediction.of([0.1, 0.1]), Prediction.of([5.0, 5.0])]
    chosen = Greedy(SquaredError(), 25, start=1, replacement=False).select(y, candidates)
    assert chosen.members == (0,)
    # The second one makes it worse, since a tie is class 0; the third makes all right.
    votes = [Prediction.of(v) for v in ([1, 1, 0], [1, 0, 1], [0, 1, 1])]
    for patience, expected in ((1, 1 / 3), (2, 0.0)):
        greedy = Greedy(ZeroOne(), 3, start=1, replacement=False, patience=patience)
        assert greedy.select(np.ones(3, dtype=np.int64), votes).loss == pytest.approx(expected)


def test_bags_are_repeatable_differ_by_seed_and_have_weights_of_all() -> None:
    y, candidates = problem(3, 20, 15)
    bagged = Greedy(NormalNLL(), 5, bags=10, share=0.3)
    first = bagged.select(y, candidates)
    assert first == bagged.select(y, candidates)
    assert first != replace(bagged, seed=1).select(y, candidates)
    assert sum(first.weights) == pytest.approx(1)
    assert len(first.members) > len(Greedy(NormalNLL(), 5).select(y, candidates).members)
    whole = Greedy(NormalNLL(), 5, bags=3, share=1.0).select(y, candidates)
    plain = Greedy(NormalNLL(), 5).select(y, candidates)
    assert whole.members == plain.members
    np.testing.assert_allclose(whole.weights, plain.weights)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_models_that_tell_of_different_rows_are_compared_where_they_tell(seed: int) -> None:
    y, whole = problem(seed, 5)
    random = np.random.default_rng(seed)
    parts = [one.at(np.arange(30)) for one in whole]
    index = [np.sort(random.permutation(30)[: random.integers(3, 30)]) for _ in parts]
    candidates = [Prediction("normal", p.array[i], i) for p, i in zip(parts, index, strict=True)]
    chosen = Greedy(NormalNLL(), 6).select(y, candidates)
    found = AGGREGATORS["normal"].aggregate(
        [candidates[m] for m in chosen.members], chosen.weights, rows=30
    )
    told = np.isfinite(found.prediction)
    array = np.column_stack([found.prediction, found.std])[told]
    expected = loss_of(NormalNLL(), y[told], Prediction("normal", array))
    assert chosen.loss == pytest.approx(expected)
    assert TopK(NormalNLL(), 1).select(y, candidates).members == (
        int(np.argmin([loss_of(NormalNLL(), y, one) for one in candidates])),
    )


def test_all_rows_named_or_in_another_order_are_the_same_as_all_rows() -> None:
    y, candidates = problem(4, 8)
    order = np.random.default_rng(0).permutation(30)
    named = [Prediction("normal", one.array[order], order) for one in candidates]
    first = Greedy(NormalNLL(), start=1).select(y, candidates)
    second = Greedy(NormalNLL(), start=1).select(y, named)
    assert first.members == second.members
    assert first.weights == second.weights


def test_what_does_not_stay_in_memory_is_read_again_with_the_same_result(monkeypatch) -> None:
    y, candidates = problem(5, 12)
    kept = Greedy(NormalNLL()).select(y, candidates)
    counted = [Counted(one) for one in candidates]
    Greedy(NormalNLL()).select(y, counted)
    assert all(one.times == counted[-1].times for one in counted[1:])
    monkeypatch.setattr(pool, "KEPT_BYTES", 3 * 2 * 30 * 8)
    again = [Counted(one) for one in candidates]
    assert Greedy(NormalNLL()).select(y, again) == kept
    assert again[2].times == counted[2].times
    assert again[3].times > counted[3].times


@dataclass
class Counted:
    prediction: Prediction
    times: int = field(default=0)

    def load(self) -> Prediction:
        self.times += 1
        return self.prediction


def test_classes_vote_and_may_be_ones_that_are_not_among_the_true_ones() -> None:
    y = np.array([0, 1, 1, 0])
    votes = [Prediction.of(v) for v in ([0, 1, 2, 1], [0, 0, 1, 0], [5, 1, 1, 1], [0, 1, 0, 0])]
    chosen = Greedy(ZeroOne(), 5).select(y, votes)
    assert chosen.loss == 0
    found = AGGREGATORS["labels"].aggregate([votes[m] for m in chosen.members], chosen.weights)
    assert found.prediction.tolist() == y.tolist()
    with pytest.raises(PredictionError, match="not of labels"):
        Greedy(CrossEntropy()).select(y, votes)


def test_calibration_can_be_selected_for() -> None:
    random = np.random.default_rng(6)
    y = random.integers(0, 2, 300)
    p = np.clip(0.5 + (y - 0.5) * 0.4 + random.normal(0, 0.3, (5, 300)), 0.02, 0.98)
    candidates = [Prediction.of(np.column_stack([1 - one, one])) for one in p]
    own = [loss_of(CalibrationError(), y, one) for one in candidates]
    assert Greedy(CalibrationError(), start=1).select(y, candidates).loss < min(own)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: TopK(SquaredError(), 0), "size"),
        (lambda: Greedy(SquaredError(), 0), "size"),
        (lambda: Greedy(SquaredError(), 5, start=6), "start"),
        (lambda: Greedy(SquaredError(), bags=-1), "bags"),
        (lambda: Greedy(SquaredError(), share=0.0), "share"),
        (lambda: Greedy(SquaredError(), patience=0), "patience"),
        (lambda: Greedy(SquaredError()).select(np.zeros(2), []), "no predictions"),
        (lambda: TopK(SquaredError()).select(np.zeros((2, 2)), [Prediction.of([1.0])]), "list"),
        (lambda: TopK(SquaredError()).select(np.zeros(0), [Prediction.of([1.0])]), "list"),
        (
            lambda: TopK(ZeroOne()).select(
                np.array([0]), [Prediction.of([[1.0, 0]]), Prediction.of([[1.0, 0, 0]])]
            ),
            "different numbers of classes",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make, what: str) -> None:
    with pytest.raises(PredictionError, match=what):
        make()


def test_options_are_told_but_for_the_loss() -> None:
    assert TopK(SquaredError(), 3).options == {"size": 3}
    options = Greedy(SquaredError(), 9, seed=4).options
    assert options["size"] == 9
    assert options["start"] == 1
    assert Greedy(SquaredError()).options["start"] == 5
    assert options["seed"] == 4
    assert "loss" not in options


@pytest.mark.parametrize("masked", [False, True])
def test_candidates_judged_by_some_rows_are_those_that_know_only_these(masked: bool) -> None:
    random = np.random.default_rng(3)
    y = random.normal(size=30)
    index = np.sort(random.permutation(30)[:20]) if masked else None
    known = slice(None) if index is None else index
    candidates = [
        Prediction.of(y[known] + random.normal(size=y[known].shape), index=index) for _ in range(5)
    ]
    rows = np.array([1, 2, 3, 11, 12, 13, 25, 26])
    part = Pool(SquaredError(), y, candidates).at(rows)
    alone = Pool(SquaredError(), y[rows], [one.at(rows) for one in candidates])
    np.testing.assert_allclose(part.own, alone.own)
    assert Greedy(SquaredError(), 5).choose(part) == Greedy(SquaredError(), 5).choose(alone)
