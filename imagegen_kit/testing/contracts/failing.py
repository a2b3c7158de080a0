"""Checks of what comes of a service's failures: one typed error, judged by the service's books, and no second try."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from imagegen_kit.errors import (
    AuthenticationFailed,
    ContentBlocked,
    ImagegenError,
    InvalidInput,
    InvalidReply,
    NoPictureReturned,
    OutcomeUnknown,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    RequestTimeout,
    ServiceUnavailable,
)
from imagegen_kit.imaging.decode import open_sound
from imagegen_kit.providers.base import Account
from imagegen_kit.testing.contracts.subject import Subject
from imagegen_kit.testing.contracts.trial import sound
from imagegen_kit.testing.contracts.words import sentence

if TYPE_CHECKING:
    from imagegen_kit.testing.contracts.trial import Trial
    from imagegen_kit.types import ImageRequest, Reply

Kinds = tuple[type[ProviderError], ...]
GARBAGE: Kinds = (InvalidReply, NoPictureReturned, OutcomeUnknown)
LOST: Kinds = (OutcomeUnknown, RequestTimeout, ServiceUnavailable)
EXPECTED: dict[str, Kinds] = {
    "rate_limited": (RateLimited,),
    "rate_limited_bare": (RateLimited,),
    "quota": (QuotaExhausted,),
    "unavailable": (ServiceUnavailable,),
    "error_500": LOST,
    "html_502": LOST,
    "not_json": GARBAGE,
    "no_picture": GARBAGE,
    "truncated": (InvalidReply, OutcomeUnknown),
    "wrong_content_type": GARBAGE,
    "blocked_before": (ContentBlocked,),
    "blocked_after": (ContentBlocked,),
    "unknown_finish": (ProviderError,),
    "drop": LOST,
    "job_failed": (ProviderError,),
    "never_ends": (RequestTimeout, OutcomeUnknown),
    "unknown_status": (ProviderError,),
    "foreign_poll_url": (ProviderError,),
    "expired_result": (ProviderError,),
}
UNSOUND = ("truncated", "wrong_content_type")
MAY_SUCCEED = ("expired_result", "foreign_poll_url", "unknown_status", "unknown_finish")  # a sound picture is no fault
ENDLESS = "never_ends"
UNTRIED = ("ok", "slow")  # what goes well, and what only a timeout ends


class Fails(Subject):
    """Whatever a service does, a ProviderError says whether it was paid and whether it may be tried again."""

    @pytest.mark.parametrize("mode", [*EXPECTED, "its own modes"])
    def test_a_fault_is_a_typed_error(self, trial: Trial, mode: str) -> None:
        """Every failure is a ProviderError of the right class that says what was paid and names the model."""
        service = trial.service()
        own = [m for m in service.modes if m not in EXPECTED and m not in UNTRIED]
        modes = [m for m in ([mode] if mode in EXPECTED else own) if m in service.modes]
        modes = [m for m in modes if self.faults is None or m in self.faults]
        if not modes:
            pytest.skip("the simulator does not play this")
        for one in modes:
            charged = len(service.ledger.accepted)
            service.play(one)
            error = _failure(trial, one)
            trial.drain()
            if error is not None:
                _judge(error, one, trial, charged=len(service.ledger.accepted) > charged)

    def test_nothing_is_sent_twice(self, trial: Trial) -> None:
        """A call submits once, whatever comes of it: the engine tries again, so an SDK's own retries are off."""
        service = trial.service()
        for mode in ("rate_limited", "unavailable", "error_500", "html_502", "drop", "not_json", "no_picture"):
            if mode not in service.modes or (self.faults is not None and mode not in self.faults):
                continue
            service.play(*[mode] * 3)
            _failure(trial, mode)
            left = trial.drain()
            assert left == 2, (
                f"after {mode!r} one call had asked {3 - left} times: switch off the retries of your SDK "
                f"(max_retries=0) and write none of your own; raise, and set `retryable`"
            )

    def test_a_service_that_cannot_be_reached_is_told(self, trial: Trial) -> None:
        """Where nobody answers, nothing was paid and the engine may try again."""
        trial.service()
        account = trial.account()
        nowhere = Account(account.name, account.key, "http://127.0.0.1:9", account.settings)  # discard: nobody listens
        error = _caught(trial, nowhere)
        assert isinstance(error, ServiceUnavailable) or (error.retryable and error.paid is False), (
            f"an address where nobody listens gave {_told(error)}: raise faults.transport_fault(error, model=…)"
        )

    def test_a_wrong_key_is_told(self, trial: Trial) -> None:
        """A key that is wrong, or missing, is an AuthenticationFailed that was not paid and does not show the key."""
        trial.service()
        if not trial.spec.key_env:
            pytest.skip(f"{trial.spec.name} needs no key")
        wrong, account = "wrong-key-5e1d", trial.account()
        for said, given in (
            ("a wrong key", trial.account(wrong)),
            ("no key", Account("contract", None, account.base_url, account.settings)),
        ):
            error = _caught(trial, given)
            assert isinstance(error, AuthenticationFailed), f"{said} gave {_told(error)}: raise AuthenticationFailed"
            assert error.paid is False and not error.retryable, f"{said} gave {_told(error)}: nothing was paid"  # noqa: PT018
            assert wrong not in str(error), "the error shows the key: leave it out of the message"
            assert not trial.service().ledger.accepted, f"{said} was accepted by the simulator: it must check the key"


