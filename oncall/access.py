"""Who may open which page: by role, and only when signed in. What a person may see on it is decided per object."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

V = TypeVar("V", bound=Callable[..., HttpResponseBase])


def role_required(*roles: str) -> Callable[[V], V]:
    """Let only people of these roles through; others are told 403, strangers go to the sign-in page."""

    def decorate(view: V) -> V:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            role: Any = getattr(request.user, "role", None)
            if role not in roles:
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return cast(V, login_required(guarded))

    return decorate
