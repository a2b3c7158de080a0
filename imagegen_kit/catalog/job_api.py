"""What a job API is, as data: how a picture is asked for, waited for and fetched at one service.

One YAML file says it all (``job_apis/*.yaml`` for the services that the toolkit knows, a file of the user's own for any
other); ``load_job_api`` reads and checks it. ``docs/job-apis.md`` explains every key with examples.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagegen_kit.catalog.models import ModelSpec

FOLDER = Path(__file__).with_name("job_apis")


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """One way to ask for a picture. The first that fits is taken.

    ``models`` are patterns of the service's model names (none: all of them), ``references`` whether it is for requests
    with reference pictures (None: for both). The body is ``json`` or ``multipart``.
    """

    url: str
    method: str = "POST"
    models: tuple[str, ...] = ()
    references: bool | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = None
    multipart: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """How a reference picture is put where the service can fetch it; ``output`` is the path of its URL in the reply.

    The URL is used again for ``lives_s`` seconds.
    """

    url: str
    output: str
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = None
    multipart: Mapping[str, Any] | None = None
    lives_s: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A further call about a job: ``url`` is a template, ``url_from`` the path of one that the service gave."""

    url: str = ""
    url_from: str = ""
    method: str = "GET"
    json: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll(Call):
    """How a job's state is asked for. The four sets of statuses are closed: any other status is an error.

    ``pending_http`` are HTTP codes that mean "still running", ``every`` the seconds between two polls, ``deadline``
    the seconds after which the job counts as lost, ``queue`` the path of its place in the queue. ``error`` is where a
    job whose status is done says that it failed. ``billed`` are statuses of failed and moderated jobs that are charged
    all the same.
    """

    status: str = ""
    pending: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    moderated: tuple[str, ...] = ()
    billed: tuple[str, ...] = ()
    pending_http: tuple[int, ...] = ()
    every: float = 2.0
    deadline: float = 600.0
    queue: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where the pictures are, and as what.

    ``kind`` is url, b64, data_uri, auto (any of these), ref (an object of which ``url`` builds the URL), bytes (the
    reply is the picture), or text (models of text: the path leads to the answer). ``auth``: the download needs the key.
    """

    path: str = ""
    kind: str = "auto"
    url: str = ""
    auth: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A field that says that the content was refused; ``billed``: such a picture was made and is charged."""

    path: str
    values: tuple[str, ...] = ("true",)
    billed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A status code inside the JSON of a reply whose HTTP status is always 200; all but ``ok`` are HTTP codes."""

    path: str
    ok: tuple[str, ...] = ("200",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Where a reply says what the picture cost, and how many USD one unit of it is."""

    path: str
    usd: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobApi:
    """One service: its address and key, and each call that a picture takes. Paths are those of ``job_api_paths``.

    Without ``poll`` the reply to the submit is the result. ``hosts`` are further hosts that may see the key
    (``*.example.com`` for all below one); it goes nowhere else. ``models`` are those of the file itself.
    """

    name: str
    source: str
    as_of: str
    base_url: str = ""
    base_url_env: tuple[str, ...] = ()
    key_env: tuple[str, ...] = ()
    key_url: str = ""
    settings_env: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    submit: tuple[Submit, ...]
    upload: Upload | None = None
    id: str = ""
    poll: Poll | None = None
    result: Call | None = None
    cancel: Call | None = None
    output: Output
    blocked: tuple[Blocked, ...] = ()
    code: Code | None = None
    error: str = ""
    cost: Charge | None = None
    seed: str = ""
    models: tuple[ModelSpec, ...] = ()


def load_job_api(path: Path | str) -> JobApi:
    """Return the service that the YAML file at ``path`` describes, with the models that the file holds.

    Raises InvalidInput with one fault for everything that is wrong, each with file, line and key.
    """
    from imagegen_kit.catalog.job_api_file import read_job_api
    from imagegen_kit.catalog.yaml import load_yaml

    path = Path(path)
    return read_job_api(load_yaml(path, where=path.name))


@cache
def shipped_job_apis() -> dict[str, JobApi]:
    """Return the services that the toolkit knows, by name."""
    found = [load_job_api(path) for path in sorted(FOLDER.glob("*.yaml"))]
    return {api.name: api for api in found}
