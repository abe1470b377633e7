"""What every request gets: headers, a log line without secrets, and a handler that takes one thread."""

import asyncio
import json
import logging
import threading
from types import ModuleType
from typing import Any

import pytest
import structlog
from asgiref.testing import ApplicationCommunicator
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import path

from escalation_site.handler import OneHopHandler
from escalation_site.logging import logging_config, mask_secrets, safe_path


def _thread(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(threading.current_thread().name)


async def _asynchronous(_request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse("from the loop")


def _stream(_request: HttpRequest) -> HttpResponseBase:
    return StreamingHttpResponse(iter([b"one,", b"two"]))


def _async_stream(_request: HttpRequest) -> HttpResponseBase:
    async def pieces() -> Any:
        yield b"one,"
        yield b"two"

    return StreamingHttpResponse(pieces())


def _file(_request: HttpRequest) -> HttpResponseBase:
    return FileResponse(open(__file__, "rb"))


def _fails(_request: HttpRequest) -> HttpResponse:
    raise RuntimeError("on purpose")


def _echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body)


@pytest.fixture
def views(settings: Any) -> None:
    module: Any = ModuleType("views_of_this_test")
    module.urlpatterns = [
        path(function.__name__[1:], function)
        for function in (_thread, _asynchronous, _stream, _async_stream, _file, _fails, _echo)
    ]
    settings.ROOT_URLCONF = module


_communicator: Any = ApplicationCommunicator  # it carries no types


def ask(handler: OneHopHandler, address: str, *, body: bytes = b"", method: str = "GET") -> tuple[int, bytes]:
    """The status and the whole body of one request through the ASGI interface."""

    async def exchange() -> tuple[int, bytes]:
        scope = {
            "type": "http",
            "method": method,
            "path": address,
            "raw_path": address.encode(),
            "query_string": b"",
            "headers": [(b"host", b"localhost")],
            "client": ("127.0.0.1", 4000),
            "server": ("127.0.0.1", 8000),
            "scheme": "http",
        }
        talk: Any = _communicator(handler, scope)
        await talk.send_input({"type": "http.request", "body": body, "more_body": False})
        start: Any = await talk.receive_output(5)
        received = b""
        while True:
            message: Any = await talk.receive_output(5)
            received += message.get("body", b"")
            if not message.get("more_body"):
                await talk.wait(5)
                return start["status"], received

    return asyncio.run(exchange())


@pytest.fixture
def handler(views: None) -> OneHopHandler:
    return OneHopHandler(threads=1)


def test_when_requests_follow_one_another_then_they_share_the_lasting_threads(handler: OneHopHandler) -> None:
    names = {ask(handler, "/thread")[1] for _ in range(3)}

    assert names == {b"request_0"}


@pytest.mark.parametrize(
    ("address", "expected"),
    [("/asynchronous", b"from the loop"), ("/stream", b"one,two"), ("/async_stream", b"one,two")],
)
def test_when_a_view_is_asynchronous_or_streams_then_it_is_served_as_well(
    handler: OneHopHandler, address: str, expected: bytes
) -> None:
    assert ask(handler, address) == (200, expected)


def test_when_a_file_is_asked_for_then_it_comes_whole(handler: OneHopHandler) -> None:
    status, body = ask(handler, "/file")

    assert status == 200
    assert body.endswith(b"# the last line of this file\n")


def test_when_a_body_is_sent_then_the_view_reads_it(handler: OneHopHandler) -> None:
    assert ask(handler, "/echo", body=b"payload") == (200, b"payload")


def test_when_a_view_fails_then_the_answer_is_500_and_the_thread_goes_on(handler: OneHopHandler) -> None:
    handler_status, _body = ask(handler, "/fails")

    assert handler_status == 500
    assert ask(handler, "/thread")[0] == 200


def test_when_all_threads_are_busy_then_healthz_still_answers(handler: OneHopHandler) -> None:
    release = threading.Event()
    handler._executor.submit(release.wait, 10)
    try:
        assert ask(handler, "/healthz") == (200, b"ok\n")
    finally:
        release.set()


def test_when_a_page_is_served_then_it_may_load_only_what_comes_from_here(client: Client, views: None) -> None:
    policy = client.get("/thread")["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "script-src 'self';" in f"{policy};"
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.django_db
def test_when_an_admin_page_is_served_then_only_there_alpine_may_evaluate(client: Client) -> None:
    policy = client.get("/admin/login/")["Content-Security-Policy"]

    assert "script-src 'self' 'unsafe-eval'" in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ],
)
def test_when_a_page_is_served_then_the_security_headers_are_there(
    client: Client, views: None, header: str, value: str
) -> None:
    assert client.get("/thread")[header] == value


def test_when_an_address_holds_a_key_then_the_log_shows_its_beginning_only() -> None:
    assert (
        safe_path("/integrations/alertmanager/kDq8Vb2mXz0Lr5TyWc7HpN3s/?token=abc")
        == "/integrations/alertmanager/kDq8…/"
    )
    assert safe_path("/incidents/42/timeline") == "/incidents/42/timeline"


def test_when_a_logged_value_has_a_telling_name_then_it_is_masked() -> None:
    event = mask_secrets(
        None,
        "info",
        {"event": "saved", "api_key": "k", "password": "p", "database": "postgres://bob:secret@db/x", "monkey": "m"},
    )

    assert event == {
        "event": "saved",
        "api_key": "…",
        "password": "…",
        "database": "postgres://bob:…@db/x",
        "monkey": "m",
    }


def test_when_lines_are_json_then_each_names_its_process_and_parses(capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    try:
        config = logging_config(level="INFO", log_format="json", process="engine")
        formatter = config["formatters"]["lines"]
        built = formatter["()"](processors=formatter["processors"], foreign_pre_chain=formatter["foreign_pre_chain"])
        record = logging.LogRecord("incidents", logging.INFO, __file__, 1, "paged %s", ("bob",), None)
        line = json.loads(built.format(record))
    finally:
        structlog.configure(**before)

    assert (line["event"], line["process"], line["level"]) == ("paged bob", "engine", "info")


# the last line of this file
