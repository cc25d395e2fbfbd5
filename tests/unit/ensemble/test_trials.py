"""What trials save becomes an ensemble, in memory and on disk, while a study runs and after."""

from pathlib import Path

import numpy as np
import pytest

import fsopt
from fsopt import ensemble as ens
from fsopt.errors import PredictionError, StorageError, TrialError
from fsopt.log import layout
from fsopt.predictions import Prediction

RANDOM = np.random.default_rng(0)
Y = RANDOM.integers(0, 3, 60)


def new_study(directory: Path | None) -> fsopt.Study:
    return fsopt.create_study(
        directory,
        space=fsopt.Space(fsopt.Float("x", 0, 1)),
        objectives={"loss": "minimize"},
        optimizer=fsopt.RandomSearch(),
        seed=1,
    )


def proba(skill: float) -> np.ndarray:
    p = RANDOM.dirichlet([1.0] * 3, len(Y))
    p[np.arange(len(Y)), Y] += skill
    return p / p.sum(axis=1, keepdims=True)


def objective(trial: fsopt.Trial) -> float:
    p = proba(2 * trial["x"])
    trial.save_predictions("valid", p)
    trial.save_predictions("truth", Y)
    return ens.loss_of(ens.CrossEntropy(), Y, Prediction.of(p))


@pytest.mark.parametrize("on_disk", [True, False])
@pytest.mark.parametrize("backend", ["serial", "thread"])
def test_trials_save_and_an_ensemble_is_built(tmp_path: Path, on_disk, backend) -> None:
    study = new_study(tmp_path / "s" if on_disk else None)
    study.run(objective, trials=8, backend=backend)
    found = ens.predictions(study, "valid")
    assert found.kind == "probabilities"
    assert list(found.sources) == list(range(8))
    np.testing.assert_array_equal(ens.truth(study), Y)
    built = ens.build(study, "valid", ens.truth(study))
    chosen = ens.Greedy(ens.CrossEntropy()).select(Y, list(found.sources.values()))
    assert built.members == chosen.members
    assert built.weights == chosen.weights
    assert built.candidates == 8
    assert built.single == study.best.number
    assert built.aggregator == "mixture-of-categoricals"
    assert built.selector["kind"] == "greedy"
    assert set(built.scores) == {"cross-entropy", "zero-one", "calibration"}
    combined = ens.combine(study, built)
    expected = sum(
        w * found.sources[m].load().array
        for m, w in zip(built.members, built.weights, strict=True)
    )
    np.testing.assert_allclose(combined.prediction, expected)


def test_the_ensemble_is_there_for_others_and_the_latest_holds(tmp_path: Path) -> None:
    with new_study(tmp_path / "s") as study:
        study.run(objective, trials=6)
        assert ens.latest(study, "valid") is None
        first = ens.build(study, "valid", Y)
        second = ens.build(study, "valid", Y, ens.TopK(ens.ZeroOne(), 2))
    assert (first.generation, second.generation) == (1, 2)
    other = fsopt.open_study(tmp_path / "s")
    assert ens.latest(other, "valid") == second
    assert ens.latest(other, "other") is None


def test_the_ensemble_outlives_the_log_that_told_of_it(tmp_path: Path) -> None:
    with new_study(tmp_path / "s") as study:
        study.run(objective, trials=6)
        built = ens.build(study, "valid", Y)
    fsopt.open_study(tmp_path / "s").compact(retention=0)
    assert not list((tmp_path / "s" / "log").rglob("*.jsonl"))
    assert ens.latest(fsopt.open_study(tmp_path / "s"), "valid") == built


def test_trials_that_have_no_values_are_not_chosen_from() -> None:
    study = new_study(None)
    trials = study.ask(4)
    for trial in trials:
        trial.save_predictions("valid", proba(1.0))
    with pytest.raises(PredictionError, match="no trial"):
        ens.predictions(study, "valid")
    study.tell(trials[0], fsopt.Failure("boom"))
    study.tell(trials[1], 0.5)
    assert list(ens.predictions(study, "valid").sources) == [1]
    study.tell(trials[3], 0.7)
    assert list(ens.predictions(study, "valid").sources) == [1, 3]


def test_predictions_are_those_of_the_attempt_whose_values_count(tmp_path: Path) -> None:
    study = new_study(tmp_path / "s")
    trial = study.ask()
    trial.save_predictions("valid", proba(0.0))
    study.tell(trial, fsopt.Failure("boom"))
    study.retry(0)
    again = study.ask()
    assert (again.number, again.attempt) == (0, 1)
    good = proba(3.0)
    again.save_predictions("valid", good)
    study.tell(again, 0.1)
    # the first attempt, which was given up, goes on and saves once more
    trial.save_predictions("valid", proba(0.0))
    found = ens.predictions(study, "valid")
    np.testing.assert_array_equal(found.sources[0].load().array, good)


