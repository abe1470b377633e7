"""Schedules as documents: the one form in which they are stored, exported and written by hand.

    time_zone: Europe/Rome
    layers:
      - name: Week
        start: 2026-01-05
        rotation: weekly
        handoff: "mon 09:00"
        participants: [alice, [bob, carol], []]
        restrictions:
          - {days: mon-fri, start: "09:00", end: "18:00"}

Stored documents name people by id. Whoever writes by hand may use names, through ``resolve_user``.
"""

from oncall.rota_document.dump import document_dump
from oncall.rota_document.load import document_load
from oncall.rota_document.reading import DocumentInvalid, Problem
from oncall.rota_document.schema import SCHEDULE_SCHEMA

__all__ = ["SCHEDULE_SCHEMA", "DocumentInvalid", "Problem", "document_dump", "document_load"]
