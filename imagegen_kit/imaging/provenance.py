"""What a saved picture tells about itself: the request that made it, for people, for image tools and for archives.

PNG: our JSON in an iTXt chunk ``imagegen_kit``, the ``parameters`` text that image tools read, and an XMP packet. JPEG
and WebP: an XMP packet that also holds our JSON, and the ``parameters`` text as EXIF user comment, where the same tools
look. Pixels are never encoded again: only metadata parts are exchanged. The record is a JSON-ready mapping: ``tool``,
``request``, ``sent``, ``model_used``, ``cost_usd``, ``created_at``, ``key``, and where it applies ``origin``,
``status`` and ``parents`` (sha256 of the files that this one was made from, the original first).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape, unescape

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.imaging import remux
from imagegen_kit.imaging.comment import comment, with_comment
from imagegen_kit.imaging.containers import Cut, png_parts
from imagegen_kit.imaging.decode import peek

KEYWORD = "imagegen_kit"
MAX_RECORD = 600 * 1024  # bytes of JSON; with the two texts beside it a picture stays under what decode.Limits accepts
MAX_PARAMETERS = 128 * 1024
VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_NAMESPACE = "urn:imagegen-kit:provenance:1#"
_RECORD = re.compile(rb"<imagegen:Record>([^<]*)</imagegen:Record>")
# JSON escapes what is below U+0020 itself; these are legal in JSON but not in XML, or not in UTF-8 (lone surrogates)
_NOT_IN_XML = re.compile("[\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_NOT_IN_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def embed(data: bytes, record: Mapping[str, Any], *, share: bool = False, format: str | None = None) -> bytes:
    """Return the picture file ``data`` with ``record`` in it, its pixels untouched; an earlier record is replaced.

    ``share`` keeps only the tool, the model and the IPTC source type, and also removes all other metadata that the file
    carried (EXIF with places and devices, comments, earlier prompts, hidden bytes behind the picture). A record beyond
    600 KiB is reduced in the same way. ``format`` is read from the header where it is None. Raises InvalidInput where
    ``data`` is no PNG, JPEG or WebP.
    """
    found, width, height = peek(data)
    if format is not None and format != found:
        raise InvalidInput([Fault("picture", f"the bytes are {found.upper()}, not {format.upper()}.")])
    kept, text = _fitting(public(record) if share else record)
    try:
        if share:
            data = remux.strip(data, found)
        if found == "png":
            texts = {KEYWORD: text, remux.PNG_XMP: _packet(kept, source_type(record))}
            if not share:
                texts["parameters"] = parameters(record, (width, height))
            return remux.png_with_texts(data, texts, drop=(KEYWORD, "parameters", remux.PNG_XMP))
        if not share:
            data = with_comment(data, found, parameters(record, (width, height)))
        if found == "webp":
            return remux.webp_with_xmp(data, _packet(kept, source_type(record), text).encode(), (width, height))
        packet = _packet(kept, source_type(record), text).encode()
        if len(packet) <= remux.JPEG_XMP_ROOM:
            return remux.jpeg_with_xmp(data, packet)
        extended = _rdf(f"<imagegen:Record>{escape(text)}</imagegen:Record>").encode()
        note = f"<xmpNote:HasExtendedXMP>{remux.guid(extended)}</xmpNote:HasExtendedXMP>"
        return remux.jpeg_with_xmp(data, _packet(kept, source_type(record), more=note).encode(), extended)
    except Cut as error:
        raise InvalidInput([Fault("picture", f"the {found.upper()} file ends too early.", "Copy it again.")]) from error


def _fitting(record: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """Return the record and its JSON, of one beyond 600 KiB what may be told to anybody."""
    text = _json(record)
    if len(text.encode()) <= MAX_RECORD:
        return record, text
    kept = {**public(record), "left_out": "the record was too large to embed"}
    return kept, _json(kept)


def record_text(record: Mapping[str, Any]) -> str:
    """Return the JSON that is embedded for ``record``; one beyond 600 KiB is reduced to what ``public`` tells."""
    return _fitting(record)[1]


def record_of(text: str | None) -> dict[str, Any] | None:
    """Return the record that an embedded text holds, None where it holds none that can be read."""
    try:
        record = json.loads(text) if text is not None and len(text) <= MAX_RECORD else None
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def strip(data: bytes) -> bytes:
    """Return the picture file without metadata: only pixels, colour profile and orientation stay."""
    format, _, _ = peek(data)
    try:
        return remux.strip(data, format)
    except Cut as error:
        raise InvalidInput(
            [Fault("picture", f"the {format.upper()} file ends too early.", "Copy it again.")]
        ) from error


def read(data: bytes) -> dict[str, Any] | None:
    """Return the record embedded in a picture file, or None where there is none that can be read.

    What it says is what the file claims: anybody can write such a record.
    """
    try:
        format, _, _ = peek(data)
        if format == "png":
            text = remux.png_text(data, KEYWORD, MAX_RECORD)
        else:
            packet = remux.webp_xmp(data) if format == "webp" else remux.jpeg_xmp(data, 8 * MAX_RECORD)
            # found by its tags, not by an XML parser: nothing in a file from anywhere is worth an entity expansion
            match = _RECORD.search(packet[: 8 * MAX_RECORD])
            text = unescape(match[1].decode()) if match else None
    except (InvalidInput, Cut, ValueError):
        return None
    return record_of(text)


def read_parameters(data: bytes) -> str | None:
    """Return the ``parameters`` text that image tools write, None where there is none."""
    try:
        format, _, _ = peek(data)
        if format != "png":
            return comment(data, format)
        text = remux.png_text(data, "parameters", MAX_PARAMETERS)
        if text is not None:
            return text
        plain = next(
            (p for p in png_parts(data) if data.startswith(b"parameters\0", p.body) and p.kind == b"tEXt"), None
        )
        return None if plain is None else data[plain.body + 11 : plain.body_end][:MAX_PARAMETERS].decode("latin-1")
    except (InvalidInput, Cut, ValueError):
        return None


def content_credentials(data: bytes) -> bool:
    """Whether a picture file carries a C2PA box of whoever made it; nothing is said of its validity."""
    try:
        format, _, _ = peek(data)
        return remux.c2pa(data, format)
    except (InvalidInput, Cut):
        return False


def public(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be told to anybody: tool, model, source type, parents; no prompt, reference, path, label, key."""
    told = {"tool": _tool(record), "model_used": _model(record), "digital_source_type": source_type(record)}
    return {**told, "parents": list(record["parents"])} if record.get("parents") else told


