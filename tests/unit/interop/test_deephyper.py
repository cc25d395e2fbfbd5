"""DeepHyper's table of results."""

import fsopt
from fsopt.interop.deephyper import results

SPACE = fsopt.Space(fsopt.Float("x", 0.0, 1.0), fsopt.Categorical("kind", ["a", "b"]))


def test_values_are_to_be_maximised_and_failures_have_their_mark() -> None:
    study = fsopt.create_study(None, space=SPACE, seed=0)
    study.run(lambda trial: fsopt.Failure("no") if trial["kind"] == "b" else trial["x"], trials=12)
    study.ask(1)
    table, trials = results(study), study.trials()
    assert list(table.columns) == [
        *("p:x", "p:kind", "objective", "job_id", "job_status"),
        *("m:timestamp_submit", "m:timestamp_gather"),
    ]
    assert len(table) == 12
    for row in table.to_dict("records"):
        assert row["p:x"] == trials["param.x"][row["job_id"]]
        assert row["objective"] == ("F_failed" if row["p:kind"] == "b" else -row["p:x"])
        assert 0 <= row["m:timestamp_submit"] <= row["m:timestamp_gather"]


def test_several_objectives_have_a_column_each() -> None:
    study = fsopt.create_study(
        None, space=SPACE, objectives={"loss": "minimize", "speed": "maximize"}, seed=0
    )
    study.run(lambda trial: (trial["x"], 2.0), trials=3)
    table = results(study)
    assert list(table["objective_0"]) == [-x for x in table["p:x"]]
    assert list(table["objective_1"]) == [2.0] * 3
