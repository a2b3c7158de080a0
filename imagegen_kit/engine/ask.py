"""From a recipe's arguments to requests; everything wrong with them is found here, together, before any money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from imagegen_kit.capabilities import best_references
from imagegen_kit.engine.policy import check_faults
from imagegen_kit.engine.references import (
    library_faults,
    query_by_faults,
    read_references,
    references_faults,
    retriever_faults,
    top_k_faults,
)
from imagegen_kit.engine.replay import answers_for
from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.prompts.compile import compile_prompt
from imagegen_kit.types import EMPTY, Artifact, ImageRequest, Prompt, Reference, Size, Style, TextRequest

if TYPE_CHECKING:
    from imagegen_kit.registry import Registry

MAX_PROMPT_CHARS = 32_000  # the longest that any catalogued service takes
MAX_SEED = 2**31 - 1  # services take signed 32-bit numbers
MAX_N = 100


def check_values(name: str, value: Any, registry: Registry) -> list[Fault]:
    """Return what is wrong with one argument of ``images``; an unknown ``name`` is not judged."""
    check = _CHECKS.get(name)
    if check is None or (value is None and name != "prompt"):
        return []
    faults: list[Fault] = check(name, value, registry)
    return faults


def _prompt(name: str, value: Any, _: Registry) -> list[Fault]:
    if not isinstance(value, str):
        return [Fault(name, f"{type(value).__name__} is not text.")]
    try:
        value.encode()
    except UnicodeEncodeError as error:
        return [Fault(name, f"character {error.start + 1} is half of a character.", "Type the text again.")]
    if not value.strip():
        return [Fault(name, "it is empty.", "Say what the picture should show.")]
    if len(value) > MAX_PROMPT_CHARS:
        return [Fault(name, f"it has {len(value):,} characters.", f"No model takes more than {MAX_PROMPT_CHARS:,}.")]
    return []


def _model(name: str, value: Any, registry: Registry) -> list[Fault]:
    if not isinstance(value, str):
        return [Fault(name, f"{value!r} is not a model's name.", 'Write it like "offline/collage"; see ik.models().')]
    try:
        registry.model(value, today=date.min)  # whether it has retired by now is for the policy's clock to say
    except InvalidInput as error:
        return [] if answers_for(value) else list(error.faults)
    return []


def _style(name: str, value: Any, registry: Registry) -> list[Fault]:
    if not isinstance(value, (str, Style)):
        return [Fault(name, f"{value!r} is neither a style's name nor a Style.")]
    if isinstance(value, str):
        if value not in registry.styles():
            return [unknown_name_fault("style", value, registry.styles())]
        value = registry.style(value)
    return _checked_limits(repr(value.checks), value) if value.checks else []


_limits: dict[str, list[Fault]] = {}


def _checked_limits(text: str, style: Style) -> list[Fault]:
    if text not in _limits:
        if len(_limits) > 1000:
            _limits.clear()
        _limits[text] = [Fault(f"style {style.name}", f"{f}") for f in check_faults(style.checks)]
    return _limits[text]


def _picture(name: str, value: Any, _: Registry) -> list[Fault]:
    try:
        open_picture(value)
    except InvalidInput as error:
        return [Fault(name, f.what, f.hint) for f in error.faults]
    return []


def _size(name: str, value: Any, _: Registry) -> list[Fault]:
    try:
        Size.parse(**{name: value})
    except InvalidInput as error:
        return list(error.faults)
    return []


def _whole(low: int, high: int) -> Any:
    def check(name: str, value: Any, _: Registry) -> list[Fault]:
        if type(value) is not int or not low <= value <= high:
            return [Fault(name, f"{value!r} is not a whole number from {low} to {high:,}.")]
        return []

    return check


def _text(name: str, value: Any, _: Registry) -> list[Fault]:
    return [] if isinstance(value, str) else [Fault(name, f"{type(value).__name__} is not text.")]


_CHECKS = {
    "prompt": _prompt,
    "model": _model,
    "style": _style,
    "references": references_faults,
    "library": library_faults,
    "retriever": retriever_faults,
    "query_by": query_by_faults,
    "top_k": top_k_faults,
    "mask": _picture,
    "first_frame": _picture,
    "last_frame": _picture,
    "size": _size,
    "aspect_ratio": _size,
    "seed": _whole(0, MAX_SEED),
    "sample": _whole(0, MAX_SEED),
    "n": _whole(1, MAX_N),
    "quality": _text,
    "negative_prompt": _text,
}


_sizes: dict[tuple[Any, Any], Size | None] = {}


def read_size(size: Any, aspect_ratio: Any) -> Size | None:
    """Return the size that two arguments name. Raises InvalidInput where they contradict each other."""
    key = (tuple(size) if isinstance(size, list) else size, aspect_ratio)
    if key not in _sizes:
        if len(_sizes) > 1000:
            _sizes.clear()
        _sizes[key] = Size.parse(size, aspect_ratio)
    return _sizes[key]


def _mask_fault(mask: Artifact, references: tuple[Reference, ...]) -> Fault | None:
    if not references:
        return Fault("mask", "it marks where the first reference may change, and there is none.", "Give references=….")
    first = references[0].picture
    if (mask.width, mask.height) != (first.width, first.height):
        what = f"it is {mask.width}×{mask.height}, the first reference {first.width}×{first.height} pixels."
        return Fault("mask", what, "Make them the same size.")
    return None


OF_EACH = ("model", "style", "variation", "labels")  # what several prompts may be given one by one


def each_given(prompts: Sequence[str], given: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what is asked with each of ``prompts``: a list of models, styles, variations or labels holds one for each.

    None among them is none. Raises InvalidInput where a list is shorter or longer.
    """
    lists = {name: given[name] for name in OF_EACH if isinstance(given.get(name), (list, tuple))}
    faults = [
        Fault(name, f"{len(found)} are given for {len(prompts)} prompts.", "Give one for all, or one for each.")
        for name, found in lists.items()
        if len(found) != len(prompts)
    ]
    if faults:
        raise InvalidInput(faults)
    if not lists:
        return [given] * len(prompts)
    shared = {name: value for name, value in given.items() if name not in lists}
    each = ({name: found[i] for name, found in lists.items() if found[i] is not None} for i in range(len(prompts)))
    return [{**shared, **own} for own in each]


