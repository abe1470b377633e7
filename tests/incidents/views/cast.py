"""Constants of the page tests."""

HTMX = {"HX-Request": "true"}
FRAME = "escalation_site.ui.context.navigation"
MOST_QUERIES = 15
