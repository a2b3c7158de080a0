"""Opening an object storage with obstore: the address says where, settings and environment say with which keys."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from imagegen_kit.errors import ObjectStoreError
from imagegen_kit.settings import secret, variable

if TYPE_CHECKING:
    from obstore.store import S3Credential
    from pydantic import SecretStr

    from imagegen_kit.store.addresses import Address

# Where obstore itself finds short-lived credentials of a machine or a pod: then no key is asked for.
LENT_BY_THE_MACHINE = (
    *("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
REQUEST_TIMEOUT = "60s"  # one part of 8 MiB at 0.14 MB/s
CONNECT_TIMEOUT = "5s"


def open_bucket(address: Address) -> Any:
    """Return obstore's store for ``address``. Raises ObjectStoreError where keys are missing or it cannot be opened."""
    from obstore.store import GCSStore, LocalStore

    # Retries have one owner, which writes each try down, so obstore itself makes none.
    once: dict[str, Any] = {"retry_config": {"max_retries": 0}}
    patience: Any = {"timeout": REQUEST_TIMEOUT, "connect_timeout": CONNECT_TIMEOUT}
    if address.scheme == "s3":
        return _open_s3(address, once, patience)
    if address.scheme == "memory":
        return _memory(str(address))
    try:
        if address.scheme == "gs":
            return GCSStore(address.bucket, client_options=patience, **once)
        return LocalStore(Path(address.bucket), mkdir=True)
    except Exception as error:  # obstore has several kinds, and OSError for folders
        why = error.strerror if isinstance(error, OSError) else type(error).__name__
        raise ObjectStoreError(f"{address} cannot be opened: {why}. Check the address and the credentials.") from None


def _open_s3(address: Address, once: dict[str, Any], patience: Any) -> Any:
    from obstore.store import S3Store

    endpoint, region = endpoint_and_region()
    options: dict[str, Any] = {**patience, "allow_http": bool(endpoint and endpoint.startswith("http://"))}
    place: dict[str, Any] = {"region": region, "virtual_hosted_style_request": False, "client_options": options}
    if endpoint:
        place["endpoint"] = endpoint
    own, aws = [(secret(f"{p}_ACCESS_KEY{s}"), secret(f"{p}_SECRET_{k}")) for p, s, k in _NAMES]
    found = own if any(own) else aws
    token = secret("AWS_SESSION_TOKEN") if found is aws else None
    access, hidden = found
    if access is None or hidden is None:
        if any(os.environ.get(name) for name in LENT_BY_THE_MACHINE):
            return S3Store(address.bucket, **place, **once)
        missing = [n for n, v in zip(("S3_ACCESS_KEY", "S3_SECRET_KEY"), found, strict=True) if v is None]
        raise ObjectStoreError(
            f"{address} needs {' and '.join(missing)}: set them in the environment, in .env, or with "
            'configure(keys={"S3_ACCESS_KEY": …, "S3_SECRET_KEY": …}).'
        )
    return S3Store(address.bucket, credential_provider=Credentials(access, hidden, token), **place, **once)


_NAMES = (("S3", "", "KEY"), ("AWS", "_ID", "ACCESS_KEY"))


class Credentials:
    """Hands the keys to obstore for each signature, so that no configuration or repr of a store holds them."""

    def __init__(self, access: SecretStr, hidden: SecretStr, token: SecretStr | None) -> None:
        self._access, self._hidden, self._token = access, hidden, token

    def __call__(self) -> S3Credential:
        """Return what obstore calls an ``S3Credential``."""
        return {
            "access_key_id": self._access.get_secret_value(),
            "secret_access_key": self._hidden.get_secret_value(),
            "token": self._token.get_secret_value() if self._token is not None else None,
            "expires_at": None,
        }


def endpoint_and_region() -> tuple[str | None, str]:
    """Return where S3 is reached (None: at AWS) and the region."""
    endpoint = variable("S3_ENDPOINT") or variable("AWS_ENDPOINT_URL_S3") or variable("AWS_ENDPOINT_URL")
    if endpoint and "://" not in endpoint:
        endpoint = f"https://{endpoint}"
    region = variable("S3_REGION") or variable("AWS_REGION") or variable("AWS_DEFAULT_REGION") or "us-east-1"
    return endpoint.rstrip("/") if endpoint else None, region


def object_url(address: Address, name: str) -> str:
    """Return the address of an object without any signature: what opens it depends on who may read the bucket."""
    if address.scheme == "file":
        return Path(address.bucket, name).as_uri()
    path = f"{address.bucket}/{quote(address.key(name), safe='/-_.~')}"
    if address.scheme == "gs":
        return f"https://storage.googleapis.com/{path}"
    if address.scheme == "memory":
        return f"memory://{path}"
    endpoint, region = endpoint_and_region()
    return f"{endpoint or f'https://s3.{region}.amazonaws.com'}/{path}"


@cache
def _memory(_place: str) -> Any:
    """Return the one store of this process under an address in memory."""
    from obstore.store import MemoryStore

    return MemoryStore()
