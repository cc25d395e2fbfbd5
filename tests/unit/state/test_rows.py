"""What can be asked of rows."""

from __future__ import annotations

from fsopt.events import Record, TrialFailed
from fsopt.state import TrialState
from fsopt.state.rows import Extras
from tests.unit.state.test_fold import fold, started
from tests.unit.state.test_table import ordinary


def test_rows_tell_which_are_in_some_states() -> None:
    failed = [started(1, writer="b"), Record("b", 1, 2.0, TrialFailed(trial=1, reason="odd"))]
    rows = fold([*ordinary(0), *failed, *ordinary(2)]).trials.frozen().rows
    assert rows.having(TrialState.FAILED).tolist() == [False, True, False]
    assert rows.having(TrialState.FAILED, TrialState.COMPLETED).all()
    assert not rows.having(TrialState.RUNNING).any()


def test_a_copy_of_what_few_rows_have_stays_as_it_is() -> None:
    extras = Extras(reasons={1: "odd"})
    copy = extras.copy()
    extras.drop(1)
    extras.add(Extras(reasons={2: "boom"}))
    assert copy == Extras(reasons={1: "odd"})
