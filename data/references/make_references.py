#!/usr/bin/env python3
"""Rebuild the reference picture library from Debian's ``openclipart-svg`` package.

    python make_references.py [UNPACKED_SVG_FOLDER]

Reads ``selection.yaml`` beside this file, draws each chosen SVG with resvg, trims it to its
visible part, and writes ``pictures/<id>.webp`` (with alpha, longer side 512 px) together with
``library.jsonl``.  Without a folder the Debian package is fetched with ``apt-get download``.
The output depends only on the selection, the package and the versions of the tools.

Needs Pillow, PyYAML and resvg_py.
"""

from __future__ import annotations

import argparse
import colorsys
import hashlib
import html
import io
import json
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import resvg_py
import yaml
from PIL import Image

HERE = Path(__file__).resolve().parent
PACKAGE, SOURCE = "openclipart-svg", "openclipart 0.18+dfsg-19"
ROLES = ("character", "content", "setting")
PUBLIC_DOMAIN = {"http://web.resource.org/cc/PublicDomain", "http://creativecommons.org/licenses/publicdomain/"}
SIDE, MARGIN, PROBE = 512, 3, 800
DPI = 90  # the resolution the drawings were made for; resvg needs one to read sizes in pt
UNITS = {"": 1.0, "px": 1.0, "pt": DPI / 72, "pc": DPI / 6, "mm": DPI / 25.4, "cm": DPI / 2.54, "in": 1.0 * DPI}
MAX_DECLARED, MAX_CANVAS, MAX_FILE = 8_000, 4_096, 1_500_000
QUALITIES, SOFT_LIMIT = (80, 70, 60, 50, 40), 20_000


class Refused(Exception):
    """The picture must not go into the library; the message says why."""


