"""Events survive the round trip through a line, and no line can do harm."""

import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsopt import codec, events
from fsopt.codec import DamagedLineError, decode, encode
from fsopt.events import EVENTS, Record, TrialCompleted, TrialStarted, UnknownEvent
from fsopt.values import MAX_INTEGER, identity
from tests.strategies_events import event_objects, values


def line_of(body: dict[str, object]) -> bytes:
    text = json.dumps(body, separators=(",", ":")).encode()[:-1]
    return b'%b,"crc":"%08x"}' % (text, zlib.crc32(text))


def deep_identity(value: object) -> object:
    if isinstance(value, dict):
        return {name: deep_identity(item) for name, item in value.items()}
    return identity(value)  # type: ignore[arg-type]


@given(event_objects(), st.integers(0, MAX_INTEGER), st.floats(0, 4e9))
def test_every_event_comes_back_as_it_was(event: events.Event, seq: int, time: float) -> None:
    line = encode(Record("w", seq, time, event))
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    record = decode(line[:-1], "w")
    assert (record.writer, record.seq, record.time) == ("w", seq, round(time, 3))
    assert type(record.event) is type(event)
    for name in event.__dataclass_fields__:
        assert deep_identity(getattr(record.event, name)) == deep_identity(getattr(event, name))


@given(values())
def test_values_keep_their_types(value: object) -> None:
    line = encode(Record("w", 0, 0.0, TrialStarted(trial=0, params={"p": value}, by="x")))
    event = decode(line[:-1], "w").event
    assert isinstance(event, TrialStarted)
    assert event.params is not None
    assert identity(event.params["p"]) == identity(value)  # type: ignore[arg-type]


def test_the_four_ones_stay_distinct() -> None:
    params = {"a": "1", "b": 1, "c": 1.0, "d": True}
    event = decode(
        encode(Record("w", 0, 0.0, TrialStarted(trial=0, params=params)))[:-1], "w"
    ).event
    assert isinstance(event, TrialStarted)
    assert event.params is not None
    assert [type(v) for v in event.params.values()] == [str, int, float, bool]


@given(st.binary(max_size=300))
def test_any_bytes_are_an_event_or_damaged(line: bytes) -> None:
    with pytest.raises(DamagedLineError):
        decode(line, "w")


@given(event_objects(), st.data())
def test_a_flipped_bit_anywhere_is_noticed(event: events.Event, data: st.DataObject) -> None:
    line = bytearray(encode(Record("w", 3, 1.5, event))[:-1])
    at = data.draw(st.integers(0, len(line) - 1))
    line[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(DamagedLineError):
        decode(bytes(line), "w")


@given(event_objects(), st.data())
def test_a_truncated_line_is_noticed(event: events.Event, data: st.DataObject) -> None:
    line = encode(Record("w", 3, 1.5, event))[:-1]
    with pytest.raises(DamagedLineError):
        decode(line[: data.draw(st.integers(0, len(line) - 1))], "w")


scalars = [None, True, 0, -1, 1.5, 2**63, 2**64, "", "x"]
arrays = [[], [1], ["a"], [[1], {}], [{"$float": "-inf"}]]
objects = [{}, {"a": 1}, {"$float": "nan"}, {"$float": "inf"}, {"$float": 3}, {"p": {"q": 1}}]
odd = st.sampled_from(scalars) | st.sampled_from(arrays) | st.sampled_from(objects)


@given(st.sampled_from(sorted(EVENTS)), st.data())
def test_fields_of_any_type_are_read_or_damaged(name: str, data: st.DataObject) -> None:
    fields = EVENTS[name].__dataclass_fields__
    drawn = data.draw(st.lists(st.none() | odd, min_size=len(fields), max_size=len(fields)))
    body = {"seq": 0, "time": 0.0, "event": name}
    body |= {key: value for key, value in zip(fields, drawn, strict=True) if value is not None}
    try:
        record = decode(line_of(body), "w")
    except DamagedLineError:
        return
    assert encode(decode(encode(record)[:-1], "w")) == encode(record)


def test_deep_nesting_is_damaged_and_not_a_crash() -> None:
    nested: object = 1
    for _ in range(900):
        nested = [nested]
    body = {"seq": 0, "time": 0.0, "event": "attribute.set", "trial": 0, "name": "n"}
    with pytest.raises(DamagedLineError, match="not a value"):
        decode(line_of(body | {"value": nested}), "w")


def test_unknown_events_and_fields_are_ignored() -> None:
    body = {"seq": 4, "time": 1.0, "event": "trial.teleported", "trial": 1}
    assert decode(line_of(body), "w").event == UnknownEvent(name="trial.teleported")
    body = {"seq": 4, "time": 1.0, "event": "trial.completed", "trial": 1, "values": [1.0]}
    assert decode(line_of(body | {"mood": "good"}), "w").event == TrialCompleted(
        trial=1, values=(1.0,)
    )


def test_an_unknown_event_is_never_written() -> None:
    with pytest.raises(TypeError, match="never written"):
        encode(Record("w", 0, 0.0, UnknownEvent(name="x")))


def test_text_that_utf8_cannot_spell_is_escaped() -> None:
    event = events.TrialFailed(trial=0, reason="bad \udcff byte")
    read = decode(encode(Record("w", 0, 0.0, event))[:-1], "w").event
    assert isinstance(read, events.TrialFailed)
    assert read.reason == "bad \\udcff byte"


def test_wire_names_are_those_of_the_protocol() -> None:
    assert sorted(EVENTS) == [
        "attribute.set",
        "budget.set",
        "ensemble.built",
        "heartbeat",
        "prior.registered",
        "study.reopened",
        "study.stopped",
        "trial.completed",
        "trial.failed",
        "trial.paused",
        "trial.proposed",
        "trial.reported",
        "trial.retried",
        "trial.started",
        "trial.stopped",
        "writer.closed",
        "writer.started",
    ]


def test_an_ordinary_trial_of_five_parameters_takes_at_most_400_bytes() -> None:
    params = {f"rate_{i}": 0.123456789012345 * (i + 1) for i in range(5)}
    lines = [
        TrialStarted(trial=12345, params=params, by="bayesian"),
        TrialCompleted(trial=12345, values=(0.9123456789,), duration=12.345678),
    ]
    now = 1763890000.123
    size = sum(len(encode(Record("w", 24690 + i, now, e))) for i, e in enumerate(lines))
    assert size <= 400


def test_every_field_type_has_a_form() -> None:
    assert set(codec._SPECS) == set(EVENTS)