def test_an_attempt_saves_under_one_name_again_and_the_last_counts() -> None:
    study = new_study(None)
    trial = study.ask()
    for skill in (0.0, 1.0):
        last = proba(skill)
        trial.save_predictions("valid", last)
    study.tell(trial, 0.1)
    np.testing.assert_array_equal(ens.predictions(study, "valid").sources[0].load().array, last)


def damaged_study(directory: Path) -> fsopt.Study:
    study = new_study(directory)
    study.run(objective, trials=6)
    files = [directory / layout.predictions(n, 0, "valid") for n in range(6)]
    files[1].write_bytes(files[1].read_bytes()[:-7])
    files[2].write_bytes(files[2].read_bytes()[:40])
    files[3].write_bytes(files[3].read_bytes()[:-60] + bytes(60))
    files[4].unlink()
    return study


def test_damaged_files_are_left_out_and_told_of(tmp_path: Path) -> None:
    found = ens.predictions(damaged_study(tmp_path / "s"), "valid")
    assert list(found.sources) == [0, 5]
    assert list(found.skipped) == [1, 2, 3]
    assert "valid.npy" in found.skipped[1]
    assert "make 1" in found.skipped[3]


def test_predictions_of_another_kind_are_left_out() -> None:
    study = new_study(None)
    trials = study.ask(2)
    trials[0].save_predictions("valid", proba(1.0))
    trials[1].save_predictions("valid", Y)
    for trial in trials:
        study.tell(trial, 0.5)
    found = ens.predictions(study, "valid")
    assert list(found.sources) == [0]
    assert "labels" in found.skipped[1]


def test_true_values_of_different_rows_are_put_together() -> None:
    study = new_study(None)
    trials = study.ask(3)
    for trial, rows in zip(trials, ([4, 0, 1], [2, 1], [3]), strict=True):
        trial.save_predictions("truth", [10.0 * r + trial.number for r in rows], index=rows)
        study.tell(trial, 0.5)
        if trial.number == 1:
            with pytest.raises(PredictionError, match="row 3"):
                ens.truth(study)
    assert ens.truth(study).tolist() == [0.0, 10.0, 21.0, 32.0, 40.0]


def test_trials_with_splits_of_their_own_make_an_ensemble(tmp_path: Path) -> None:
    def own_split(trial: fsopt.Trial) -> float:
        rows = np.random.default_rng(trial.number).permutation(len(Y))[:30]
        p = proba(1.5)[rows]
        trial.save_predictions("valid", p, index=rows)
        return ens.loss_of(ens.CrossEntropy(), Y, Prediction.of(p, index=rows))

    study = new_study(None)
    study.run(own_split, trials=12)
    built = ens.build(study, "valid", Y)
    assert built.scores["cross-entropy"] < built.single_scores["cross-entropy"]


def test_regression_with_deviations_has_scores_of_its_own() -> None:
    y = RANDOM.normal(size=40)

    def regress(trial: fsopt.Trial) -> float:
        trial.save_predictions("valid", y + RANDOM.normal(size=40), y_std=np.full(40, 1.0))
        return trial["x"]

    study = new_study(None)
    study.run(regress, trials=5)
    built = ens.build(study, "valid", y)
    assert built.aggregator == "mixture-of-normals"
    assert set(built.scores) == {"nll", "squared", "absolute", "quantiles"}
    assert built.scores["squared"] < built.single_scores["squared"]
    found = ens.combine(study, built)
    assert (found.epistemic > 0).any()


def test_online_selection_follows_a_running_study() -> None:
    study = new_study(None)
    online = ens.Online(Y, ens.Greedy(ens.CrossEntropy()))
    for end in (3, 6):
        study.run(objective, trials=end)
        online.take_in(ens.predictions(study, "valid").sources)
        expected = ens.build(study, "valid", Y)
        assert online.selection.members == expected.members


def test_members_that_saved_nothing_of_other_data_are_named() -> None:
    study = new_study(None)
    study.run(objective, trials=4)
    built = ens.build(study, "valid", Y)
    with pytest.raises(PredictionError, match="named 'test'"):
        ens.combine(study, built, "test")


def test_names_that_are_no_names_are_refused_where_they_are_given() -> None:
    study = new_study(None)
    trial = study.ask()
    for name in ("", "../x", "a/b", "ä", ".x", "x" * 101):
        with pytest.raises(TrialError, match="named"):
            trial.save_predictions(name, [1.0])
        with pytest.raises(PredictionError, match="named"):
            ens.predictions(study, name)


def test_what_is_no_prediction_is_refused_where_it_is_saved() -> None:
    trial = new_study(None).ask()
    with pytest.raises(PredictionError, match="not finite"):
        trial.save_predictions("valid", [np.nan])


def test_a_directory_that_can_not_be_written_is_a_storage_error(tmp_path: Path) -> None:
    trial = new_study(tmp_path / "s").ask()
    (tmp_path / "s" / "trials").write_text("in the way")
    with pytest.raises(StorageError, match="write"):
        trial.save_predictions("valid", [1.0])
