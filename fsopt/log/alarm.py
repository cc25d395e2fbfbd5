"""Waking up early when another process on this machine has written to the study.

Only a convenience: it hears nothing of other nodes, and may miss something. Whoever waits looks
for itself from time to time.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from fsopt.log import layout
from fsopt.log.mounts import filesystem_of, is_of_this_node

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent


class Alarm:
    """Rings when somebody else's log or a snapshot changes; silent where nothing can be heard."""

    def __init__(self, root: Path | None, own: str) -> None:
        """Listen to a study.

        Args:
            root: Its directory, if it has one.
            own: The writer whose log does not matter.
        """
        self._rang = threading.Event()
        self._own = f"{own}."
        if root is not None and is_of_this_node(filesystem_of(root.resolve()).kind):
            self._listen(root)

    def wait(self, seconds: float) -> bool:
        """Wait until it rings, at most so long; whether it did since the last call."""
        rang = self._rang.wait(seconds)
        self._rang.clear()
        return rang

    def _listen(self, root: Path) -> None:
        try:
            from watchdog.events import FileSystemEventHandler
            from watchdog.observers import Observer
        except ImportError:
            return
        handler = FileSystemEventHandler()
        handler.on_created = handler.on_modified = self._ring  # type: ignore[method-assign]
        observer = Observer()
        observer.daemon = True
        try:
            for part in (layout.LOG, layout.SNAPSHOTS):
                if (root / part).is_dir():
                    observer.schedule(handler, str(root / part), recursive=True)
            if observer.emitters:
                observer.start()
        except OSError:
            # The system allows so many listeners and no more.
            return

    def _ring(self, event: FileSystemEvent) -> None:
        if not (event.is_directory or Path(str(event.src_path)).name.startswith(self._own)):
            self._rang.set()
