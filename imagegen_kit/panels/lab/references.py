"""The references of a draft: dropped, uploaded or named by a path, with a role each, and removed again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from imagegen_kit.engine.session import default_engine
from imagegen_kit.errors import Fault, InvalidInput, printable
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.imaging.thumbnail import thumbnail
from imagegen_kit.panels.panel import PanelError
from imagegen_kit.panels.pictures import PictureSource
from imagegen_kit.types import Artifact, Reference
from imagegen_kit.types.common import ROLES
from imagegen_kit.views.words import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence


MOST_AT_ONCE = 32  # pictures of one drop: no model takes more than 16 references


class ReferenceActions:
    """What the page may ask about references; a part of ``PromptLab``."""

    actions: ClassVar[dict[str, str]] = {
        "add_pictures": "_add_pictures", "add_path": "_add_path", "set_role": "_set_role", "remove": "_remove",
        "thumbnails": "_thumbnails",
    }  # fmt: skip
    draft: Any  # a Draft
    errors: list[PanelError]
    _page: Any  # a LabPage, or None while nothing is shown

    def _add_pictures(self, message: dict[str, Any], buffers: Sequence[bytes]) -> None:
        """Keep dropped pictures in the store, so that they are there when the run is opened again."""
        names = [str(name) for name in message.get("names", ())][:MOST_AT_ONCE]
        found: list[Reference] = []
        wrong: list[Fault] = []
        for name, data in zip(names, buffers, strict=False):
            try:
                found.append(Reference(kept(data, name), name=name))
            except InvalidInput as error:
                wrong += error.faults
        self._add(found)
        if wrong:
            self._refuse(InvalidInput(wrong))

    def _add_path(self, message: dict[str, Any], _buffers: Any) -> None:
        path = str(message.get("path", "")).strip()
        try:
            picture = open_picture(path, where=f"reference {shortened(_file_name(path), 60)}")
        except InvalidInput as error:
            self._refuse(error, path)
            return
        self._add([Reference(picture, name=_file_name(str(picture.path)))])

    def _refuse(self, error: InvalidInput, path: str = "") -> None:
        """Tell what could not be added at the field; a ``path`` stays there, to be mended."""
        self.errors.append(PanelError("add a reference", error))
        if self._page is not None:
            said = [printable(str(fault).removeprefix("reference ")) for fault in error.faults]
            self._page.references.tell("refused", faults=said, path=path)

    def _add(self, found: Sequence[Reference]) -> None:
        have = {r.picture.sha256 for r in self.draft.references}
        new = {r.picture.sha256: r for r in found if r.picture.sha256 not in have}
        self.draft = replace(self.draft, references=(*self.draft.references, *new.values()))

    def _set_role(self, message: dict[str, Any], _buffers: Any) -> None:
        changed = [replace(r, role=str(message["role"])) if _is(r, message) else r for r in self.draft.references]
        self.draft = replace(self.draft, references=tuple(changed))

    def _remove(self, message: dict[str, Any], _buffers: Any) -> None:
        left = tuple(r for r in self.draft.references if not _is(r, message))
        self.draft = replace(self.draft, references=left)

    def _thumbnails(self, message: dict[str, Any], _buffers: Any) -> None:
        if self._page is not None:
            store = default_engine().store
            PictureSource(self._find, store.blobs).send_thumbnails(self._page.references, message["shas"])

    def _find(self, sha256: str) -> Artifact | None:
        return next((r.picture for r in self.draft.references if r.picture.sha256 == sha256), None)

    def _tell_references(self) -> None:
        if self._page is not None:
            self._page.references.tell("references", references=[_plain(r) for r in self.draft.references], roles=ROLES)


def kept(data: bytes, name: str) -> Artifact:
    """Return bytes as a picture of the store in force, where experiments can name its file. Raises InvalidInput."""
    picture = open_picture(bytes(data), where=f"reference {shortened(name, 60)}")
    blobs = default_engine().store.blobs
    path = blobs.put(picture.bytes, picture.sha256, picture.format)
    if blobs.thumbnail(picture.sha256) is None:
        blobs.put_thumbnail(picture.sha256, thumbnail(picture.image))
    return replace(picture, path=str(path), data=None)


def _file_name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2] or path


def _is(reference: Reference, message: dict[str, Any]) -> bool:
    return bool(reference.picture.sha256 == message.get("sha"))


def _plain(reference: Reference) -> dict[str, Any]:
    picture = reference.picture
    name = reference.name or reference.origin or f"picture {picture.sha256[:8]}"
    size = f"{picture.width}×{picture.height}" if picture.width else ""
    return {"sha": picture.sha256, "name": name, "role": reference.role, "size": size}
