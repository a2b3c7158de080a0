"""A page as a reader has it: headings in order, words, pictures, links, and whether its tags are closed."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """What a reader is told: headings in order, texts, pictures, addresses, and tags that were left open."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.html = path.read_text(encoding="utf-8")
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.addresses: list[str] = []
        self.tables = self.captions = 0
        self.said: list[str] = []
        self.open: list[str] = []
        self.tags: list[str] = []
        self.hashes: list[str] = []
        self.places: list[str] = []
        self.feed(self.html)

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        self.tags.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.ids += [told["id"]] if told.get("id") else []
        self.pictures += [told] if tag == "img" else []
        self.tables += tag == "table"
        self.captions += tag == "caption"
        self.addresses += [v for k, v in attrs if k in ("src", "href", "xlink:href") and v]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("style", "script"):
            self.said.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.said).split())

    def part(self, id: str) -> str:
        """Return the HTML of a section."""
        return self.html.split(f'<section id="{id}"')[1].split("</section>")[0]

    def said_in(self, id: str) -> str:
        """Return the words of a section, without its markup."""
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.part(id).partition(">")[2])).split())
