"""The ASGI application: intake first and by the fast way, then pages, then live sockets."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "escalation_site.settings")

import django

django.setup()

# Django must be set up before anything below is imported.
from channels.auth import AuthMiddlewareStack  # noqa: E402  Django is set up first
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402  Django is set up first
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402  Django is set up first
from django.conf import settings  # noqa: E402  Django is set up first
from django.urls import path  # noqa: E402  Django is set up first

from escalation_site.handler import OneHopHandler  # noqa: E402  Django is set up first
from escalation_site.kernel.memory import memory_settle  # noqa: E402  Django is set up first
from escalation_site.operations.beating import Beating  # noqa: E402  Django is set up first
from incidents.intake.fast import IntakeDoor  # noqa: E402  Django is set up first
from incidents.live.consumer import LiveConsumer  # noqa: E402  Django is set up first

application = Beating(
    IntakeDoor(
        ProtocolTypeRouter(
            {
                "http": OneHopHandler(threads=settings.WEB_THREADS),
                "websocket": AllowedHostsOriginValidator(
                    AuthMiddlewareStack(URLRouter([path("live/", LiveConsumer.as_asgi())]))
                ),
            }
        )
    )
)

memory_settle()
