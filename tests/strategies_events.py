"""Hypothesis strategies for values and events."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from fsopt import events as e
from fsopt.values import MAX_INTEGER

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
counts = st.integers(0, 50)
floats = st.floats(allow_nan=True)
finite = st.floats(allow_nan=False, allow_infinity=False, width=32)


def values() -> st.SearchStrategy[object]:
    """Any value that a parameter can take."""
    scalar = (
        st.none()
        | st.booleans()
        | st.integers(-MAX_INTEGER, MAX_INTEGER)
        | floats.filter(lambda number: not math.isnan(number))
        | text
    )
    return st.recursive(scalar, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=5)


params = st.dictionaries(text, values(), max_size=4)
durations = st.none() | st.floats(0, 1e6)


def event_objects() -> st.SearchStrategy[e.Event]:
    """Any event with any contents."""
    number = st.integers(0, MAX_INTEGER)
    attempt = st.integers(0, 3)
    tuples = st.lists(finite, max_size=3).map(tuple)
    return st.one_of(
        st.builds(
            e.WriterStarted,
            host=text,
            pid=counts,
            process=st.none() | text,
            job=st.none() | text,
            version=text,
            python=text,
            optimizer=params,
            role=text,
            slots=counts,
        ),
        st.builds(e.WriterClosed),
        st.builds(e.Heartbeat),
        st.builds(
            e.TrialProposed,
            trial=number,
            params=params,
            by=text,
            seen=st.dictionaries(text, counts, max_size=3),
            batch=st.none() | number,
            snapshot=st.none() | text,
            numbers=st.lists(number, max_size=3).map(tuple),
            view=st.none() | text,
        ),
        st.builds(
            e.TrialStarted,
            trial=number,
            attempt=attempt,
            params=st.none() | params,
            by=st.none() | text,
            seen=st.dictionaries(text, counts, max_size=3),
            batch=st.none() | number,
            snapshot=st.none() | text,
            numbers=st.lists(number, max_size=3).map(tuple),
            view=st.none() | text,
            after=st.none() | counts,
            leased=st.booleans(),
        ),
        st.builds(
            e.TrialReported,
            trial=number,
            attempt=attempt,
            steps=st.lists(counts, max_size=3).map(tuple),
            values=st.lists(floats.filter(lambda f: not math.isnan(f)), max_size=3).map(tuple),
        ),
        st.builds(e.TrialPaused, trial=number, attempt=attempt, reason=text, duration=durations),
        st.builds(
            e.TrialCompleted, trial=number, attempt=attempt, values=tuples, duration=durations
        ),
        st.builds(e.TrialStopped, trial=number, attempt=attempt, values=tuples, step=counts),
        st.builds(e.TrialFailed, trial=number, attempt=attempt, reason=text, duration=durations),
        st.builds(e.TrialRetried, trial=number, attempt=attempt),
        st.builds(e.AttributeSet, trial=number, attempt=attempt, name=text, value=values()),
        st.builds(e.BudgetSet, trials=counts),
        st.builds(e.StudyStopped, generation=counts),
        st.builds(e.StudyReopened, generation=counts),
        st.builds(
            e.EnsembleBuilt,
            name=text,
            generation=counts,
            members=st.lists(number, max_size=3).map(tuple),
            weights=tuples,
            aggregator=text,
            loss=text,
            selector=params,
            candidates=counts,
            scores=params,
            single=number,
            single_scores=params,
        ),
        st.builds(e.PriorRegistered, id=text, name=text, trials=counts, data=params),
    )
