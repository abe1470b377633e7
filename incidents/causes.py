"""Why a person calls the next level before its time (R050)."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Cause(TextChoices):
    EXPERTISE = "expertise", _("Deeper expertise is needed")
    AUTHORITY = "authority", _("Somebody must decide")
    VISIBILITY = "visibility", _("Executives must know")
    OTHER = "other", _("Something else")