def source_type(record: Mapping[str, Any]) -> str:
    """Return the IPTC term for how the picture came to be, as a URL.

    Pictures of trained models are ``trainedAlgorithmicMedia``, or ``compositeWithTrainedAlgorithmicMedia`` where the
    model was given pictures to change or to combine. The offline stand-ins and placeholders are drawn by a
    program that never saw training data, which the vocabulary calls ``algorithmicMedia``; where a stand-in was given
    references it arranges them, which is a ``composite``. Not ``compositeSynthetic``: that one says that generative AI
    took part.
    """
    local = _model(record).startswith("offline/") or str(record.get("origin") or "").startswith("local:")
    if record.get("status") == "placeholder":
        return VOCABULARY + "algorithmicMedia"
    if local:
        return VOCABULARY + ("composite" if _part(record).get("references") else "algorithmicMedia")
    given = any(_part(record).get(name) for name in ("references", "mask", "first_frame", "last_frame"))
    return VOCABULARY + ("compositeWithTrainedAlgorithmicMedia" if given else "trainedAlgorithmicMedia")


def parameters(record: Mapping[str, Any], size: tuple[int, int]) -> str:
    """Return the text that image tools show: prompt, negative prompt, and a line with model, seed and size."""
    part = _part(record)
    lines = [str(part.get("prompt") or "")]
    if part.get("negative_prompt"):
        lines.append(f"Negative prompt: {part['negative_prompt']}")
    facts = {"Model": _model(record), "Seed": part.get("seed"), "Size": f"{size[0]}x{size[1]}"}
    lines.append(", ".join(f"{name}: {value}" for name, value in facts.items() if value not in (None, "")))
    return _NOT_IN_TEXT.sub(" ", "\n".join(lines)).encode()[:MAX_PARAMETERS].decode(errors="ignore")


def _part(record: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in ("sent", "request"):
        part = record.get(name)
        if isinstance(part, Mapping):
            return part
    return {}


def _model(record: Mapping[str, Any]) -> str:
    return str(record.get("model_used") or record.get("model") or _part(record).get("model") or "")


def _tool(record: Mapping[str, Any]) -> str:
    tool = record.get("tool") or KEYWORD
    return " ".join(str(v) for v in tool.values()) if isinstance(tool, Mapping) else str(tool)


def _json(record: Mapping[str, Any]) -> str:
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return _NOT_IN_XML.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _rdf(properties: str) -> str:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        ' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:xmpNote="http://ns.adobe.com/xmp/note/"'
        f' xmlns:imagegen="{_NAMESPACE}">{properties}</rdf:Description></rdf:RDF></x:xmpmeta>'
    )


def _packet(record: Mapping[str, Any], source: str, text: str | None = None, more: str = "") -> str:
    tool = escape(_NOT_IN_TEXT.sub(" ", _tool(record)))
    properties = f"<Iptc4xmpExt:DigitalSourceType>{source}</Iptc4xmpExt:DigitalSourceType>"
    properties += f"<xmp:CreatorTool>{tool}</xmp:CreatorTool>{more}"
    if text is not None:
        properties += f"<imagegen:Record>{escape(text)}</imagegen:Record>"
    return f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>{_rdf(properties)}<?xpacket end="w"?>'
