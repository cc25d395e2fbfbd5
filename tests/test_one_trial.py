"""One trial, followed through the files: the walk of docs/architecture.md, step by step."""

from pathlib import Path

import fsopt
from fsopt import codec
from fsopt.events import TrialStarted
from fsopt.log import layout
from fsopt.log.reader import LogReader
from fsopt.run.evaluation import evaluate
from fsopt.space import Float, Space
from fsopt.state import StudyState, TrialState
from fsopt.study.study import StudyChannel
from fsopt.trial import Trial


def test_one_trial_from_claim_to_column(tmp_path: Path) -> None:
    space = Space(Float("x", 0.0, 1.0))
    config = fsopt.StudyConfig(space=space, seed=1, optimizer=fsopt.RandomSearch())
    study = fsopt.create_study(tmp_path, config)
    session = study.session

    number = session.journal.claims.next_number(session.state.trials.__contains__, None)
    assert number == 0
    assert (tmp_path / layout.claim(0)).read_text().strip() == session.writer
    session.journal.claims.release(0)

    units = config.optimizer.suggest(session.history(), [0], 1)
    params = space.from_row(space.from_unit(units)[0])

    (assignment,) = study.dispatcher.take(1, None)
    assert dict(assignment.params) == params
    segment = tmp_path / layout.segment(session.writer, 0)
    line = segment.read_bytes().splitlines()[-1]
    started = codec.decode(line, session.writer).event
    assert isinstance(started, TrialStarted)
    assert started.params == params

    trial = Trial(assignment, tmp_path, StudyChannel(study, assignment))
    ended = evaluate(lambda t: 2 * t["x"], trial, assignment, session.objectives)
    assert ended.result == (2 * params["x"],)

    study.tell(trial, ended.result)
    records = LogReader(session.journal.filesystem, own="nobody").poll(0.0)
    elsewhere = StudyState(space, 1)
    elsewhere.apply_all(records)
    assert elsewhere.trials[0].state is TrialState.COMPLETED
    assert list(elsewhere.trials.live()) == []
    assert elsewhere.trials.configurations().values.tolist() == [[2 * params["x"]]]
