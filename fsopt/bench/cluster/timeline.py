"""Virtual time: many tasks of which one runs, and a clock that jumps to what comes next.

Each task has a thread, since the code of a process waits in the middle of what it does. But they
take turns: whoever sleeps hands over to the one that wakes next. So a run can be repeated exactly.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable

_STACK = 512 * 1024  # bytes; ten thousand threads of the usual size would not fit

_AHEAD = 0.05
"""Seconds by which a task may be ahead of the others."""


class Killed(BaseException):
    """The task ends here; nothing of it runs any more."""


class Task:
    """Something that sleeps and wakes; made by `Timeline.start`."""

    __slots__ = ("_action", "_thread", "is_ended", "is_killed", "ticket", "turn")

    def __init__(self, action: Callable[[], None]) -> None:
        self._action = action
        self._thread: threading.Thread | None = None
        self.turn = threading.Lock()
        self.turn.acquire()
        self.ticket = -1
        """Of its place in the queue; other places that it had do not count."""
        self.is_killed = self.is_ended = False

    def go_on(self, timeline: Timeline) -> None:
        """Let it run, from where it sleeps or from the beginning."""
        if self._thread is not None:
            self.turn.release()
            return
        self._thread = threading.Thread(target=self._run, args=(timeline,), daemon=True)
        self._thread.start()

    def _run(self, timeline: Timeline) -> None:
        failure: BaseException | None = None
        try:
            if not self.is_killed:
                self._action()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - it is raised again, by `Timeline.run`
            failure = error
        self.is_ended = True
        timeline.leave(failure)


class Timeline:
    """A clock, and the tasks that wait for it."""

    def __init__(self) -> None:
        self.now = self._resumed_at = 0.0
        """Seconds since the beginning, for the task that runs."""
        self._queue: list[tuple[float, int, Task]] = []
        self._tickets = itertools.count()
        self._current: Task | None = None
        self._tasks: list[Task] = []
        self._is_over = threading.Event()
        self._failure: BaseException | None = None

    def start(self, at: float, action: Callable[[], None]) -> Task:
        """A new task that begins at a time."""
        task = Task(action)
        self._tasks.append(task)
        self._enqueue(task, at)
        return task

    def sleep_until(self, time: float) -> None:
        """Let others run until then; to be called by a task.

        Raises:
            Killed: If the task was killed meanwhile.
        """
        task = self._current
        if task is None:
            raise RuntimeError("only a task can sleep")
        if self._queue and self._queue[0][0] <= time:
            self._enqueue(task, time)
            following = self._take_next()
            if following is not None and following is not task:
                following.go_on(self)
                task.turn.acquire()
        else:
            self.now = self._resumed_at = max(self.now, time)
        if task.is_killed:
            raise Killed

    def run_ahead_until(self, time: float) -> None:
        """Let time pass for the current task alone, as long as it is not far ahead of the others.

        For what others can't notice before that time anyway: to change threads takes longer than
        most of what they do.

        Raises:
            Killed: See `sleep_until`.
        """
        if time - self._resumed_at <= _AHEAD:
            self.now = max(self.now, time)
        else:
            self.sleep_until(time)

    def sleep(self, seconds: float) -> None:
        """Let others run for some seconds; see `sleep_until`."""
        self.sleep_until(self.now + seconds)

    def wake(self, task: Task) -> None:
        """Let a sleeping task go on now."""
        if not task.is_ended:
            self._enqueue(task, self.now)

    def kill(self, task: Task) -> None:
        """End a sleeping task where it is."""
        task.is_killed = True
        self.wake(task)

    def run(self) -> None:
        """Let all tasks run to their ends.

        Raises:
            BaseException: What one of them raised.
        """
        before = threading.stack_size(_STACK)
        try:
            self._hand_over()
            self._is_over.wait()
        finally:
            threading.stack_size(before)
        if self._failure is not None:
            self._end_all()
            raise self._failure

    def leave(self, failure: BaseException | None) -> None:
        """The current task has ended, perhaps by an exception, which ends all."""
        self._failure = self._failure or failure
        if self._failure is not None:
            self._is_over.set()
        else:
            self._hand_over()

    def _hand_over(self) -> None:
        following = self._take_next()
        if following is None:
            self._is_over.set()
        else:
            following.go_on(self)

    def _enqueue(self, task: Task, time: float) -> None:
        task.ticket = next(self._tickets)
        heapq.heappush(self._queue, (max(time, self.now), task.ticket, task))

    def _take_next(self) -> Task | None:
        """The task that wakes next, now the current one; the clock jumps to that time."""
        while self._queue:
            time, ticket, task = heapq.heappop(self._queue)
            if task.ticket == ticket and not task.is_ended:
                self.now = self._resumed_at = time
                self._current = task
                return task
        return None

    def _end_all(self) -> None:
        """Let the threads of all tasks end, each in what it waits for."""
        for task in self._tasks:
            if not task.is_ended:
                self._is_over.clear()
                task.is_killed, self._current = True, task
                task.go_on(self)
                self._is_over.wait()
