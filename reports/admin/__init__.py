"""The reports app in the admin: one module each for what belongs together; import it here."""

from reports.admin import auditing, exports, figures

__all__ = ["auditing", "exports", "figures"]
