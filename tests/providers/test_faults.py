"""What a failure of a service means: which error, whether it was paid, whether and when it may be tried again."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest

from imagegen_kit import errors
from imagegen_kit.providers.faults import http_fault, shortened, transport_fault, unreadable, wait_asked

AGAIN, NEVER, LOOK = (True, False), (False, False), (False, None)  # (retryable, paid)


@pytest.mark.parametrize(
    ("status", "kind", "outcome"),
    [
        (400, errors.ProviderError, NEVER),
        (401, errors.AuthenticationFailed, NEVER),
        (402, errors.QuotaExhausted, NEVER),
        (403, errors.AuthenticationFailed, NEVER),
        (404, errors.ProviderError, NEVER),
        (408, errors.RequestTimeout, LOOK),
        (422, errors.ProviderError, NEVER),
        (429, errors.RateLimited, AGAIN),
        (500, errors.OutcomeUnknown, LOOK),
        (502, errors.OutcomeUnknown, LOOK),
        (503, errors.ServiceUnavailable, AGAIN),
        (504, errors.OutcomeUnknown, LOOK),
    ],
    ids=str,
)
def test_each_status_has_one_meaning(status, kind, outcome):
    fault = http_fault(status, "what it said", model="sea/one")
    assert type(fault) is kind
    assert (fault.retryable, fault.paid) == outcome
    assert fault.status == status
    assert "sea/one" in fault.message
    assert "what it said" in fault.message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"RETRY-AFTER-MS": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"x-other": "1"}, None),
        (None, None),
    ],
    ids=str,
)
def test_how_long_a_service_asks_to_wait(headers, seconds):
    assert wait_asked(headers) == seconds


def test_a_date_in_the_future_is_waited_for():
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 85 < wait_asked({"retry-after": later}) <= 90


def test_what_the_service_says_elsewhere_goes_before_its_header():
    assert http_fault(429, "", model="m", headers={"retry-after": "7"}, retry_after=31.0).retry_after == 31.0


def fault_of(url, **client):
    async def call():
        async with httpx2.AsyncClient(**client) as http:
            await http.post(url, content=b"x")

    with pytest.raises(Exception) as raised:  # noqa: PT011  # whatever the client raises is what is looked at
        asyncio.run(call())
    return transport_fault(raised.value, model="sea/one")


def test_what_never_left_this_machine_may_be_tried_again():
    free = socket.socket()
    free.bind(("127.0.0.1", 0))
    fault = fault_of(f"http://127.0.0.1:{free.getsockname()[1]}/")  # bound, and nobody listens
    free.close()
    assert (type(fault), fault.retryable, fault.paid) == (errors.ServiceUnavailable, True, False)


def test_an_address_that_is_none_is_no_weather():
    fault = fault_of("gopher://127.0.0.1/")
    assert (type(fault), fault.retryable, fault.paid) == (errors.ProviderError, False, False)


@pytest.fixture
def listener():
    server = socket.create_server(("127.0.0.1", 0))
    yield server
    server.close()


def test_a_service_that_does_not_answer_in_time_may_have_been_paid(listener):
    fault = fault_of(f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout=0.1)
    assert (type(fault), fault.retryable, fault.paid) == (errors.RequestTimeout, False, None)


def test_a_connection_that_breaks_after_the_request_may_have_been_paid(listener):
    import threading

    def hang_up():
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.close()

    thread = threading.Thread(target=hang_up)
    thread.start()
    fault = fault_of(f"http://127.0.0.1:{listener.getsockname()[1]}/")
    thread.join()
    assert (type(fault), fault.retryable, fault.paid) == (errors.OutcomeUnknown, False, None)


def test_a_services_words_fit_on_a_line():
    assert shortened(" a\n b ") == "a b"
    assert len(shortened("x" * 1000)) == 300
    assert unreadable("<html>", model="sea/one").paid is True
