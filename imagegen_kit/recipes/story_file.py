"""Reads a story from YAML, JSON or a mapping and checks everything about it; all faults are told with their lines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog.validation import validate
from imagegen_kit.catalog.yaml import Document, load_yaml
from imagegen_kit.engine.ask import check_values
from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.film import clips
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.prompts.templates import Template, render, template
from imagegen_kit.providers.accounts import not_ready
from imagegen_kit.recipes.story_schema import MOST_TRIES, REFERENCES, story_schema
from imagegen_kit.recipes.story_variables import filled_in, without_keys
from imagegen_kit.recipes.storyboard import EDIT, STYLE, TEXT, Shot, Storyboard
from imagegen_kit.registry import get_registry
from imagegen_kit.retrieval.library.configured import read_configured
from imagegen_kit.settings import settings
from imagegen_kit.types import Reference

if TYPE_CHECKING:
    from imagegen_kit.registry import Registry

MODES = {
    "image-to-image": EDIT, "edit": EDIT, "gemini": EDIT, "text-to-image": TEXT, "text": TEXT, "auto": None,
}  # fmt: skip
_OLD_FIELD = re.compile(r"(?<!\{)\{\s*([A-Za-z_]\w*)\s*\}(?!\})")
KINDS = ("single", "paired")
NO_FILM = "none"  # instead of a film model
OWN = "story"  # what places are called in a story that is no file


def read_story(source: Any, **changes: Any) -> Storyboard:
    """Return the story in a ``.yaml`` or ``.json`` file, or in a mapping of the same form, checked from end to end.

    ``changes`` (those of the recipe: model, film_model, kind, chained, threshold, tries, size, seed) take precedence
    over what stands there. Raises InvalidInput with every fault at once, each with its file and line.
    """
    registry, faults = get_registry(), list[Fault]()
    board = _Reader(registry, faults).read(source, {k: v for k, v in changes.items() if v is not None})
    if faults or board is None:
        raise InvalidInput(sorted(dict.fromkeys(faults), key=_line))
    return board


def _line(fault: Fault) -> int:
    """Return the line that a fault names, so that a file is mended from top to bottom; arguments come last."""
    found = re.search(r"\.(?:ya?ml|json):(\d+)", fault.where)
    return int(found[1]) if found else 10**9


def story_faults(params: Mapping[str, Any], registry: Registry) -> list[Fault]:
    """Return what is wrong with the parameters of the recipe ``keyframes``, but for what is checked of any recipe."""
    told = [fault for name, value in params.items() for fault in check_values(name, value, registry)]
    try:
        read_story(params.get("story"), **{name: params.get(name) for name in CHANGES})
    except InvalidInput as error:
        return [fault for fault in error.faults if fault not in told]
    return []


CHANGES = ("model", "film_model", "kind", "chained", "threshold", "tries", "size", "seed")


class _Reader:
    def __init__(self, registry: Registry, faults: list[Fault]) -> None:
        self.registry, self.faults = registry, faults
        self.document = Document({}, OWN)
        self.base = Path()

    def refuse(self, path: tuple[Any, ...], what: str, hint: str = "") -> None:
        self.faults.append(self.at(path, what, hint))

    def at(self, path: tuple[Any, ...], what: str, hint: str = "") -> Fault:
        """Return a fault with file and line; a mapping has no lines."""
        fault = self.document.fault(path, what, hint)
        return replace(fault, where=fault.where.replace(f"{OWN}:1", OWN, 1)) if self.document.name == OWN else fault

    def read(self, source: Any, changes: dict[str, Any]) -> Storyboard | None:
        plain = self.open(source)
        if plain is None:
            return None
        plain = filled_in(without_keys(plain, self.registry, self.refuse), (), self.refuse)
        self.document = replace(self.document, data=plain)
        try:
            validate(self.document, story_schema())
        except InvalidInput as error:
            self.faults += [self._placed(fault) for fault in error.faults]
        given = plain.get("keyframe_settings")
        options = given if isinstance(given, dict) else {}
        segments = plain.get("segments")
        listed = segments if isinstance(segments, list) else []
        templates, references = self.templates(options.get("prompt_templates")), self.references(options)
        chained = changes.get("chained", "some" if options.get("sequential_generation") is not True else True)
        shots = [
            self.shot(n, one, templates, references, chained, plain.get("seconds"))
            for n, one in enumerate(listed, 1)
            if isinstance(one, dict)
        ]
        mode = str(options.get("mode") or "auto").replace("_", "-")
        if mode not in MODES:
            self.faults.append(unknown_name_fault("mode", mode, MODES, where=self.where("keyframe_settings", "mode")))
        tries: Any = changes.get("tries", options.get("max_tries", 2))
        filmed = changes.get("film_model") or plain.get("default_backend")
        board = Storyboard(
            shots=tuple(shots), name=str(plain.get("name") or Path(self.document.name).stem),
            model=changes.get("model") or options.get("image_model") or plain.get("gemini_model"),
            film_model=None if filmed == NO_FILM else filmed,
            kind=changes.get("kind") or plain.get("keyframes"), mode=MODES.get(mode),
            consistent=options.get("maintain_consistency", True) is True,
            threshold=changes.get("threshold", options.get("consistency_threshold")),
            coherence=options.get("coherence_threshold"), tries=tries,
            falls_back=options.get("fall_back_to_text") is True, size=changes.get("size", options.get("size")),
            film_size=plain.get("film_size"), seed=changes.get("seed", plain.get("seed")),
            style=options.get("style") or (STYLE if options.get("maintain_consistency", True) is True else None),
        )  # fmt: skip
        self.check(board, changes, plain)
        return board

    def where(self, *path: Any) -> str:
        return self.at(path, "").where

    def _placed(self, fault: Fault) -> Fault:
        return replace(fault, where=fault.where.replace(f"{OWN}:1", OWN, 1)) if self.document.name == OWN else fault

    def open(self, source: Any) -> dict[str, Any] | None:
        if isinstance(source, Mapping):
            self.document, self.base = Document(dict(source), OWN), Path.cwd()
            return dict(source)
        if not isinstance(source, (str, Path)) or Path(source).suffix.lower() not in (".yaml", ".yml", ".json"):
            what = f"{source!r:.80} is no story."
            self.faults.append(Fault(OWN, what, "Give a .yaml or .json file, or a mapping with segments."))
            return None
        path = Path(source).expanduser()
        try:
            self.document, self.base = load_yaml(path), path.absolute().parent
        except InvalidInput as error:
            self.faults += error.faults
            return None
        if isinstance(self.document.data, dict):
            return self.document.data
        self.refuse((), "is no mapping.", "Write keyframe_settings: … and segments: ….")
        return None

    def templates(self, given: Any) -> dict[str, Template]:
        """Return the user's own templates; fields may also stand in single braces, as other systems write them."""
        found: dict[str, Template] = {}
        for name, one in given.items() if isinstance(given, dict) else ():
            text, optional = (one.get("text"), one.get("optional", [])) if isinstance(one, dict) else (one, [])
            if not isinstance(text, str) or not isinstance(optional, list):
                continue  # told by the schema
            text = text if "{{" in text or "{%" in text else _OLD_FIELD.sub(r"{{ \1 }}", text)
            try:
                found[name] = replace(template(f"{text} ", optional=tuple(map(str, optional))), name=name)
            except InvalidInput as error:
                self.add(("keyframe_settings", "prompt_templates", name), error)
        return found

    def add(self, path: tuple[Any, ...], error: InvalidInput) -> None:
        self.faults += [self.at(path, f"{f.where}: {f.what}" if f.where else f.what, f.hint) for f in error.faults]

    def references(self, options: Mapping[str, Any]) -> dict[str, Reference]:
        """Return all references by id and by name, their bytes in memory: a file that goes later stops nothing."""
        if all(options.get(name) is None for name in REFERENCES):
            return {}
        found: list[Fault] = []
        entries = read_configured(self.document, found, self.base)
        self.faults += [self._placed(fault) for fault in found]
        known: dict[str, Reference] = {}
        for entry in entries:
            about = entry.about
            picture = Picture.from_bytes(entry.path.read_bytes(), where=entry.where)
            name, description = about.get("name") or about["id"], about.get("description") or about.get("caption")
            one = Reference(picture, role=about["role"], name=name, description=description, origin=about["id"])
            if about["id"] in known:
                self.faults.append(self._placed(Fault(entry.where, f"another one is called {about['id']!r} too.")))
            known[about["id"]] = one
            known.setdefault(str(name), one)
        return known

    def shot(
        self, number: int, given: Mapping[str, Any], templates: Mapping[str, Template],
        references: Mapping[str, Reference], chained: Any, usual: Any,
    ) -> Shot:  # fmt: skip
        path = ("segments", number - 1)
        names = given.get("references") or []
        chosen: list[Reference] = []
        for place, name in enumerate(names if isinstance(names, list) else []):
            if name in references:
                chosen.append(references[name])
            elif isinstance(name, str):
                where = self.where(*path, "references", place)
                self.faults.append(unknown_name_fault("reference", name, references, where=where))
        if isinstance(given.get("input_image"), str):
            chosen = [*self.input_image(given["input_image"], (*path, "input_image")), *chosen]
        chain = given.get("chain", chained is True) if chained else None
        return Shot(
            number=number, name=str(given.get("name") or number), prompt=self.prompt(given, path, templates),
            references=tuple(dict.fromkeys(chosen)), chain=OWN if chain is True else chain or None,
            camera=given.get("camera"), seconds=given.get("seconds") or usual,
        )  # fmt: skip

    def input_image(self, text: str, path: tuple[Any, ...]) -> list[Reference]:
        try:
            return [Reference(Picture.from_bytes(Picture.open(self.base / text).bytes), name="input image")]
        except InvalidInput as error:
            self.add(path, error)
            return []

    def prompt(self, given: Mapping[str, Any], path: tuple[Any, ...], templates: Mapping[str, Template]) -> str:
        name, text = given.get("template"), given.get("prompt")
        if (name is None) == (text is None):
            what = "it has neither prompt nor template." if name is None else "it has a prompt and a template."
            self.refuse(path, what, "Give one of the two.")
        if not isinstance(name, str) or text is not None:
            if given.get("fields") and name is None:
                self.refuse((*path, "fields"), "these fill in a template, and none is named.", "Give template: ….")
            elif isinstance(text, str) and name is None and re.search(r"\{\{.*?\}\}|\{%", text):
                what = "it has fields to be filled in, and is no template."
                self.refuse(
                    (*path, "prompt"), what, "Write it below prompt_templates, and give template: … and fields: …."
                )
            return text if isinstance(text, str) else "?"
        try:
            found = templates.get(name) or template(name)
        except InvalidInput as error:
            self.add((*path, "template"), error)
            return "?"
        fields = given.get("fields") or {}
        try:
            return render(found, **fields) if isinstance(fields, dict) else "?"
        except InvalidInput as error:
            self.faults += [self.at((*path, "fields"), f"{f.where}: {f.what}", f.hint) for f in error.faults]
            return "?"

    def check(self, board: Storyboard, changes: Mapping[str, Any], plain: Mapping[str, Any]) -> None:
        """Check what hangs on models and on several keys; a fault in a parameter stands under its name."""
        set_ = "keyframe_settings"
        places = {
            "model": (set_, "image_model") if set_ in plain else ("gemini_model",), "film_model": ("default_backend",),
            "kind": ("keyframes",), "size": (set_, "size"), "style": (set_, "style"),
        }  # fmt: skip

        def add(name: str, what: str, hint: str = "") -> None:
            self.faults.append(Fault(name, what, hint) if name in changes else self.at(places[name], what, hint))

        for name, check in (("model", "model"), ("film_model", "model"), ("size", "size"), ("style", "style")):
            for fault in check_values(check, getattr(board, name), self.registry):
                add(name, fault.what, fault.hint)
        for fault in check_values("size", board.film_size, self.registry):
            self.refuse(("film_size",), fault.what, fault.hint)
        threshold, tries = changes.get("threshold"), changes.get("tries")
        number = isinstance(threshold, (int, float)) and not isinstance(threshold, bool)
        if threshold is not None and not (number and 0 <= threshold <= 1):
            self.faults.append(Fault("threshold", f"{threshold!r:.80} is not a number from 0 to 1."))
        elif threshold is not None and board.shots and not any(shot.characters for shot in board.shots):
            what = "no keyframe names a character whose presence could be measured."
            self.faults.append(Fault("threshold", what, "Give references of the role character, or leave it out."))
        kind = changes.get("kind")
        if kind is not None and kind not in KINDS:
            self.faults.append(unknown_name_fault("kind", str(kind), KINDS))
        elif kind is not None and board.film_model is None and changes.get("film_model") != NO_FILM:
            self.faults.append(Fault("kind", "there is no film whose clips it could be of.", "Give film_model=…."))
        if tries is not None and not (type(tries) is int and 1 <= tries <= MOST_TRIES):
            self.faults.append(Fault("tries", f"{tries!r:.80} is not a whole number from 1 to {MOST_TRIES}."))
        for name, kind in (("model", "image"), ("film_model", "video")):
            self.check_model(name, getattr(board, name), kind, board, add)

    def check_model(self, where: str, name: Any, kind: str, board: Storyboard, add: Any) -> None:
        try:
            found = self.registry.model(name or settings().model, today=date.min)
        except InvalidInput:
            return  # told already, or a replay answers for it
        if where == "film_model" and name is None:
            return
        if found.spec.kind != kind:
            add(where, f"{found.id} makes {found.spec.kind}, and {kind} is needed.", "See ik.models().")
        elif (missing := not_ready(found.provider)) and not settings().replay:
            add(where, f"{found.id} is not ready.", f"{missing[0].upper()}{missing[1:]}.")
        elif kind == "video" and board.shots:
            try:
                clips(board.shots, "?", found.spec.can, model=found.id, kind=board.kind)
            except InvalidInput as error:
                for fault in error.faults:
                    add(where, f"keyframes: {fault.what}" if fault.where == "keyframes" else fault.what, fault.hint)
        elif kind == "image" and found.spec.can.references < 1 and board.mode != TEXT and not board.falls_back:
            chained = any(len(chain) > 1 for chain in board.chains)
            if chained or any(shot.references for shot in board.shots):
                hint = "Choose another, mode: text-to-image, or fall_back_to_text: true."
                add(where, f"{found.id} takes no reference pictures, and these keyframes are edits.", hint)
