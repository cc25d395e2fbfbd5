"""One event, one line of JSON with a checksum at its end.

    {"seq":3,"time":1763890000.123,"event":"trial.completed","trial":1,"values":[0.9],"crc":"…"}

The checksum is the CRC-32 of the bytes before ``,"crc"``. A line whose checksum does not match, or
that is no object of the expected form, is damaged; `decode` says why. Unknown fields are ignored.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

import orjson

from fsopt.events import EVENTS, Event, Record, UnknownEvent
from fsopt.values import MAX_INTEGER, Params, Value, from_json, to_json

_CRC_LENGTH = len(b',"crc":"00000000"}')


class DamagedLineError(ValueError):
    """A line can't be what a writer meant; the message says what is wrong with it."""


def encode(record: Record) -> bytes:
    """The line for a record, with its newline.

    Raises:
        TypeError: If the event is an `UnknownEvent`, which nobody may write.
    """
    text = orjson.dumps(to_fields(record))[:-1]
    return b'%b,"crc":"%08x"}\n' % (text, zlib.crc32(text))


def to_fields(record: Record) -> dict[str, Any]:
    """A record as the JSON object that its line holds, without the checksum.

    Raises:
        TypeError: If the event is an `UnknownEvent`, whose fields nobody knows.
    """
    if isinstance(record.event, UnknownEvent):
        raise TypeError(f"unknown events are read, never written: {record.event.name}")
    body: dict[str, Any] = {
        "seq": record.seq,
        "time": round(record.time, 3),
        "event": record.event.wire,
    }
    for spec in _SPECS[record.event.wire]:
        value = getattr(record.event, spec.name)
        if not spec.omits(value):
            body[spec.name] = spec.write(value)
    return body


def decode(line: bytes, writer: str) -> Record:
    """Read a line (without its newline) from a writer's log.

    Raises:
        DamagedLineError: If the line is damaged.
    """
    text, end = line[:-_CRC_LENGTH], line[-_CRC_LENGTH:]
    if end != b',"crc":"%08x"}' % zlib.crc32(text):
        raise DamagedLineError("the checksum does not match")
    try:
        body = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise DamagedLineError(f"not JSON: {error}") from None
    try:
        seq, time, name = _count(body["seq"]), _number(body["time"]), _text(body["event"])
        return Record(writer, seq, time, _event(name, body))
    except KeyError as error:
        raise DamagedLineError(f"lacks the field {error}") from None
    except ValueError as error:
        raise DamagedLineError(str(error)) from None


def _event(name: str, body: Mapping[str, Any]) -> Event | UnknownEvent:
    kind = EVENTS.get(name)
    if kind is None:
        return UnknownEvent(name=name)
    given: dict[str, Any] = {}
    for spec in _SPECS[name]:
        if spec.name in body:
            given[spec.name] = spec.read(body[spec.name])
        elif spec.required:
            raise KeyError(spec.name)
    return kind(**given)


def _text(spelled: object) -> str:
    if isinstance(spelled, str):
        return spelled
    raise ValueError(f"expected a string, not {spelled!r}")


def _count(spelled: object) -> int:
    if type(spelled) is int and 0 <= spelled <= MAX_INTEGER:
        return spelled
    raise ValueError(f"expected a count, not {spelled!r}")


def _flag(spelled: object) -> bool:
    if isinstance(spelled, bool):
        return spelled
    raise ValueError(f"expected true or false, not {spelled!r}")


def _number(spelled: object) -> float:
    if type(spelled) is float:
        return spelled
    value = from_json(spelled)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ValueError(f"expected a number, not {spelled!r}")


def _mapping(spelled: object) -> dict[str, Any]:
    if isinstance(spelled, dict):
        return spelled
    raise ValueError(f"expected an object, not {spelled!r}")


def _array(spelled: object) -> list[Any]:
    if isinstance(spelled, list):
        return spelled
    raise ValueError(f"expected an array, not {spelled!r}")


def _params(spelled: object) -> Params:
    return {
        # Most values are numbers, and a call costs more than the rest.
        name: value if type(value) is float else from_json(value)
        for name, value in _mapping(spelled).items()
    }


def _write_params(params: Mapping[str, Value]) -> object:
    return {name: to_json(value) for name, value in params.items()}


def _write_number(value: float) -> object:
    return value if math.isfinite(value) else to_json(value)


def _write_text(text: str) -> str:
    """Text from elsewhere (an exception's message) may hold surrogates, which UTF-8 can't."""
    return text.encode(errors="backslashreplace").decode()


def _same(value: object) -> object:
    return value


_FORMS: Mapping[str, tuple[Callable[[Any], object], Callable[[Any], object]]] = {
    "int": (_count, _same),
    "float": (_number, _write_number),
    "str": (_text, _write_text),
    "bool": (_flag, _same),
    "Value": (from_json, to_json),
    "Params": (_params, _write_params),
    "Mapping[str, int]": (
        lambda spelled: {name: _count(value) for name, value in _mapping(spelled).items()},
        dict,
    ),
    "tuple[int, ...]": (lambda spelled: tuple(map(_count, _array(spelled))), list),
    "tuple[float, ...]": (
        lambda spelled: tuple(map(_number, _array(spelled))),
        lambda values: [_write_number(value) for value in values],
    ),
}
"""How a field of each annotated type is read from JSON and written to it."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    default: object
    read: Callable[[Any], object]
    write: Callable[[Any], object]

    @property
    def required(self) -> bool:
        return self.default is MISSING

    def omits(self, value: object) -> bool:
        """Whether a value is left out on disk: it is the default, of the same type."""
        return type(value) is type(self.default) and value == self.default


def _specs(kind: type[Event]) -> tuple[_Field, ...]:
    specs = []
    for item in fields(kind):
        default = item.default
        if item.default_factory is not MISSING:
            default = item.default_factory()
        read, write = _FORMS[str(item.type).removesuffix(" | None")]
        specs.append(_Field(item.name, default, read, write))
    return tuple(specs)


_SPECS = {name: _specs(kind) for name, kind in EVENTS.items()}
