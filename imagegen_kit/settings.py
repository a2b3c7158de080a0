"""Every setting and environment variable, once.

A value comes from ``configure()``, else the environment (``IMAGEGEN_…``), else a ``.env`` file in the working directory
(read, never exported), else the default. API keys are looked up by the name that their service documents
(``GEMINI_API_KEY`` …), in the same order; they stay in memory and are only ever shown as "set".
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.lazy import Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

DEFAULT_MODEL = "offline/collage"


class Settings(BaseSettings):
    """The settings of this session; each field is also the environment variable ``IMAGEGEN_<FIELD>``."""

    model_config = SettingsConfigDict(env_prefix="IMAGEGEN_", extra="ignore", env_ignore_empty=True)

    store: Path | None = Field(None, description="folder of pictures and journal; found or made if not given")
    model: str = Field(DEFAULT_MODEL, description="the model used where a call names none")
    budget_usd: float | None = Field(None, ge=0, description="most that this session may spend, in USD")
    budget_usd_per_day: float | None = Field(None, ge=0, description="most that may be spent a day (UTC), in USD")
    budget_usd_per_account: float | None = Field(
        None, ge=0, description="most that may be spent with one API key in this store, in USD"
    )
    catalogue: Path | None = Field(None, description="your own models and prices: a YAML file, or a folder of them")
    job_apis: str | None = Field(None, description="your own services: YAML files and folders of them")
    private_hosts: str | None = Field(None, description="hosts in your network that pictures may lie on: host:port, …")
    load_plugins: str | None = Field(None, description="only these distributions' plugins load (comma-separated)")
    block_plugins: str | None = Field(None, description="these distributions' plugins are not loaded")
    remote: str | None = Field(None, description="where pictures are copied to: s3://bucket/prefix, gs://…, file:///…")
    replay: str | None = Field(None, description="bundles that answer instead of providers; nothing is sent then")
    serve_budget_usd: float | None = Field(
        None, ge=0, description="most that one token of the service may spend, in USD"
    )
    serve_concurrency: int = Field(4, ge=1, description="orders that one token of the service may have under way")
    strict_plugins: bool = Field(False, description="a plugin that fails stops the session instead of being set aside")


_VARIABLES = tuple(f"IMAGEGEN_{name.upper()}" for name in Settings.model_fields)
_configured: dict[str, Any] = {}
_keys: dict[str, tuple[SecretStr, ...]] = {}
_known: dict[str, None] = {}  # every key that was handed out, so that it is found in what services say
_env_file: Path | None = None
_revision = 0


@lru_cache(maxsize=8)
def _read(
    env_file: Path | None, configured: tuple[tuple[str, Any], ...], environment: tuple[str | None, ...]
) -> Settings:
    try:
        # `_env_file` belongs to pydantic-settings' own signature
        return Settings(_env_file=env_file, **dict(configured))  # type: ignore[call-arg]
    except ValidationError as error:
        faults = [
            Fault(f"IMAGEGEN_{'_'.join(map(str, e['loc'])).upper()}", f"{e['msg']}.", f"It is {e['input']!r}.")
            for e in error.errors()
        ]
    raise InvalidInput(faults)  # outside: that error's frames hold the whole .env file


def _dotenv() -> Path | None:
    path = str(_env_file) if _env_file else os.path.join(os.getcwd(), ".env")
    return _as_path(path) if os.path.isfile(path) else None  # looked at several times a call, so without pathlib


@lru_cache(maxsize=8)
def _as_path(path: str) -> Path:
    return Path(path)


def _dotenv_value(name: str) -> str | None:
    """Return the value of ``name`` in the ``.env`` file; the file is read again when it has changed."""
    try:
        seen = os.stat(_env_file or ".env")
    except OSError:
        return None
    return _dotenv_values((seen.st_dev, seen.st_ino, seen.st_mtime_ns, seen.st_size)).get(name)


@lru_cache(maxsize=1)
def _dotenv_values(_stamp: tuple[int, ...]) -> Mapping[str, str | None]:
    from dotenv import dotenv_values

    return dotenv_values(_env_file or ".env")


def revision() -> int:
    """Return a number that grows with each ``configure`` and ``reset``: what was made of settings may be outdated."""
    return _revision


def settings() -> Settings:
    """Return the settings in force now. Raises InvalidInput where an environment variable cannot be read."""
    environment = tuple(map(os.environ.get, _VARIABLES))  # asked for at each purchase, so only what can matter
    return _read(_dotenv(), tuple(sorted(_configured.items())), environment)


def secret(name: str) -> SecretStr | None:
    """Return the key called ``name`` from memory, the environment or the ``.env`` file; None where nobody set it."""
    return next(iter(secrets(name)), None)


def secrets(name: str) -> tuple[SecretStr, ...]:
    """Return all keys called ``name``: a list given to ``configure``, or the variables NAME, NAME_2, NAME_3 …"""
    found = _keys.get(name)
    if found is None:
        values = [first] if (first := variable(name)) else []  # NAME_2 alone is a key as well
        number = 2
        while value := variable(f"{name}_{number}"):
            values.append(value)
            number += 1
        found = tuple(SecretStr(value) for value in dict.fromkeys(values))
    for key in found:
        _known[key.get_secret_value()] = None
    return found


def known_keys() -> tuple[str, ...]:
    """Return every key that this process has handed out, for ``providers.secrecy`` to look for."""
    return tuple(_known)


def variable(name: str) -> str | None:
    """Return the environment variable ``name``, else its value in the ``.env`` file; None where nobody set it."""
    value = os.environ.get(name, "").strip()
    return value or (_dotenv_value(name) or "").strip() or None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a provider is reached instead of its own address, and the key that is valid there."""

    base_url: str
    key: SecretStr
    origin: str


