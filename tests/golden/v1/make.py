"""Makes the golden study directory of protocol 1: ``python tests/golden/v1/make.py``.

The directory is kept as it was made when the protocol was fixed, and every later version must read
it to the same state. It has every event, a segment that was given up after a torn line, a damaged
line, an event of a newer version and a trial of each state. ``compacted`` is the same study after
most of its logs were folded into snapshots and removed, and a late event. Run this only to see how
it was made; a change of the files is a change of the protocol.
"""

from __future__ import annotations

import json
import os
import shutil
import zlib
from pathlib import Path

from fsopt import codec
from fsopt import events as e
from fsopt.config import StudyConfig, to_document
from fsopt.events import Event, Record
from fsopt.log import layout
from fsopt.space import Categorical, Constant, Float, Int, Ordinal, Space
from fsopt.study import open_study
from tests.golden.picture import picture

HERE = Path(__file__).parent

SPACE = Space(
    Float("rate", 1e-4, 1e-1, log=True),
    Float("grid", 0.0, 1.0, step=0.25),
    Int("layers", 1, 4),
    Ordinal("batch", [16, 32, 64]),
    Categorical("kind", ["1", 1, 1.0, True, None, ("a", 2)]),
    Constant("fixed", "yes"),
    conditions={"layers": "batch > 16"},
    constraints=["rate * batch < 10"],
)


def params(rate: float, kind: object, batch: int = 32) -> dict[str, object]:
    given = {"rate": rate, "grid": 0.25, "batch": batch, "kind": kind, "fixed": "yes"}
    return given | ({"layers": 2} if batch > 16 else {})


def started(trial: int, kind: object, **more: object) -> Event:
    rate = 0.001 * (trial + 1)
    return e.TrialStarted(trial=trial, params=params(rate, kind), by="random", **more)  # type: ignore[arg-type]


def first_writer() -> list[Event]:
    return [
        e.WriterStarted(host="n1", pid=7, process="b/1/99", job="5_0-r0", version="0", python="3"),
        e.BudgetSet(trials=9),
        started(0, "1"),
        e.TrialReported(trial=0, steps=(1, 2), values=(0.5, float("nan"))),
        e.AttributeSet(trial=0, name="size", value=3),
        e.TrialCompleted(trial=0, values=(0.75, 3.0), duration=1.5),
        started(1, 1, seen={"second-b": 2}),
        e.TrialStopped(trial=1, values=(0.5, 1.0), step=4, duration=0.5),
        started(2, 1.0),
        e.TrialFailed(trial=2, reason="ValueError: no", duration=0.25),
        started(3, True),
        e.TrialPaused(trial=3, reason="preempted", duration=2.0),
        started(4, None),
        e.WriterClosed(),
    ]


def second_writer() -> list[Event]:
    return [
        e.WriterStarted(host="n2", pid=8, version="0", python="3", optimizer={"kind": "sobol"}),
        e.TrialProposed(trial=5, params=params(0.05, ("a", 2), 16), by="enqueued"),  # type: ignore[arg-type]
        started(6, "1", batch=6),
        started(7, 1, batch=6, leased=False),
        e.TrialStarted(trial=3, attempt=1),
        e.TrialCompleted(trial=3, attempt=1, values=(-1.0, 2.0)),
        e.TrialRetried(trial=2, attempt=1),
        e.Heartbeat(),
        e.TrialCompleted(trial=6, values=(float("inf"), 0.0)),
        e.StudyStopped(generation=1),
        e.StudyReopened(generation=2),
        e.BudgetSet(trials=12),
        e.Heartbeat(),
    ]


def lines(writer: str, events: list[Event]) -> list[bytes]:
    return [
        codec.encode(Record(writer, seq, 1.7e9 + seq / 8, event))
        for seq, event in enumerate(events)
    ]


def newer() -> bytes:
    """A line that only a later version understands."""
    text = b'{"seq":13,"time":1700000001.5,"event":"trial.sung","trial":0,"song":"la"'
    return b'%b,"crc":"%08x"}\n' % (text, zlib.crc32(text))


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def main() -> None:
    study = HERE / "study"
    shutil.rmtree(study, ignore_errors=True)
    config = StudyConfig(
        space=SPACE, objectives={"accuracy": "maximize", "size": "minimize"}, seed=1
    )
    document = to_document(config, identifier="0123456789abcdef", created="2026", version="0")
    write(study / layout.STUDY, document)
    one, two = lines("first-a", first_writer()), lines("second-b", second_writer())
    write(study / layout.segment("first-a", 0), b"".join(one[:4]) + one[4][:30])
    write(study / layout.segment("first-a", 1), b"".join(one[3:]))
    damaged = two[7].replace(b"heartbeat", b"heartbeet")
    rest = two[8:]
    write(
        study / layout.segment("second-b", 0),
        b"".join(two[:7]) + damaged + b"\0" * 20 + b"\n" + b"".join(rest) + newer() + b'{"seq":14',
    )
    for trial in range(8):
        owner = "second-b" if trial > 4 else "first-a"
        write(study / layout.claim(trial), f"{owner}\n".encode())
    write(study / layout.claim(3, 1), b"second-b\n")
    expect(study, "expected.json")
    compact(study, HERE / "compacted")
    expect(HERE / "compacted", "expected-compacted.json")


def expect(study: Path, name: str) -> None:
    expected = json.dumps(picture(open_study(study)), indent=1, sort_keys=True)
    (HERE / name).write_text(f"{expected}\n")


def compact(study: Path, compacted: Path) -> None:
    """The same study with snapshots that build on each other, and without most of its logs."""
    shutil.rmtree(compacted, ignore_errors=True)
    shutil.copytree(study, compacted)
    os.environ["SLURM_JOB_ID"] = "compactor"  # which becomes part of the names of files
    opened = open_study(compacted)
    opened.compact(retention=0.0, assume_ended=True)
    late = e.AttributeSet(trial=1, name="late", value="yes")
    start = e.WriterStarted(host="n3", pid=9, version="0", python="3")
    third = lines("third-c", [start, late, e.Heartbeat()])
    write(compacted / layout.segment("third-c", 0), b"".join(third[:2]))
    opened.session.compactor.make()
    write(compacted / layout.segment("third-c", 0), b"".join(third))


if __name__ == "__main__":
    main()
