"""The model catalogue as ``ModelSpec``: ``models/*.yaml``, ``prices.yaml``, and the user's own files of the same form.

Each provider has a file of its own, read when its models are asked for. The setting ``catalogue`` names a file or a
folder of the user's that changes or adds entries; it is read again when it has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog.models import ModelSpec
from imagegen_kit.catalog.prices import OWN, Price
from imagegen_kit.catalog.validation import validate
from imagegen_kit.catalog.yaml import Document, load_yaml
from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MODELS = Path(__file__).with_name("models")
PRICES = Path(__file__).with_name("prices.yaml")
Specs = dict[str, ModelSpec]  # by full id
_ITS_OWN: dict[str, Any] = {  # what `like` leaves out: another model has another name, life and price
    "aliases": (),
    "retires_on": None,
    "replacement": None,
    "status": "stable",
    "card": "",
    "remote_name": "",
    "price": None,
}


def load_models(provider: str, user_file: Path | str | None = None) -> tuple[ModelSpec, ...]:
    """Return the catalogue's models of ``provider``, in the order of the files.

    ``user_file`` is a YAML file of the same form, or a folder of such files; None takes the setting ``catalogue``. An
    entry of a known name changes only the keys that it gives, an entry of a new name adds a model, and a price
    replaces the price of its model. Raises InvalidInput with file and line for whatever is wrong in any file.
    """
    if user_file is None:
        from imagegen_kit.settings import settings  # pydantic, which importing the catalogue does not load

        user_file = settings().catalogue
    return _models(provider, () if user_file is None else _stamped(Path(user_file)))


def own_entries() -> Mapping[str, tuple[str, ModelSpec | None]]:
    """Return the entries of the user's catalogue by full id: file, line and key of each, and what it makes of a model.

    None stands for a price of a model that no catalogue knows. Raises InvalidInput for whatever is wrong in a file.
    """
    from imagegen_kit.settings import settings  # as above

    path = settings().catalogue
    specs, places, _ = _users(_stamped(path)) if path is not None else ({}, {}, {})
    return {full: (place, specs.get(full)) for full, place in places.items()}


def own_prices() -> Mapping[str, Price]:
    """Return the prices in the user's catalogue of models that no catalogue knows: those of plugins, by full id."""
    from imagegen_kit.settings import settings  # as above

    path = settings().catalogue
    return _users(_stamped(path))[2] if path is not None else {}


@lru_cache(maxsize=64)
def _models(provider: str, files: tuple[tuple[str, int, int], ...]) -> tuple[ModelSpec, ...]:
    found: Mapping[str, ModelSpec] = _shipped(provider)
    if files:
        found = {**found, **_users(files)[0]}
    return tuple(spec for name, spec in found.items() if name.startswith(f"{provider}/"))


def _stamped(path: Path) -> tuple[tuple[str, int, int], ...]:
    """Return the files of the user's catalogue with what tells that one has changed."""
    try:
        paths = sorted(p for p in path.iterdir() if p.suffix in (".yaml", ".yml")) if path.is_dir() else [path]
        states = [(p, p.stat()) for p in paths]
    except OSError as error:
        hint = "Correct the setting `catalogue` (IMAGEGEN_CATALOGUE)."
        raise InvalidInput([Fault(str(path), f"cannot be read: {error.strerror}.", hint)]) from error
    return tuple((str(p), state.st_mtime_ns, state.st_size) for p, state in states)


@cache
def _shipped(provider: str) -> Specs:
    path = MODELS / f"{provider}.yaml"
    if not path.is_file():
        return {}
    prices = _shipped_prices()
    read = _specs(_content(load_yaml(path, where=f"models/{path.name}")), lambda full: _of_another(full, provider))
    return {full: replace(spec, price=prices.get(full, spec.price)) for full, spec in read.items()}


def _of_another(full: str, provider: str) -> ModelSpec | None:
    other = full.partition("/")[0]
    return _shipped(other).get(full) if other != provider else None


@cache
def _shipped_prices() -> dict[str, Price]:
    return _prices(_content(load_yaml(PRICES, where=PRICES.name)))


