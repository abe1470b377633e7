"""The web process: uvicorn serving escalation_site.asgi, configured by the environment.

python -m escalation_site.supervisor.web
"""

import os

import uvicorn

from escalation_site.env import Environment, read_or_exit

_SHUTDOWN_SECONDS = 5


def serve(environment: Environment) -> None:
    """Serve until told to stop. Logs go where Django's settings send them: uvicorn's own set-up is switched off."""
    uvicorn.run(
        "escalation_site.asgi:application",
        host=environment.host,
        port=environment.port,
        workers=environment.web_workers,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(environment.trusted_proxies),
        forwarded_allow_ips=list(environment.trusted_proxies),
        # Live connections never end by themselves.
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "escalation_site.settings")
    serve(read_or_exit(os.environ))
