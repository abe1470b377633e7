"""The OpenAPI document, and the page on which people read it. Both need no sign-in: they tell nothing about anybody."""

from typing import Any

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny


class SchemaView(SpectacularAPIView):
    """``/api/v1/schema/``: YAML, or JSON for those who ask for it."""

    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []
    api_version = "1"


class DocsView(SpectacularSwaggerSplitView):
    """``/api/v1/docs/``: the document as a page. Its script is a file of its own, as the content policy wants."""

    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []
    template_name = "site/api_docs.html"
    url_name = "api-schema"
