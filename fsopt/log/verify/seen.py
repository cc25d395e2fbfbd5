"""What others have read of a log against what is left of it: shows ends that were cut off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fsopt.log import layout
from fsopt.log.filesystem import Filesystem
from fsopt.log.verify.names import find_segments
from fsopt.log.verify.problems import Place, Problem, Severity
from fsopt.log.verify.segments import WriterCheck, events_of_writer
from fsopt.log.verify.told import Told


def check_seen(
    filesystem: Filesystem,
    seen: Mapping[str, tuple[int, Place]],
    writers: Mapping[str, WriterCheck],
    told: Told,
) -> Iterator[Problem]:
    """Compare the length of each log with the length at which others have seen it.

    Args:
        filesystem: Where the study lies.
        seen: The highest position of each writer that an event tells of, and where that stands.
        writers: Every log as it was read.
        told: What a snapshot tells of logs that may have been removed since.
    """
    short = {
        writer: (end, place)
        for writer, (end, place) in seen.items()
        if layout.is_writer_id(writer)
        and told.log(writer).end < end
        and (writer not in writers or writers[writer].next_seq < end)
    }
    if not short:
        return
    # Since a log was read its writer may have appended what another, read later, tells of.
    segments = find_segments(filesystem, [])
    for writer, (end, place) in short.items():
        log = WriterCheck(filesystem, writer, lambda _record, _place: None, told.log(writer))
        log.read(segments.get(writer, []))
        if log.next_seq < end:
            lost = events_of_writer([(log.next_seq, end)])
            what = f"{lost} lost; whoever wrote {place.file}:{place.offset} had read them"
            yield Problem.at(log.end, Severity.ERROR, what)
