"""The reports app's tables: one module each for what belongs together; import it here."""

from reports.models.answers import DayAnswers
from reports.models.auditing import AuditPack, LedgerView
from reports.models.dashboards import Dashboard
from reports.models.digests import Digest, DigestReader
from reports.models.exports import ExportFile, ExportSchedule, Format
from reports.models.figures import DayFigures, FiguresCursor, IncidentFigures, PageFigures

__all__ = [
    "AuditPack",
    "Dashboard",
    "DayAnswers",
    "DayFigures",
    "Digest",
    "DigestReader",
    "ExportFile",
    "ExportSchedule",
    "FiguresCursor",
    "Format",
    "IncidentFigures",
    "LedgerView",
    "PageFigures",
]
