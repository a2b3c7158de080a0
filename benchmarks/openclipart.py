"""The pictures and words of Debian's openclipart packages: a real corpus of 6,900 drawings in the public domain."""

from __future__ import annotations

import hashlib
import html
import json
import re
import shutil
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path

PACKAGES = ("openclipart-png", "openclipart-svg")
HOME = Path("~/.cache/imagegen-kit-benchmarks/openclipart").expanduser()
MAX_PIXELS = 50_000_000  # three pictures are decompression bombs of 231 and 623 megapixels
_LICENCE = re.compile(r'<cc:license[^>]*rdf:resource="([^"]*)"')
_METADATA = re.compile(r"<metadata.*?</metadata>", re.S)
_AGENT = re.compile(r"<cc:Agent.*?</cc:Agent>", re.S)
_NOT_TEXT = re.compile(r"<[^>]*>|\s+")


@dataclass(frozen=True, slots=True)
class Drawing:
    """One picture. ``path`` is relative to the folder of the PNGs; ``folders`` its folders, outermost first."""

    path: str
    title: str = ""
    description: str = ""
    keywords: list[str] = field(default_factory=list)
    licence: str = ""

    @property
    def folders(self) -> tuple[str, ...]:
        return Path(self.path).parent.parts

    @property
    def folder(self) -> str:
        return str(Path(self.path).parent)

    @property
    def half(self) -> str:
        """``train`` or ``test``: fixed by the hash of the file's name."""
        return half_of(Path(self.path).stem)


def half_of(name: str) -> str:
    """Return ``train`` or ``test`` for a file's name or a word."""
    return "train" if hashlib.sha256(name.encode()).digest()[0] % 2 else "test"


def fetch(home: Path = HOME) -> Path:
    """Return the folder with ``png`` and ``svg``; the packages (156 MB) are fetched with apt-get at the first call."""
    share = home / "usr/share/openclipart"
    if (home / "complete").is_file():
        return share
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise SystemExit("This benchmark reads two Debian packages: apt-get and dpkg-deb are needed.")
    home.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", *PACKAGES], cwd=home, check=True, stdout=subprocess.DEVNULL)
    for package in sorted(home.glob("openclipart-*.deb")):
        subprocess.run(["dpkg-deb", "-x", package, home], check=True)
        package.unlink()
    (home / "complete").touch()
    return share


def drawings(share: Path) -> list[Drawing]:
    """Return every drawing once (links and the three bombs left out), in order of its path, with what its SVG says.

    Drawings whose licence is not the public domain are left out.
    """
    listed = share / "drawings.json"
    if listed.is_file():
        return [Drawing(**line) for line in json.loads(listed.read_text(encoding="utf-8"))]
    found, seen = [], set()
    for png in sorted((share / "png").rglob("*.png")):
        if png.is_symlink():
            continue
        digest = hashlib.sha256(png.read_bytes()).digest()
        drawing = _described(png.relative_to(share / "png"), share)
        if digest in seen or _pixels(png) > MAX_PIXELS or "publicdomain" not in drawing.licence.lower():
            continue
        seen.add(digest)
        found.append(drawing)
    listed.write_text(json.dumps([asdict(drawing) for drawing in found]), encoding="utf-8")
    return found


def _pixels(png: Path) -> int:
    with png.open("rb") as file:
        head = file.read(24)
    return int.from_bytes(head[16:20], "big") * int.from_bytes(head[20:24], "big")


def _described(path: Path, share: Path) -> Drawing:
    svg = share / "svg" / path.with_suffix(".svg")
    text = svg.read_text(encoding="utf-8", errors="replace") if svg.is_file() else ""
    block = _METADATA.search(text)
    rdf = block.group(0) if block else ""
    own = _AGENT.sub("", rdf)  # titles of people and publishers
    subject = _inside("dc:subject", own)
    return Drawing(
        str(path),
        title=_plain(_inside("dc:title", own)),
        description=_plain(_inside("dc:description", own)),
        keywords=[word for li in re.findall(r"<rdf:li[^>]*>(.*?)</rdf:li>", subject, re.S) if (word := _plain(li))],
        licence=" ".join(_LICENCE.findall(rdf)),
    )


def _inside(tag: str, text: str) -> str:
    found = re.search(rf"<{tag}[^>/]*>(.*?)</{tag}>", text, re.S)
    return found.group(1) if found else ""


def _plain(text: str) -> str:
    return html.unescape(_NOT_TEXT.sub(" ", text)).strip()
