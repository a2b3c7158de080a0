"""Checks that a key is shown nowhere: not in a repr, a log, a traceback, an error's chain, or the store."""

from __future__ import annotations

import logging
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from imagegen_kit.testing.contracts.subject import Subject
from imagegen_kit.testing.contracts.through_engine import ask_engine, own_engine

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from imagegen_kit.testing.contracts.trial import Trial

WORTH_TRYING = ("ok", "rate_limited", "quota", "html_502", "not_json", "no_picture", "blocked_before", "drop")


class Secret(Subject):
    """The key in ``Account.key`` is for the service's eyes only."""

    def test_the_key_is_shown_nowhere(self, trial: Trial, capfd: pytest.CaptureFixture[str]) -> None:
        """No repr, log record, warning, error, chained error or output holds the key, whatever the service answers."""
        request = trial.request(trial.lead())
        with _everything_logged() as logged:
            shown = [("repr() of the provider", repr(trial.build()))]
            for mode in _modes(trial):
                if trial.simulator is not None:
                    trial.simulator.play(mode)
                try:
                    reply = trial.call(request)
                    shown.append((f"the reply after {mode!r}", repr(reply)))
                except Exception as error:
                    shown += [(f"the error after {mode!r}", text) for text in _told(error)]
                if trial.simulator is not None:
                    trial.drain()
        out, err = capfd.readouterr()
        shown += [("a log record", text) for text in logged] + [("what was printed", out + err)]
        leaks = sorted({where for where, text in shown if trial.key in text})
        assert not leaks, (
            f"the key stands in {', '.join(leaks)}: keep it a SecretStr, send it in a header and not in the URL, and "
            f"leave headers and URLs out of messages"
        )

    def test_the_key_is_stored_nowhere(self, trial: Trial, tmp_path: Path) -> None:
        """After a good call and a failed one no file of the store holds the key."""
        model, folder = trial.lead(), tmp_path / "kept"
        with own_engine(trial, folder) as engine:
            ask_engine(engine, trial, model)
            if trial.simulator is not None:
                trial.simulator.play("quota")
                ask_engine(engine, trial, model, prompt="another kite")
                trial.drain()
        leaks = [p.name for p in sorted(folder.rglob("*")) if p.is_file() and trial.key.encode() in p.read_bytes()]
        assert not leaks, (
            f"the key lies in {', '.join(leaks)}: leave it out of job ids, options, timings and adaptations"
        )


def _modes(trial: Trial) -> list[str]:
    return ["ok"] if trial.simulator is None else [m for m in WORTH_TRYING if m in trial.simulator.modes]


def _told(error: BaseException) -> list[str]:
    """Return every text in which a program may show an error and what it is chained to."""
    texts = ["".join(traceback.format_exception(error))]
    chain: BaseException | None = error
    while chain is not None:
        texts += [repr(chain), str(chain), repr(vars(chain))]
        chain = chain.__cause__ or chain.__context__
    return texts


@contextmanager
def _everything_logged() -> Iterator[list[str]]:
    """Yield a list that every log record and warning is written to."""
    texts: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            texts.append(f"{record.getMessage()} {record.exc_info or ''}")

    root, keep = logging.getLogger(), Keep(logging.NOTSET)
    level = root.level
    root.addHandler(keep)
    root.setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings(record=True) as caught:
            yield texts
        texts += [str(w.message) for w in caught]
    finally:
        root.removeHandler(keep)
        root.setLevel(level)
