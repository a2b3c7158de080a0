"""Errors say what happened, where and what to do, and whether it was paid."""

from __future__ import annotations

import inspect
import re

import pytest

from imagegen_kit import errors
from imagegen_kit.errors import Fault, ImagegenError, InvalidInput, MissingDependency, ProviderError, UnknownName

CLASSES = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, ImagegenError)]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
def test_every_error_stands_in_the_tree_under_its_parent(cls):
    lines = errors.__doc__.splitlines()
    found = next(line for line in lines if re.search(rf"\b{cls.__name__}\b", line))
    if cls is not ImagegenError:
        depth = len(found) - len(found.lstrip("│├└─ "))
        above = lines[: lines.index(found)]
        parent = next(p for p in reversed(above) if len(p) - len(p.lstrip("│├└─ ")) < depth)
        assert re.search(rf"\b{cls.__mro__[1].__name__}\b", parent)
    assert cls.__doc__


@pytest.mark.parametrize(
    ("name", "retryable", "paid"),
    [
        ("AuthenticationFailed", False, False), ("RateLimited", True, False), ("QuotaExhausted", False, False),
        ("ContentBlocked", False, False), ("NoPictureReturned", False, True), ("InvalidReply", False, True),
        ("ServiceUnavailable", True, False), ("RequestTimeout", False, None), ("OutcomeUnknown", False, None),
    ],
)  # fmt: skip
def test_each_failure_of_a_service_knows_whether_it_was_paid(name, retryable, paid):
    error = getattr(errors, name)("x", model="m", retry_after=3)
    assert (error.retryable, error.paid, error.retry_after, error.model) == (retryable, paid, 3, "m")


def test_what_a_provider_says_wins_over_the_default():
    error = ProviderError("x", retryable=True, paid=None)
    assert (error.retryable, error.paid) == (True, None)


def test_one_fault_is_a_line_and_several_are_a_list():
    one, two = Fault("size", "it is 0.", "Give more."), Fault("seed", "it is odd.")
    assert str(InvalidInput([one])) == "size: it is 0. Give more."
    assert str(InvalidInput([one, two])) == "2 things to mend:\n  - size: it is 0. Give more.\n  - seed: it is odd."
    assert InvalidInput("just wrong").faults == (Fault("input", "just wrong"),)


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("colage", ["collage", "poster"], "Did you mean 'collage'?"),
        ("collage", ["offline/collage"], "Did you mean 'offline/collage'?"),
        ("zzz", ["a", "b"], "There are: a, b."),
        ("zzz", [], "No model is registered."),
    ],
)
def test_an_unknown_name_suggests_what_is_near(name, known, hint):
    assert UnknownName("model", name, known).faults[0].hint == hint


def test_a_missing_package_says_which_command_installs_it():
    error = MissingDependency("CLIP scores", "torch", "pip install imagegen-kit[clip]")
    assert "pip install imagegen-kit[clip]" in str(error)
    assert isinstance(error, ImportError)