def ask_faults(prompt: str, given: Mapping[str, Any], registry: Registry) -> list[Fault]:
    """Return everything wrong with the arguments of one ask for pictures, each by itself and sizes with each other."""
    faults = _prompt("prompt", prompt, registry)
    for name, value in given.items():
        faults += check_values(name, value, registry)
    asks_size = "size" in given or "aspect_ratio" in given
    if asks_size and not any(f.where in ("size", "aspect_ratio") for f in faults):
        try:
            read_size(given.get("size"), given.get("aspect_ratio"))
        except InvalidInput as error:
            faults += error.faults
    return faults


def build_requests(
    prompt: str,
    given: Mapping[str, Any],
    options: Mapping[str, Any],
    registry: Registry,
    repeat: int,
    default_model: str,
) -> tuple[list[ImageRequest], Mapping[str, Any] | None]:
    """Return the requests of one ask (``n`` of them) and the checks that the style measures.

    Raises InvalidInput with every fault of the arguments. Picture i of repeat r has sample ``first + r × n + i``.
    """
    faults = ask_faults(prompt, given, registry)
    size = None
    if not faults and ("size" in given or "aspect_ratio" in given):
        size = read_size(given.get("size"), given.get("aspect_ratio"))
    n = given.get("n") or 1
    first = (given.get("sample") or 0) + repeat * n
    seed = given.get("seed")
    if not faults and seed is not None and seed + first + n - 1 > MAX_SEED:
        what = f"{seed} + sample {first + n - 1} is above {MAX_SEED:,}, the highest that services take."
        faults.append(Fault("seed", what, "Choose a lower seed."))
    if faults:
        raise InvalidInput(faults)
    style = given.get("style")
    references = read_references(given.get("references"))
    mask = open_picture(given["mask"]) if "mask" in given else None
    if mask is not None and (wrong := _mask_fault(mask, references)):
        raise InvalidInput([wrong])
    text, negative, measure = str(prompt), given.get("negative_prompt"), None
    if style is not None or given.get("variation"):
        style = registry.style(style) if isinstance(style, str) else style
        spec = compile_prompt(
            prompt, style=style, references=_sent(references, given.get("model") or default_model, registry),
            negative_prompt=negative, size=size, variation=given.get("variation"),
        )  # fmt: skip
        text, negative, measure = spec.text, spec.negative, spec.checks or None
    labels = dict(given.get("labels") or {})
    if isinstance(prompt, Prompt) and prompt.category:
        labels.setdefault("category", prompt.category)
    common: dict[str, Any] = {
        "prompt": text,
        "model": given.get("model") or default_model,
        "negative_prompt": negative or None,
        "references": references,
        "mask": mask,
        "size": size,
        "seed": seed,
        "quality": given.get("quality"),
        "options": dict(options) if options else EMPTY,
        "labels": labels or EMPTY,
    }
    return [ImageRequest(**common, sample=first + i) for i in range(n)], measure


def _sent(references: tuple[Reference, ...], model: str, registry: Registry) -> tuple[Reference, ...]:
    """Return the references that the model will be given: a prompt speaks of no picture that is left out."""
    try:
        most = registry.model(model, today=date.min).spec.can.references
    except InvalidInput:  # a replay answers for it
        return references
    return best_references(references, most) if most else references  # a model that takes none refuses


TEXT_NAMES = frozenset(("system", "schema", "references", "seed", "sample", "labels"))


def build_text_request(
    prompt: str, given: Mapping[str, Any], options: Mapping[str, Any], registry: Registry, repeat: int
) -> TextRequest:
    """Return one ask for text. Raises InvalidInput with every fault of the arguments."""
    faults = _prompt("prompt", prompt, registry)
    for name in ("model", "references", "seed", "sample"):
        faults += check_values(name, given.get(name), registry)
    if not isinstance(given.get("system", ""), str):
        faults.append(Fault("system", f"{type(given['system']).__name__} is not text."))
    schema = given.get("schema")
    if schema is not None and not (isinstance(schema, Mapping) and schema.get("type") == "object"):
        hint = 'Give {"type": "object", "properties": …}.'
        faults.append(Fault("schema", "it is no JSON schema of an object.", hint))
    if faults:
        raise InvalidInput(faults)
    return TextRequest(
        prompt=str(prompt), model=given["model"], system=given.get("system"), schema=schema, seed=given.get("seed"),
        sample=(given.get("sample") or 0) + repeat, references=read_references(given.get("references")),
        options=dict(options) if options else EMPTY, labels=dict(given.get("labels") or {}) or EMPTY,
    )  # fmt: skip
