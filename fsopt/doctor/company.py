"""Who examines together, and what joins them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fsopt.scheduler import Scheduler

_SESSION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Several processes that examine one directory together."""

    processes: int
    wait: float
    """Seconds to wait for the others, at the beginning and at every step."""
    session: str
    """The name by which they recognise each other; see `is_session_name`."""


def session_name(environment: Mapping[str, str]) -> str:
    """A name that the processes of one launch have in common, and no other launch has.

    Where no launcher gives them one, as in two terminals, it is ``together``.
    """
    launch = Scheduler.from_environment(environment).launch
    return "together" if launch is None else "job-" + re.sub(r"[^A-Za-z0-9_.-]", "-", launch)[:90]


def is_session_name(text: str) -> bool:
    """Whether a text can name a session, and so become part of a path."""
    return _SESSION.fullmatch(text) is not None
