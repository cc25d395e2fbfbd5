"""Does a filesystem keep what the protocol needs? Small checks, alone or with other processes."""

from fsopt.doctor.company import Company, is_session_name, session_name
from fsopt.doctor.examination import examine
from fsopt.doctor.findings import Finding, Report

__all__ = [
    "Company",
    "Finding",
    "Report",
    "examine",
    "is_session_name",
    "session_name",
]
