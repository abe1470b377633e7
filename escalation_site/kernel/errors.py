"""Refusals that are shown to people: one family of exceptions for the whole product."""


class DomainError(Exception):
    """A request that the rules refuse. The message is shown to the person who asked.

    ``field`` names the input at fault ("severity", "levels[1].ack_timeout"), empty when no single one is;
    ``code`` is stable for machines.
    """

    default_code = "refused"

    def __init__(self, message: str, *, field: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.code = code or self.default_code

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else str(self.message)


class NotAllowed(DomainError):
    """The person may not do this."""

    default_code = "not_allowed"


class Conflict(DomainError):
    """The thing has changed meanwhile: already acknowledged, link already used, resolved by somebody else."""

    default_code = "conflict"
