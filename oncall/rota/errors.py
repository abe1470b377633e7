"""The one refusal of the rota: a definition, an override or a range that makes no sense."""

from escalation_site.kernel.errors import DomainError


class RotaError(DomainError):
    """``field`` names the field of the value at fault, ``code`` the rule it breaks (stable, for translation)."""

    default_code = "rota"
