"""What the kernel told the page, read from the websocket: bytes by kind, and errors that no cell shows."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Traffic:
    """Bytes that came to the browser: messages as JSON, their buffers as they are."""

    json: int = 0
    binary: int = 0
    messages: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return self.json + self.binary


@dataclass
class KernelLog:
    """Reads each frame of a kernel's websocket and keeps what a test asks for."""

    traffic: Traffic = field(default_factory=Traffic)
    cell_errors: list[str] = field(default_factory=list)
    hidden_errors: list[str] = field(default_factory=list)  # of callbacks and threads: JupyterLab shows them nowhere
    stderr: list[str] = field(default_factory=list)

    def read(self, frame: str | bytes) -> None:
        header, parent, content, binary = _parted(frame)
        kind = header.get("msg_type", "?")
        size = len(frame) - binary
        self.traffic.json += size
        self.traffic.binary += binary
        self.traffic.messages += 1
        self.traffic.by_kind[kind] = self.traffic.by_kind.get(kind, 0) + len(frame)
        if kind == "error":
            told = "\n".join([f"{content['ename']}: {content['evalue']}", *content.get("traceback", ())])
            by_cell = parent.get("msg_type") == "execute_request"
            (self.cell_errors if by_cell else self.hidden_errors).append(told)
        elif kind == "stream" and content.get("name") == "stderr":
            self.stderr.append(content["text"])
            if "Traceback (most recent call last)" in content["text"]:  # of a thread
                self.hidden_errors.append(content["text"])


def _parted(frame: str | bytes) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], int]:
    """Return header, parent header, content and the bytes of the buffers of one frame."""
    if isinstance(frame, str):
        message = json.loads(frame)
        return message.get("header", {}), message.get("parent_header", {}), message.get("content", {}), 0
    # v1.kernel.websocket.jupyter.org: how many offsets, the offsets, then channel, header, parent, metadata, content
    (count,) = struct.unpack_from("<Q", frame)
    at = struct.unpack_from(f"<{count}Q", frame, 8)
    part = [json.loads(frame[at[i] : at[i + 1]]) for i in (1, 2, 4)]
    return part[0], part[1], part[2], len(frame) - at[5]