def _failure(trial: Trial, mode: str) -> ProviderError | None:
    """Return the error of a call that meets ``mode``; None where a sound picture came, or it waits, and may."""
    request = trial.request(trial.lead())
    try:
        reply = trial.run(_for_a_while(trial, request)) if mode == ENDLESS else trial.call(request)
        if reply is None:
            return None
        data = reply.pictures
    except ProviderError as error:
        return error
    except ImagegenError as error:
        pytest.fail(f"{mode!r} raised {type(error).__name__}: raise a ProviderError, which says what was paid")
    except Exception as error:
        pytest.fail(
            f"{mode!r} let {type(error).__name__} escape: {sentence(error)} Make a ProviderError of what your client "
            f"raises of it: faults.http_fault, faults.transport_fault, faults.unreadable."
        )
    if mode in UNSOUND and data:  # handed on as it came: the engine examines every picture
        try:
            open_sound(data[0])
        except InvalidInput as problem:
            return InvalidReply(f"{trial.spec.name}/{trial.lead().name}: {problem}")
    assert mode in MAY_SUCCEED and data, f"{mode!r} gave a reply instead of an error: look at what the service answers"  # noqa: PT018
    sound(reply)
    return None


async def _for_a_while(trial: Trial, request: ImageRequest) -> Reply | None:
    """Return the reply, or None where the provider still waits after a second: the engine's timeout ends that."""
    async with trial.provider() as provider:
        call = asyncio.ensure_future(trial.ask(provider, request))
        done, _ = await asyncio.wait([call], timeout=1.0)
        if not done:
            call.cancel()
            await asyncio.wait([call])
        return call.result() if done else None


def _caught(trial: Trial, account: Account) -> ProviderError:
    try:
        trial.call_anew(trial.request(trial.lead()), account)
    except ProviderError as error:
        return error
    except Exception as error:
        pytest.fail(f"{type(error).__name__} escaped: {sentence(error)} Only a ProviderError may leave a provider.")
    pytest.fail("a picture came back, where the service cannot have made one")


def _judge(error: ProviderError, mode: str, trial: Trial, *, charged: bool) -> None:
    told, model = f"{mode!r} gave {_told(error)}", trial.lead()
    kinds = EXPECTED.get(mode, (ProviderError,))
    assert isinstance(error, kinds), f"{told}: raise {' or '.join(k.__name__ for k in kinds)}"
    if charged:
        assert error.paid is not False, (
            f"{told}, and the service charged the call: paid is True, or None if nobody knows"
        )
    else:
        assert error.paid is not True, f"{told}, and the service did not charge the call: paid is False, or None"
    assert not (error.retryable and error.paid), f"{told}: what was paid is never simply sent again"
    if kinds in ((RateLimited,), (ServiceUnavailable,)):
        assert error.retryable, f"{told}: the same request may succeed later, so retryable=True"
    if mode == "rate_limited":
        assert error.retry_after == pytest.approx(1.0, abs=0.5), (
            f"{told}, retry_after={error.retry_after}: it asked for 1 s"
        )
    if mode == "rate_limited_bare":
        assert error.retry_after is None, f"{told}, retry_after={error.retry_after}: the service named no time"
    message = str(error)
    assert model.name in message or trial.spec.name in message, f"{told}: name the model: {message!r}"
    assert len(message) >= 25 and "Traceback" not in message, f"{told}: say what happened and what to do: {message!r}"  # noqa: PT018


def _told(error: ProviderError) -> str:
    return f"{type(error).__name__}(retryable={error.retryable}, paid={error.paid})"