_pointed: list[Mapping[str, Endpoint]] = []  # one entry a call of point_at that is not undone, the last one wins


def endpoint(provider: str) -> Endpoint | None:
    """Return where ``provider`` is pointed at, None where it is reached as usual."""
    found = next((layer[provider] for layer in reversed(_pointed) if provider in layer), None)
    if found is not None:
        _known[found.key.get_secret_value()] = None
    return found


def point_at(endpoints: Mapping[str, Endpoint]) -> Callable[[], None]:
    """Reach providers elsewhere (``testing.simulated_clouds``), by their names. Returns what undoes it.

    What is undone out of order takes nothing else away.
    """
    layer = dict(endpoints)
    _pointed.append(layer)

    def undo() -> None:
        _pointed[:] = [other for other in _pointed if other is not layer]

    return undo


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What another process of this session needs to know to reach one provider as this one does."""

    configured: Mapping[str, Any]
    variables: Mapping[str, str]
    keys: Mapping[str, tuple[SecretStr, ...]]
    there: Endpoint | None


def surroundings(provider: str, key_names: Sequence[str], names: Sequence[str]) -> Surroundings:
    """Return what is in force here for a provider whose keys and further variables have these names."""
    known = {name: value for name in (*_VARIABLES, *names) if (value := variable(name))}
    found = {name: keys for name in key_names if (keys := secrets(name))}
    return Surroundings(dict(_configured), known, found, endpoint(provider))


def adopt(provider: str, given: Surroundings) -> None:
    """Put what another process has told in force here: for a process that works for that one and for nobody else."""
    global _revision  # noqa: PLW0603  # see configure
    os.environ.update(given.variables)
    _configured.clear()
    _configured.update(given.configured)
    _keys.update(given.keys)
    _pointed[:] = [layer for layer in _pointed if provider not in layer]
    if given.there is not None:
        _pointed.append({provider: given.there})
    _revision += 1


class SettingsView(Shown):
    """What ``configure()`` returns: each setting with its value and where it came from; keys only as "set"."""

    def __init__(self, rows: list[tuple[str, str, str]]) -> None:
        self.rows = rows

    def __repr__(self) -> str:
        width = max(len(name) for name, _, _ in self.rows)
        return "\n".join(f"{name:<{width}}  {value}  ({source})" for name, value, source in self.rows)


REMOTES = ("s3", "gs", "file", "memory")


def remote_faults(url: object) -> list[Fault]:
    """Return what is wrong with the address of an object storage; it is never repeated, since keys end up in such."""
    if isinstance(url, str) and re.fullmatch(rf"(?:{'|'.join(REMOTES)})://[^@?#\s\x00-\x1f]*", url):
        return []
    hint = 'Write "s3://bucket/prefix" (or gs://, file:///, memory://), without keys: those go into keys= or .env.'
    return [Fault("remote", "this is not the address of an object storage.", hint)]


def configure(
    *,
    store: str | Path | None = None,
    model: str | None = None,
    budget_usd: float | None = None,
    budget_usd_per_day: float | None = None,
    budget_usd_per_account: float | None = None,
    catalogue: str | Path | None = None,
    replay: str | Path | None = None,
    keys: Mapping[str, str | Sequence[str]] | None = None,
    env_file: str | Path | None = None,
    remote: str | None = None,
) -> SettingsView:
    """Set what is given for this session and return all settings with where each came from.

    ``replay`` names bundles that answer instead of providers (a ``.zip``, a folder of them, or several joined as in
    ``PATH``; ``""`` switches it off). ``keys`` maps names such as ``GEMINI_API_KEY`` to values, which stay in memory;
    several keys of one service, as a list, take turns. Budgets are in USD: of this session, of a UTC day, and of each
    API key. ``remote`` is where pictures are copied to; ``""`` switches it off. ``env_file`` is read instead of
    ``.env``. Raises InvalidInput for a value that cannot be used; nothing is changed then.
    """
    global _env_file, _revision  # noqa: PLW0603  # one session has one env file, like one working directory
    faults = remote_faults(remote) if remote else []
    # A verbose traceback of what is raised below shows this frame's values: from here on none of them is a key.
    keys, hidden = None, _hidden(keys)
    if store is not None and not isinstance(store, (str, Path)):
        faults.append(Fault("store", f"{store!r} is not a folder's path."))
    if catalogue is not None and not isinstance(catalogue, (str, Path)):
        faults.append(Fault("catalogue", f"{catalogue!r} is not the path of a file or a folder."))
    elif catalogue is not None and not Path(catalogue).expanduser().exists():
        what = f"there is no file or folder {str(catalogue)!r}."
        faults.append(Fault("catalogue", what, "Name a YAML file, or a folder of them."))
    if replay is not None and not isinstance(replay, (str, Path)):
        faults.append(Fault("replay", f"{replay!r} is not the path of a bundle."))
    budgets = {
        "budget_usd": budget_usd,
        "budget_usd_per_day": budget_usd_per_day,
        "budget_usd_per_account": budget_usd_per_account,
    }
    for name, amount in budgets.items():
        if isinstance(amount, bool):
            faults.append(Fault(name, f"{amount!r} is not an amount in USD.", f"Write {name}=5."))
    if hidden is None:
        faults.append(Fault("keys", "they are not a dict of names and texts.", 'Write {"NAME": "key"}.'))
    if faults or hidden is None:
        raise InvalidInput(faults)
    given = {"store": store, "model": model, "remote": remote, **budgets}
    changed = {**_configured, **{k: v for k, v in given.items() if v is not None}}
    if remote == "":
        changed["remote"] = None  # pictures stay on this machine again
    if store is not None:
        changed["store"] = Path(store).expanduser().absolute()
    if catalogue is not None:
        changed["catalogue"] = Path(catalogue).expanduser().absolute()
    if replay is not None:
        parts = [part for part in str(replay).split(os.pathsep) if part]
        changed["replay"] = os.pathsep.join(str(Path(part).expanduser().absolute()) for part in parts)
    path = Path(env_file).expanduser().absolute() if env_file is not None else None
    if path is not None and not path.is_file():
        raise InvalidInput([Fault("env_file", f"there is no file {path.name!r} there.")])
    try:
        Settings(_env_file=None, **changed)  # type: ignore[call-arg]  # as above
    except ValidationError as error:
        faults = [Fault(str(e["loc"][0]), f"{e['msg']}.", f"It is {e['input']!r}.") for e in error.errors()]
    if faults:
        raise InvalidInput(faults)
    _configured.update(changed)
    _keys.update(hidden)
    _env_file = path or _env_file
    _revision += 1
    return SettingsView(_rows())


def _hidden(keys: Any) -> dict[str, tuple[SecretStr, ...]] | None:
    """Return ``keys`` so that they cannot be shown by accident; None where they are no dict of texts or their lists."""
    if not hasattr(keys, "items"):
        return {} if keys is None else None
    found = {name: [value] if isinstance(value, str) else value for name, value in keys.items()}
    if not all(isinstance(name, str) for name in found):
        return None
    if not all(isinstance(v, (list, tuple)) and v and all(isinstance(k, str) for k in v) for v in found.values()):
        return None
    return {name: tuple(SecretStr(value) for value in dict.fromkeys(values)) for name, values in found.items()}


def _rows() -> list[tuple[str, str, str]]:
    from dotenv import dotenv_values

    current = settings()
    dotenv = dotenv_values(_dotenv()) if _dotenv() else {}
    rows = []
    for name in Settings.model_fields:
        variable = f"IMAGEGEN_{name.upper()}"
        if name in _configured:
            source = "configure()"
        elif os.environ.get(variable):
            source = f"environment: {variable}"
        elif dotenv.get(variable):
            source = f".env: {variable}"
        else:
            source = "default"
        value = getattr(current, name)
        shown = "(not shown: it may hold a key)" if name == "remote" and value and remote_faults(value) else str(value)
        rows.append((name, "–" if value is None else shown, source))
    return rows + [
        (name, "set" if len(keys) == 1 else f"{len(keys)} set", "configure()") for name, keys in sorted(_keys.items())
    ]


def reset() -> None:
    """Forget what ``configure`` set (a new session)."""
    global _env_file, _revision  # noqa: PLW0603  # see configure
    _revision += 1
    _configured.clear()
    _keys.clear()
    _pointed.clear()
    _env_file = None
