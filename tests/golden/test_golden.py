"""Study directories of released versions are read to the state that they had then."""

import json
import shutil
from pathlib import Path

import pytest

import fsopt
from fsopt.events import EVENTS
from tests.golden.picture import picture

VERSIONS = sorted(path.parent for path in Path(__file__).parent.glob("*/expected.json"))
EXPECTED = {"study": "expected.json", "compacted": "expected-compacted.json"}
ADDED_SINCE = {"ensemble.built", "prior.registered"}
"""Events that earlier readers of the same version ignore, as they must."""

each_study = pytest.mark.parametrize("kind", EXPECTED)
each_version = pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.name)


@each_study
@each_version
def test_a_study_is_read_as_when_it_was_made(version: Path, kind: str) -> None:
    expected = json.loads((version / EXPECTED[kind]).read_text())
    seen = json.loads(json.dumps(picture(fsopt.open_study(version / kind))))
    assert seen == expected


@each_study
@each_version
def test_a_study_can_be_continued(version: Path, kind: str, tmp_path: Path) -> None:
    shutil.copytree(version / kind, tmp_path / "study")
    with fsopt.open_study(tmp_path / "study") as study:
        before = len(study.state.trials)
        trial = study.ask()
        study.tell(trial, [1.0] * len(study.config.objectives))
        assert study.record(trial.number).state.value == "completed"
        for _ in range(4):
            study.ask()
        assert len(study.state.trials) >= before


def test_version_1_has_every_state_and_event() -> None:
    version = Path(__file__).parent / "v1"
    states = {t["state"] for t in json.loads((version / "expected.json").read_text())["trials"]}
    assert states == {"waiting", "running", "completed", "stopped", "failed"}
    text = b"".join(path.read_bytes() for path in (version / "study" / "log").rglob("*.jsonl"))
    for name in EVENTS.keys() - ADDED_SINCE:
        assert f'"event":"{name}"'.encode() in text


@each_version
def test_the_compacted_study_tells_the_same_trials_and_what_came_later(version: Path) -> None:
    whole, folded = (
        json.loads((version / name).read_text())["trials"] for name in EXPECTED.values()
    )
    assert folded[1]["attributes"].pop("late") == "yes"
    assert folded == whole
    assert len(list((version / "compacted" / "snapshot").glob("*.parquet"))) == 2
