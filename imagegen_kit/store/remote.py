"""``Remote``: objects by name in S3, Google Cloud Storage, a folder or memory. Whole or absent, and read back.

An object that was put has been verified: its size, and the hash of what the storage has. S3's ETag is the MD5 of an
object's bytes (or of its parts' MD5s); where a storage means something else by it, the object is read back.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, ObjectStoreError
from imagegen_kit.settings import revision
from imagegen_kit.store.addresses import Address, check_names, name_faults
from imagegen_kit.store.buckets import object_url, open_bucket

if TYPE_CHECKING:
    from collections.abc import Iterator

PART = 8 * 2**20  # bytes; more is sent in parts of this size
PARTS_AT_ONCE = 4
LONGEST_LINK_S = 7 * 24 * 3600  # what S3's signatures allow
MEDIA_TYPES = {
    "png": "image/png", "jpeg": "image/jpeg", "jpg": "image/jpeg", "webp": "image/webp", "mp4": "video/mp4",
    "webm": "video/webm", "json": "application/json", "txt": "text/plain; charset=utf-8",
}  # fmt: skip


class Remote:
    """The object storage at ``url``. Nothing is loaded or asked until the first call; keys are read then.

    All calls block and may be made from several threads. They raise ObjectStoreError, whose ``retryable`` says whether
    the same may succeed later; nothing is tried again here.
    """

    def __init__(self, url: str) -> None:
        self.address = Address.parse(url)
        self._opened: tuple[int, Any] | None = None
        self._guard = threading.Lock()

    @property
    def target(self) -> str:
        """The address as the journal holds it: ``s3://bucket/prefix``, without keys."""
        return str(self.address)

    def __repr__(self) -> str:
        return f"Remote({self.target})"

    @property
    def _bucket(self) -> Any:
        with self._guard:
            now = revision()  # keys may have been given since
            if self._opened is None or self._opened[0] != now:
                self._opened = (now, open_bucket(self.address))
            return self._opened[1]

    def put(self, name: str, data: bytes) -> None:
        """Store ``data`` under ``name``, replacing what is there, and return when it was verified.

        More than 8 MiB go in parts; where one fails, the parts are given up and no object is left.
        """
        check_names([name])
        kind = MEDIA_TYPES.get(name.rpartition(".")[2].lower())
        more: dict[str, Any] = {}
        if kind and self.address.scheme != "file":  # a folder keeps no media types
            more["attributes"] = {"Content-Type": kind}
        with self._in_words("could not be stored", name, no_such="there is no such bucket"):
            self._bucket.put(
                self.address.key(name), data, use_multipart=len(data) > PART, chunk_size=PART,
                max_concurrency=PARTS_AT_ONCE, **more,
            )  # fmt: skip
        if not self.holds(name, data):
            what = f"{self.target}/{name}: what the storage has is not what was sent."
            raise ObjectStoreError(f"{what} It is sent again.", retryable=True)

    def holds(self, name: str, data: bytes) -> bool:
        """Whether the object is there with exactly these bytes."""
        known = self.head(name)
        if known is None or known["size"] != len(data):
            return False
        etag = (known["e_tag"] or "").strip('"')
        return etag in (_md5(data), _parts_md5(data)) or self.get(name) == data

    def already(self, name: str, data: bytes) -> bool:
        """Whether it need not be sent. A key that may write but not look around finds nothing, and sends it."""
        try:
            return self.holds(name, data)
        except ObjectStoreError as error:
            if error.retryable:
                raise
            return False

    def head(self, name: str) -> dict[str, Any] | None:
        """Return ``size`` (bytes), ``e_tag`` and ``last_modified`` of an object, or None where there is none."""
        check_names([name])
        with self._in_words("could not be looked at", name), contextlib.suppress(FileNotFoundError):
            found: dict[str, Any] = self._bucket.head(self.address.key(name))
            return found
        return None

    def get(self, name: str) -> bytes | None:
        """Return an object's bytes, or None where there is none."""
        check_names([name])
        with self._in_words("could not be read", name), contextlib.suppress(FileNotFoundError):
            return bytes(self._bucket.get(self.address.key(name)).bytes())
        return None

    def list(self, prefix: str = "") -> list[str]:
        """Return the names of all objects below the folder ``prefix``, sorted."""
        prefix = prefix.rstrip("/")
        if prefix and (faults := name_faults(prefix, "prefix")):
            raise InvalidInput(faults)
        place = self.address.key(prefix) if prefix else self.address.prefix
        skip = len(self.address.prefix) + 1 if self.address.prefix else 0
        with self._in_words("could not be listed", prefix, no_such="there is no such bucket"):
            found = self._bucket.list(place or None).collect()
            return sorted(entry["path"][skip:] for entry in found)
        return []

    def delete(self, name: str) -> None:
        """Remove an object; one that is not there is no error."""
        check_names([name])
        with self._in_words("could not be removed", name), contextlib.suppress(FileNotFoundError):
            self._bucket.delete(self.address.key(name))

    def url(self, name: str, expires_s: float | None = None) -> str:
        """Return an object's address; with ``expires_s`` one that opens it without a key for so many seconds.

        Raises InvalidInput for a storage that cannot sign (a folder, memory) and for more than seven days.
        """
        check_names([name])
        if expires_s is None:
            return object_url(self.address, name)
        self.check_expiry(expires_s)
        import obstore

        with self._in_words("could not be signed for", name):
            return str(obstore.sign(self._bucket, "GET", self.address.key(name), timedelta(seconds=expires_s)))
        raise AssertionError("unreachable")

    def check_expiry(self, expires_s: object) -> None:
        """Raise InvalidInput where links of so many seconds cannot be made."""
        if self.address.scheme not in ("s3", "gs"):
            what = f"{self.target} cannot sign links."
            raise InvalidInput([Fault("expires_s", what, "Leave it out, or use s3:// or gs://.")])
        known = isinstance(expires_s, (int, float)) and not isinstance(expires_s, bool)
        if not known or not 1 <= expires_s <= LONGEST_LINK_S:  # type: ignore[operator]  # a number by then
            what = f"{expires_s!r} is not a number of seconds from 1 to {LONGEST_LINK_S:,} (seven days)."
            raise InvalidInput([Fault("expires_s", what)])

    def fetch(self, sha256: str, format: str) -> bytes | None:
        """Return a stored picture's bytes by their hash, or None where the storage has none with that hash."""
        data = self.get(blob_name(sha256, format))
        return data if data is not None and hashlib.sha256(data).hexdigest() == sha256 else None

    @contextlib.contextmanager
    def _in_words(self, what: str, name: str, no_such: str = "there is no such object") -> Iterator[None]:
        """Turn obstore's errors into ours. Its texts may repeat signatures, so only the code and status are kept."""
        from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

        place = f"{self.target}/{name}" if name else self.target
        try:
            yield
        except (PermissionDeniedError, UnauthenticatedError) as error:
            hint = "Check S3_ACCESS_KEY, S3_SECRET_KEY and S3_REGION, and what the key may do."
            raise ObjectStoreError(f"{place} {what}: {_said(error)}. {hint}") from None
        except FileNotFoundError as error:
            hint = "Make the bucket, or check the address in the setting `remote`."
            raise ObjectStoreError(f"{place} {what}: {no_such} ({_said(error)}). {hint}") from None
        except (BaseError, NotImplementedError, ValueError, OSError) as error:
            # obstore has one kind for overload, broken connections and 4xx: waiting is right for most of them.
            later = not isinstance(error, (NotImplementedError, ValueError))
            hint = (
                "Try again later; S3_ENDPOINT says where it is looked for." if later else "Check the setting `remote`."
            )
            raise ObjectStoreError(f"{place} {what}: {_said(error)}. {hint}", retryable=later) from None


def blob_name(sha256: str, format: str) -> str:
    """Return the name under which a stored picture's copy lies, as it lies in the store's own folder."""
    return f"pictures/{sha256[:2]}/{sha256}.{format}"


def _said(error: BaseException) -> str:
    """Return what the storage said, from the parts that cannot hold a key: HTTP status and error code."""
    text = str(error)
    status = re.search(r"status code: (\d{3}(?: [A-Z][A-Za-z ]{2,40})?)", text)
    code = re.search(r"<Code>([A-Za-z0-9]{1,60})</Code>", text)
    parts = [m.group(1).strip() for m in (status, code) if m]
    return "it said " + ", ".join(parts) if parts else "it could not be reached, or did not answer"


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _parts_md5(data: bytes) -> str:
    """Return the ETag that S3 gives an object that came in parts."""
    digests = [
        hashlib.md5(data[i : i + PART], usedforsecurity=False).digest() for i in range(0, max(len(data), 1), PART)
    ]
    return f"{_md5(b''.join(digests))}-{len(digests)}"
