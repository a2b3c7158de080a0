"""Policies, styles, requests and settings: tables in words."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from imagegen_kit.types import EMPTY, Artifact, Reference
from imagegen_kit.views.markup import Markup, box, lines, small, table, text
from imagegen_kit.views.pictures import reference_figure
from imagegen_kit.views.words import said, usd

if TYPE_CHECKING:
    from imagegen_kit.engine.policy import Policy
    from imagegen_kit.settings import SettingsView
    from imagegen_kit.types import Request, Style


def show_policy(policy: Policy) -> str:
    """Show how requests are tried, defaults included."""
    assumed = policy.assume_usd
    if isinstance(assumed, dict):
        price = ", ".join(f"{model} {usd(amount)}" for model, amount in assumed.items())
    else:
        price = "none" if assumed is None else f"{usd(assumed)} a picture"
    own = "the model's own"
    rows = {
        "attempts": str(policy.attempts),
        "timeout": f"{policy.timeout_s:g} s" if policy.timeout_s is not None else own,
        "calls at once": said(policy.concurrency) if policy.concurrency is not None else own,
        "fallback": said(policy.fallbacks),
        "placeholder": "drawn where no picture came" if policy.placeholder else "no",
        "cache": "used" if policy.cache else "not read: everything is made again",
        "price where none is known": price,
        "checks to pass": said(policy.checks),
        "clock": type(policy.clock).__name__.removesuffix("Clock").lower(),
    }
    return box(table([(text(name), text(value)) for name, value in rows.items()], ["policy", ""]))


def show_style(style: Style) -> str:
    """Show what a style adds to a prompt, what it avoids, and how its rules are measured."""
    rows = [
        ("text", style.text or "none: the prompt stays as it is"),
        ("negative", style.negative or "none"),
        ("suffix", style.suffix),
        ("aspect ratio", "named in words" if style.name_aspect else ""),
        *((f"axis: {axis}", " | ".join(map(said, phrases))) for axis, phrases in (style.axes or {}).items()),
        *((f"check: {name}", said(limits)) for name, limits in (style.checks or {}).items()),
    ]
    title = f"<b>{text(style.name)}</b>" + (f" · {text(style.title)}" if style.title else "")
    return box(lines(title), table([(text(name), text(value)) for name, value in rows if value]))


def show_settings(view: SettingsView) -> str:
    """Show each setting with its value and where it came from."""
    rows = [(text(name), text(value), text(source)) for name, value, source in view.rows]
    return box(table(rows, ["setting", "value", "from"]))


def show_request(request: Request) -> str:
    """Show everything that was asked, the references as small pictures."""
    rows: list[tuple[Markup, Markup]] = []
    for name in (field.name for field in fields(request)):
        value: Any = getattr(request, name)
        if value is None or value in ((), EMPTY) or value == {} or (name == "sample" and value == 0):
            continue
        if name == "references":
            rows.append((text(name), Markup("".join(reference_figure(r, 128) for r in value))))
        elif isinstance(value, Artifact):
            rows.append((text(name.replace("_", " ")), reference_figure(Reference(value, name=name), 128)))
        else:
            rows.append((text(name.replace("_", " ")), text(said(value))))
    return box(table(rows, [small(f"{request.kind} request"), ""]))
