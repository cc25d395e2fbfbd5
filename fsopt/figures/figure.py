"""What functions of `fsopt.figures` return."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from fsopt.errors import StorageError, StudyError
from fsopt.figures.chart import Chart
from fsopt.figures.data import StudyData

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawn

FORMATS = ("png", "svg", "pdf", "html")
_ROW_PIXELS = 110
"""Pixels an inch of a chart's height takes on a page."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a study."""

    chart: Chart
    """What it shows, as numbers."""
    data: StudyData
    """The study."""

    def save(self, path: str | Path) -> None:
        """Write the figure into a file; its name's ending is the format: png, svg, pdf or html.

        HTML is one self-contained page in which marks can be pointed at and trials selected.

        Raises:
            StudyError: If the format is another one.
            MissingExtraError: If matplotlib is not installed, which all formats but HTML need.
            StorageError: If the file can't be written.
        """
        path = Path(path)
        form = path.suffix.removeprefix(".").lower()
        if form not in FORMATS:
            raise StudyError(f"{path}: the name must end with .{', .'.join(FORMATS)}")
        if form != "html":
            from fsopt.figures.paint import save

            save(self.chart, path)
            return
        try:
            path.write_text(self.to_html(), encoding="utf-8")
        except OSError as error:
            raise StorageError(f"can't write {path}: {error.strerror or error}") from error

    def to_html(self) -> str:
        """The figure as a page of its own."""
        from fsopt.figures.page import Group, page

        group = Group(self.data, [self.chart], before=f"<h1>{escape(self.data.name)}</h1>")
        return page(f"{self.chart.title}: {self.data.name}", [group])

    def to_matplotlib(self) -> Drawn:
        """The figure as one of matplotlib, to be changed or put beside others.

        Raises:
            MissingExtraError: If matplotlib is not installed.
        """
        from fsopt.figures.paint import paint

        return paint(self.chart)

    def _repr_html_(self) -> str:
        rows = -(-len(self.chart.panels) // self.chart.columns)
        height = round(rows * self.chart.height * _ROW_PIXELS + 200)
        # A sandbox keeps the page's script away from the notebook.
        return (
            f'<iframe title="{escape(self.chart.title, quote=True)}" sandbox="allow-scripts" '
            f'style="width:100%;height:{height}px;border:0" '
            f'srcdoc="{escape(self.to_html(), quote=True)}"></iframe>'
        )
