"""The one join of log and state: creating, opening and changing a study."""

from fsopt.study.opening import create_study, open_study
from fsopt.study.study import Study

__all__ = ["Study", "create_study", "open_study"]
