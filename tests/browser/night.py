"""What the parts of the organisation that is looked at are told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass
class Night:
    """What happens at Brightquay, written through the services; mail goes nowhere."""

    cast: Any
    engine: Any
    at: datetime

    def file(self, title: str, **values: Any) -> Any:
        from incidents.services.lifecycle import incident_open

        given = {"summary": "Every card is declined.", "severity": 1, "service": self.cast.gateway}
        incident = incident_open(**{**given, "title": title, "reporter": self.cast.sofie, "at": self.at, **values})
        while self.engine.turn():
            pass
        return incident
