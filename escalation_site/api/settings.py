"""How the API speaks, and what its documentation says of it (`escalation_site.settings` takes both as they are)."""

from typing import Any

REST_FRAMEWORK: dict[str, Any] = {
    # The first one names itself in a 401.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "oncall.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "escalation_site.api.pagination.Pages",
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "escalation_site.api.errors.handle",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Watchbell",
    "VERSION": "1",
    "DESCRIPTION": "What the pages do, for programs. Errors, tokens and examples: docs/api.md.",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {
        "SeverityEnum": "policies.severity.Severity",
        "OverrideKindEnum": "oncall.models.Override.Kind",
        "AbsenceKindEnum": "oncall.models.Absence.Kind",
        "IncidentStateEnum": "incidents.models.Incident.State",
        "ObjectiveStateEnum": "incidents.models.Objective.State",
        "TaskKindEnum": "incidents.models.Task.Kind",
        "TaskStateEnum": "incidents.models.Task.State",
        "DestinationKindEnum": "notifications.models.Destination.Kind",
        "DigestKindEnum": "reports.models.Digest.Kind",
        "ExportFormatEnum": "reports.models.Format",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
