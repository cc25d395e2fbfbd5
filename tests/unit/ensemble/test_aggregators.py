import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsopt.ensemble import Mean, MixtureOfCategoricals, MixtureOfNormals, Mode
from fsopt.errors import PredictionError
from fsopt.predictions import Prediction

seeds = st.integers(0, 2**32)


def normals(random: np.random.Generator, members: int, rows: int = 4) -> list[Prediction]:
    return [
        Prediction.of(random.normal(size=rows), random.uniform(0.1, 2, rows))
        for _ in range(members)
    ]


def categoricals(random: np.random.Generator, members: int, rows: int = 4) -> list[Prediction]:
    return [Prediction.of(random.dirichlet([0.5] * 3, rows)) for _ in range(members)]


def test_a_mixture_of_normals_has_the_moments_of_its_draws() -> None:
    random = np.random.default_rng(0)
    for _ in range(5):
        members = normals(random, 4, 1)
        weights = random.dirichlet([1] * 4)
        found = MixtureOfNormals().aggregate(members, weights)
        who = random.choice(4, 400_000, p=weights)
        mean, deviation = np.array([m.array[0] for m in members])[who].T
        draws = random.normal(mean, deviation)
        np.testing.assert_allclose(found.prediction, draws.mean(), atol=0.02)
        np.testing.assert_allclose(found.total, draws.var(), rtol=0.02)
        np.testing.assert_allclose(found.aleatoric, (deviation**2).mean(), rtol=0.02)
        np.testing.assert_allclose(found.epistemic, mean.var(), rtol=0.02)
        np.testing.assert_allclose(found.std, draws.std(), rtol=0.02)


def test_a_mixture_of_categoricals_has_the_variance_of_its_draws() -> None:
    random = np.random.default_rng(1)
    members, weights = categoricals(random, 4, 1), random.dirichlet([1] * 4)
    found = MixtureOfCategoricals("variance").aggregate(members, weights)
    who = random.choice(4, 400_000, p=weights)
    p = np.array([m.array[0] for m in members])[who]
    draws = (random.uniform(size=(len(p), 1)) > p.cumsum(axis=1)).sum(axis=1)
    shares = np.bincount(draws, minlength=3) / len(draws)
    np.testing.assert_allclose(found.prediction[0], shares, atol=0.01)
    # the variance of the class as a unit vector, summed over its coordinates
    np.testing.assert_allclose(found.total, np.eye(3)[draws].var(axis=0).sum(), rtol=0.01)
    np.testing.assert_allclose(found.epistemic, p.var(axis=0).sum(), rtol=0.02)


@given(seeds, st.integers(1, 6))
def test_the_parts_are_those_of_the_law_of_total_variance(seed: int, k: int) -> None:
    random = np.random.default_rng(seed)
    members, weights = normals(random, k), random.uniform(0.01, 1, k)
    w = weights / weights.sum()
    mean, deviation = np.array([m.array for m in members]).transpose(2, 0, 1)
    found = MixtureOfNormals().aggregate(members, weights)
    mu = w @ mean
    np.testing.assert_allclose(found.prediction, mu)
    np.testing.assert_allclose(found.aleatoric, w @ deviation**2)
    np.testing.assert_allclose(found.epistemic, w @ (mean - mu) ** 2, atol=1e-12)
    np.testing.assert_allclose(found.total, w @ (deviation**2 + mean**2) - mu**2)


@given(seeds, st.integers(1, 6))
def test_the_parts_of_entropy_are_its_mean_and_the_mutual_information(seed: int, k: int) -> None:
    random = np.random.default_rng(seed)
    members, weights = categoricals(random, k), random.uniform(0.01, 1, k)
    w = weights / weights.sum()
    p = np.array([m.array for m in members])
    found = MixtureOfCategoricals().aggregate(members, weights)
    joint = w[:, None, None] * p
    with np.errstate(divide="ignore", invalid="ignore"):
        mutual = np.nansum(joint * np.log(joint / (w[:, None, None] * joint.sum(axis=0))), (0, 2))
        total = -np.nansum(joint.sum(axis=0) * np.log(joint.sum(axis=0)), axis=1)
    np.testing.assert_allclose(found.prediction, joint.sum(axis=0))
    np.testing.assert_allclose(found.epistemic, mutual, atol=1e-12)
    np.testing.assert_allclose(found.total, total, atol=1e-12)


@pytest.mark.parametrize("measure", ["entropy", "variance"])
def test_certain_members_that_differ_are_epistemic_and_equal_ones_are_not(measure) -> None:
    sure = [Prediction.of([[1.0, 0.0]]), Prediction.of([[0.0, 1.0]])]
    found = MixtureOfCategoricals(measure).aggregate(sure)
    expected = np.log(2) if measure == "entropy" else 0.5
    np.testing.assert_allclose([found.aleatoric, found.epistemic], [[0], [expected]])
    found = MixtureOfCategoricals(measure).aggregate([Prediction.of([[0.5, 0.5]])] * 3)
    np.testing.assert_allclose([found.aleatoric, found.epistemic], [[expected], [0]], atol=1e-15)


def test_large_means_do_not_drown_small_variances() -> None:
    members = [Prediction.of([1e9 + d], [1e-3]) for d in (-1.0, 1.0)]
    found = MixtureOfNormals().aggregate(members)
    np.testing.assert_allclose(found.epistemic, 1.0)
    np.testing.assert_allclose(found.aleatoric, 1e-6)