@lru_cache(maxsize=4)
def _users(files: tuple[tuple[str, int, int], ...]) -> tuple[Specs, dict[str, str], dict[str, Price]]:
    """Return what the user's files change or add, where each entry stands, and prices of models not known here."""
    found: Specs = {}
    elsewhere: dict[str, Price] = {}
    places: dict[str, str] = {}
    contents: list[tuple[Document, dict[str, Any]]] = []
    faults: list[Fault] = []

    def find(full: str) -> ModelSpec | None:
        return found.get(full) or _shipped(full.partition("/")[0]).get(full)

    for name, _, _ in files:
        try:
            contents.append(_content(load_yaml(Path(name))))
            document, content = contents[-1]
            for part in ("models", "prices"):
                places |= {full: document.at(part, full) for full in content.get(part, {}) if full not in places}
            found.update(_specs(contents[-1], find, changes=True))
        except InvalidInput as error:
            faults += error.faults
    for document, content in contents:
        for full, price in _prices((document, content), own=True).items():
            shipped = _shipped(full.partition("/")[0])
            if known := find(full):
                found[full] = replace(known, price=price)
            elif shipped:
                near = unknown_name_fault("model", full, shipped)
                faults.append(document.fault(("prices", full), near.what, near.hint))
            else:
                elsewhere[full] = price
    if faults:
        raise InvalidInput(faults)
    return found, places, elsewhere


def _content(document: Document) -> tuple[Document, dict[str, Any]]:
    from imagegen_kit.catalog.schema import catalogue

    content = validate(document, catalogue()).model_dump(by_alias=True, exclude_unset=True)
    if not content:
        raise InvalidInput([document.fault((), "names neither models nor prices.", "Give `models:` or `prices:`.")])
    return document, content


def _specs(
    file: tuple[Document, dict[str, Any]],
    find: Callable[[str], ModelSpec | None],
    *,
    changes: bool = False,
) -> Specs:
    """Return the models of one file. ``find`` knows the entries of other files, which this one may ``changes``."""
    document, content = file
    entries: dict[str, dict[str, Any]] = content.get("models", {})
    faults = list(_alias_faults(document, entries))
    read: Specs = {}
    for full, entry in entries.items():
        name = full.partition("/")[2]
        given = dict(entry)
        old = (find(full) if changes else None) or ModelSpec(name)
        if like := given.pop("like", None):
            other = read.get(like) or find(like)
            if other is None:
                hint = "Name an entry that stands above, or one of another file."
                faults.append(document.fault(("models", full, "like"), f"no entry is called {like!r}.", hint))
                continue
            old = replace(other, name=name, **_ITS_OWN)
        if "can" in given:
            given["can"] = replace(old.can, **given["can"])
        if given.get("price") is not None:  # it is as old, and from where, its entry is, unless it says otherwise
            price = {"as_of": given["as_of"], "source": given["source"], **given["price"]}
            given["price"] = Price(**price, book=_book(document, own=changes))
        read[full] = replace(old, **given)
    if faults:
        raise InvalidInput(faults)
    return read


def _alias_faults(document: Document, entries: Mapping[str, Mapping[str, Any]]) -> Iterable[Fault]:
    owners = {name: name for name in entries}
    for full, entry in entries.items():
        for alias in entry.get("aliases", ()):
            if owners.setdefault(alias, full) != full:
                what = f"{alias!r} already names {owners[alias]}."
                yield document.fault(("models", full, "aliases"), what, "Choose another alias.")


def _prices(file: tuple[Document, dict[str, Any]], *, own: bool = False) -> dict[str, Price]:
    document, content = file
    book = _book(document, own=own)
    return {full: Price(**entry, book=book) for full, entry in content.get("prices", {}).items()}


def _book(document: Document, *, own: bool) -> str:
    return f"{OWN} {Path(document.name).name}" if own else PRICES.name


def _read(document: Document, base: Mapping[str, Mapping[str, ModelSpec]]) -> dict[str, dict[str, ModelSpec]]:
    """Return the models of a document by provider and name; ``base`` holds those that it may change."""
    read: dict[str, dict[str, ModelSpec]] = {}

    def find(full: str) -> ModelSpec | None:
        provider, _, name = full.partition("/")
        return base.get(provider, {}).get(name)

    for full, spec in _specs(_content(document), find, changes=True).items():
        read.setdefault(full.partition("/")[0], {})[spec.name] = spec
    return read