def fetch_package(folder: Path) -> Path:
    """Download and unpack the Debian package; return its folder of SVG files."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise SystemExit(f"give the unpacked svg folder of {PACKAGE}: apt-get is not here")
    subprocess.run(["apt-get", "download", PACKAGE], cwd=folder, check=True)
    archive = next(folder.glob(f"{PACKAGE}_*.deb"))
    subprocess.run(["dpkg-deb", "-x", str(archive), str(folder / "unpacked")], check=True)
    return folder / "unpacked/usr/share/openclipart/svg"


def declared_size(svg: str) -> float:
    """The longer side in pixels that the root element asks for."""
    root = re.search(r"<svg\b[^>]*>", svg, re.S)
    if not root:
        raise Refused("no svg element")
    box = re.search(r'\bviewBox\s*=\s*["\']([^"\']+)', root[0])
    view = [float(part) for part in re.split(r"[\s,]+", box[1].strip())] if box else [0.0] * 4
    sides = []
    for name, fallback in (("width", view[2]), ("height", view[3])):
        value = re.search(rf'\s{name}\s*=\s*["\']\s*([\d.eE+-]+)\s*([a-z%]*)', root[0])
        sides.append(float(value[1]) * UNITS[value[2]] if value and value[2] in UNITS else fallback)
    return max(sides)


def check_licence(svg: str) -> str:
    """Return the creator named in the embedded RDF; only public-domain drawings pass."""
    rdf = re.search(r"<rdf:RDF.*?</rdf:RDF>", svg, re.S)
    text = rdf[0] if rdf else ""
    found = set(re.findall(r'<(?:cc:)?license\s+rdf:resource="([^"]*)"', text))
    if not found or not found <= PUBLIC_DOMAIN:
        raise Refused(f"licence {sorted(found) or 'not stated'}")
    creator = re.search(r"<dc:creator>(.*?)</dc:creator>", text, re.S)
    name = html.unescape(re.sub(r"<[^>]*>", " ", creator[1])) if creator else ""
    name = re.sub(r"\S+@\S+|HASH\(\w+\)", "", name)  # no mail addresses, no conversion debris
    return " ".join(name.split()) or "unknown"


def draw(svg: str, zoom: float, crop: list[float]) -> Image.Image:
    """The visible part of the drawing at the given scale; crop names a part of it in fractions."""
    png = resvg_py.svg_to_bytes(svg_string=svg, zoom=zoom, dpi=DPI, skip_system_fonts=True)
    picture = Image.open(io.BytesIO(bytes(png))).convert("RGBA")
    for left, top, right, bottom in ((0.0, 0.0, 1.0, 1.0), crop):
        wide, high = picture.size
        picture = picture.crop((round(left * wide), round(top * high), round(right * wide), round(bottom * high)))
        box = picture.getchannel("A").point(lambda alpha: 255 if alpha > 12 else 0).getbbox()
        if not box:
            raise Refused("nothing visible")
        picture = picture.crop(box)
    return picture


def rasterise(svg: str, crop: list[float]) -> Image.Image:
    """Draw twice: once to measure the visible part, once so that this part has the wanted size."""
    size = declared_size(svg)
    if not 0 < size <= MAX_DECLARED:
        raise Refused(f"declared size {size:g} px")
    inner = SIDE - 2 * MARGIN
    zoom = PROBE / size * inner / max(draw(svg, PROBE / size, crop).size)
    picture = draw(svg, min(zoom, MAX_CANVAS / size), crop)
    picture.thumbnail((inner, inner), Image.Resampling.LANCZOS)
    framed = Image.new("RGBA", (picture.width + 2 * MARGIN, picture.height + 2 * MARGIN))
    framed.paste(picture, (MARGIN, MARGIN))
    return framed


def encode(picture: Image.Image) -> bytes:
    """WebP with alpha; heavy pictures get a lower quality until they fit the soft limit."""
    data = b""
    for quality in QUALITIES:
        out = io.BytesIO()
        picture.save(out, "WEBP", quality=quality, method=6, alpha_quality=90)
        data = out.getvalue()
        if len(data) <= SOFT_LIMIT:
            break
    return data


def colour_word(red: int, green: int, blue: int) -> str:
    """One of eleven basic colour words."""
    hue, light, saturation = colorsys.rgb_to_hls(red / 255, green / 255, blue / 255)
    degrees = hue * 360
    if light > 0.93 or (light > 0.82 and saturation < 0.2):
        return "white"
    if light < 0.13 or saturation < 0.16:
        return "black" if light < 0.13 else "grey"
    if degrees < 14 or degrees >= 345:
        return "pink" if light > 0.68 else "red"
    if degrees < 45:
        return "brown" if light < 0.42 or saturation < 0.5 else "pink" if light > 0.8 else "orange"
    if degrees < 68:
        return "brown" if light < 0.25 or (light < 0.5 and saturation < 0.5) else "yellow"
    if degrees < 255:
        return "green" if degrees < 165 else "blue"
    return "purple" if degrees < 300 or light <= 0.5 else "pink"


def dominant(picture: Image.Image) -> list[str]:
    """The one or two colours that cover most of the visible part (a second needs a fifth of it)."""
    raw = picture.resize((96, 96), Image.Resampling.NEAREST).tobytes()
    pixels = (raw[at : at + 4] for at in range(0, len(raw), 4))
    count = Counter(colour_word(p[0], p[1], p[2]) for p in pixels if p[3] > 128)
    ranked = sorted(count.items(), key=lambda item: (-item[1], item[0]))[:2]
    return [word for place, (word, number) in enumerate(ranked) if place == 0 or number * 5 >= count.total()]


def make_entry(chosen: dict[str, Any], svg_root: Path, out: Path) -> dict[str, Any]:
    """Write one picture and return its line of the library."""
    source, path = svg_root / chosen["svg"], f"pictures/{chosen['id']}.webp"
    if source.stat().st_size > MAX_FILE or chosen["role"] not in ROLES:
        raise Refused("file too large or role unknown")
    svg = source.read_text(encoding="utf-8", errors="replace")
    creator = check_licence(svg)
    picture = rasterise(svg, chosen.get("crop", [0, 0, 1, 1]))
    data = encode(picture)
    (out / path).write_bytes(data)
    entry = {"id": chosen["id"], "path": path, "sha256": hashlib.sha256(data).hexdigest()}
    entry |= {key: chosen[key] for key in ("role", "name", "caption", "tags")}
    origin = f"{SOURCE}, svg/{chosen['svg']}"
    return entry | {"creator": creator, "licence": "Public Domain", "origin": origin, "dominant": dominant(picture)}


def main() -> None:
    """Command line: rebuild everything; exit 1 when a chosen picture was refused."""
    parser = argparse.ArgumentParser(description="Rebuild the reference picture library.")
    parser.add_argument("svg_root", nargs="?", type=Path, help="unpacked .../openclipart/svg folder")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to (default: this one)")
    options = parser.parse_args()
    selection: list[dict[str, Any]] = yaml.safe_load((HERE / "selection.yaml").read_text(encoding="utf-8"))
    if len({chosen["id"] for chosen in selection}) != len(selection):
        raise SystemExit("selection.yaml uses an id twice")
    pictures = options.out / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    for stale in pictures.glob("*.webp"):
        stale.unlink()
    entries: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        root = options.svg_root or fetch_package(Path(folder))
        for chosen in selection:
            try:
                entries.append(make_entry(chosen, root, options.out))
            except (Refused, OSError, ValueError) as problem:
                print(f"refused {chosen['id']}: {problem}")
    lines = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
    (options.out / "library.jsonl").write_text(lines, encoding="utf-8")
    size = sum(path.stat().st_size for path in pictures.glob("*.webp"))
    print(f"{len(entries)} pictures of {len(selection)}, {size / 1e6:.2f} MB")
    if len(entries) != len(selection):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