@settings(max_examples=30)
@given(seeds)
def test_in_each_row_only_members_count_that_tell_of_it(seed: int) -> None:
    random = np.random.default_rng(seed)
    weights = random.uniform(0.1, 1, 3)
    told = random.uniform(size=(3, 5)) < 0.6
    told[0, 2] = told[1, 2] = told[2, 2] = False
    told[:, 0] = True
    whole = normals(random, 3, 5)
    rows = [np.flatnonzero(t) for t in told]
    parts = [Prediction("normal", m.array[r], r) for m, r in zip(whole, rows, strict=True)]
    found = MixtureOfNormals().aggregate(parts, weights, rows=5)
    for row in range(5):
        members = np.flatnonzero(told[:, row])
        if not len(members):
            values = [found.prediction[row], found.aleatoric[row], found.epistemic[row]]
            assert np.isnan(values).all()
            continue
        alone = MixtureOfNormals().aggregate(
            [whole[m].at(np.array([row])) for m in members], weights[members]
        )
        np.testing.assert_allclose(found.prediction[row], alone.prediction[0])
        np.testing.assert_allclose(found.total[row], alone.total[0])
        np.testing.assert_allclose(found.epistemic[row], alone.epistemic[0], atol=1e-12)


def test_numbers_without_deviations_have_no_aleatoric_part() -> None:
    found = Mean().aggregate([Prediction.of([1.0]), Prediction.of([4.0])], [2, 1])
    assert found.prediction.tolist() == [2.0]
    assert found.aleatoric.tolist() == [0.0]
    np.testing.assert_allclose(found.epistemic, 2.0)


def test_the_mode_is_the_class_with_most_weight_and_of_equals_the_first() -> None:
    votes = [Prediction.of([0, 1]), Prediction.of([2, 1]), Prediction.of([2, 0])]
    assert Mode().aggregate(votes).prediction.tolist() == [2, 1]
    assert Mode().aggregate(votes, [3, 1, 1]).prediction.tolist() == [0, 1]
    tie = Mode().aggregate(votes[:2])
    assert tie.prediction.tolist() == [0, 1]
    np.testing.assert_allclose(tie.epistemic, [0.5, 0.0])
    assert Mode().aggregate(
        [Prediction.of([[0.4, 0.6]]), Prediction.of([[0.9, 0.1]]), Prediction.of([[0.4, 0.6]])]
    ).prediction.tolist() == [1]
    part = Prediction.of([1], index=[1])
    assert Mode().aggregate([part], rows=3).prediction.tolist() == [-1, 1, -1]


@given(seeds)
def test_neither_order_nor_scale_of_weights_matters(seed: int) -> None:
    random = np.random.default_rng(seed)
    members, weights = categoricals(random, 4), random.uniform(0.1, 1, 4)
    first = MixtureOfCategoricals().aggregate(members, weights)
    order = random.permutation(4)
    second = MixtureOfCategoricals().aggregate([members[i] for i in order], 7 * weights[order])
    np.testing.assert_allclose(first.prediction, second.prediction)
    np.testing.assert_allclose(first.epistemic, second.epistemic, atol=1e-12)


def test_a_weight_of_zero_is_as_if_the_member_were_not_there() -> None:
    members = normals(np.random.default_rng(3), 3)
    for left_out in range(3):
        weights = [float(i != left_out) for i in range(3)]
        others = [m for i, m in enumerate(members) if i != left_out]
        found = MixtureOfNormals().aggregate(members, weights)
        np.testing.assert_allclose(found.total, MixtureOfNormals().aggregate(others).total)


@pytest.mark.parametrize(
    ("aggregator", "members", "weights", "what"),
    [
        (Mean(), [], None, "one member or more"),
        (Mean(), [Prediction.of([1.0])], [1, 1], "2 weights for 1"),
        (Mean(), [Prediction.of([1.0])] * 2, [1], "1 weights for 2"),
        (Mean(), [Prediction.of([1.0])] * 2, [1, -1], "0 or more"),
        (Mean(), [Prediction.of([1.0])] * 2, [0, 0], "not all 0"),
        (Mean(), [Prediction.of([1.0])] * 2, [1, np.nan], "finite"),
        (Mean(), [Prediction.of([1])], None, "these are labels"),
        (Mode(), [Prediction.of([1.0])], None, "these are values"),
        (MixtureOfNormals(), [Prediction.of([1.0])], None, "these are values"),
        (Mean(), [Prediction.of([1.0]), Prediction.of([1.0, 2.0])], None, "2 rows; there are 1"),
        (Mean(), [Prediction.of([1.0]), Prediction.of([1.0], index=[3])], None, "row 3"),
        (
            MixtureOfCategoricals(),
            [Prediction.of([[1.0, 0.0]]), Prediction.of([[1.0, 0.0, 0.0]])],
            None,
            "2 and 3 columns",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(aggregator, members, weights, what: str) -> None:
    with pytest.raises(PredictionError, match=what):
        aggregator.aggregate(members, weights)


def test_an_unknown_measure_is_refused() -> None:
    with pytest.raises(PredictionError, match="measure"):
        MixtureOfCategoricals("confidence")  # type: ignore[arg-type]


def test_members_are_taken_one_after_the_other() -> None:
    taken = itertools.count()

    def members():
        for value in (1.0, 2.0):
            next(taken)
            yield Prediction.of([value])

    assert Mean().aggregate(members()).prediction.tolist() == [1.5]
    assert next(taken) == 2
