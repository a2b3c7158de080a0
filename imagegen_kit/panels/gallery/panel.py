"""The gallery: the pictures of all runs, found, sorted, looked at and picked out, however many there are.

The page gets the rows in sight and the thumbnails in sight, nothing else; what is shown is decided here (``Shelf``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from imagegen_kit.panels.assets import VIEWER
from imagegen_kit.panels.gallery.choices import (
    all_parts,
    in_words,
    options,
    parts_of,
    wanted_from_plain,
    wanted_to_plain,
)
from imagegen_kit.panels.gallery.contact import artifact, contact_table
from imagegen_kit.panels.gallery.tiles import about, can_be_shown, opened, tile
from imagegen_kit.panels.panel import Panel
from imagegen_kit.panels.pictures import PictureSource
from imagegen_kit.panels.worker import worker
from imagegen_kit.tables.shelf import FACETS, Part, Shelf, Wanted
from imagegen_kit.views.markup import lines, text
from imagegen_kit.views.words import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pandas as pd

    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.panels.gallery.choices import What

PAGE = 100  # rows in one message
AROUND = 100  # pictures on either side that can be stepped to from an opened one
POLL_S = 1.0
QUIET = 2  # polls after the last change until the static copy follows
FIRST = 60  # rows that come with an arrangement
AT_ONCE = 24  # thumbnails before other questions have their turn
KEPT = 36  # pictures of the static copy: with the first screen half a megabyte at most
FROZEN = 96  # the same where it stays for good


class Gallery(Panel):
    """The pictures of some runs. ``table()`` has those that are shown now, ``value`` those that are marked."""

    actions: ClassVar[dict[str, str]] = {
        "ready": "_ready",
        "arrange": "_arrange",
        "rows": "_rows",
        "mark": "_mark",
        "about": "_about",
        "gather": "_gather",
        "thumbnails": "_thumbnails",
        "open": "_open",
        "show_new": "_show_new",
        "seen": "_seen",
    }

    def __init__(self, parts: Sequence[Part]) -> None:
        super().__init__()
        self._shelf = Shelf(parts)
        self._wanted = Wanted()
        self._arranged = self._shelf.arranged(self._wanted)
        self._marks: dict[str, None] = {}
        self._version = 0  # of what is shown: rows of an earlier one are not drawn
        self._new = self._stale = 0
        self._in_sight: set[str] = set()  # views of it that somebody sees
        self._following = False
        self._sources = [PictureSource(self._finder(number), p.store.blobs) for number, p in enumerate(parts)]

    def __repr__(self) -> str:
        if not self._shelf.pictures and self._shelf.runs_looked_at:
            return f"Gallery(no pictures in {count(self._shelf.runs_looked_at, 'run')})"
        return f"Gallery({count(self._shelf.runs, 'run')}, {count(self._shelf.pictures, 'picture')})"

    # ------------------------------------------------------------------ what it holds
    def table(self) -> pd.DataFrame:
        """Return the rows of what is shown now, in that order, with the columns of ``run.table()``."""
        with self._lock:
            return self._shelf.table(self._arranged.places)

    @property
    def value(self) -> pd.DataFrame:
        """The rows that are marked, in the order shown; those that are not shown now come last."""
        with self._lock:
            shown = [p for p in self._arranged.places if self._shelf.items[p].key in self._marks]
            there = {*shown}
            hidden = [self._shelf.place_of[key] for key in self._marks if key in self._shelf.place_of]
            return self._shelf.table([*shown, *(place for place in hidden if place not in there)])

    def static(self) -> str:
        """Return the first 36 pictures shown (96 once frozen) and the counts of each model."""
        with self._lock:
            head = lines(f"<b>{text('Gallery')}</b> · {text(self._words())}")
            if self.frozen:  # nobody waits, no panel takes them over, and so many thumbnails would be a megabyte
                return contact_table(head, self._shelf, self._arranged.places, FROZEN, light=0)
            return contact_table(head, self._shelf, self._arranged.places, KEPT)

    def _words(self) -> str:
        return in_words(self._shelf, self._arranged.places)

    # ------------------------------------------------------------------ what the page asks
    def _make(self) -> Any:
        from imagegen_kit.panels.view import view_class

        view = view_class(*VIEWER, "shelf", "choices", "gallery")
        return view(receive=self.receive, panel=self.id, state=self._told_shelf())  # drawn before the page has to ask

    def _ready(self, message: dict[str, Any], _buffers: Sequence[bytes]) -> None:
        if message.get("version") != self._version:
            self._tell("shelf", **self._told_shelf())
        for view in self._views():
            view.state = {}  # of this moment: a view that is made later asks
        self._tell("new", count=self._new)

    def _told_shelf(self) -> dict[str, Any]:
        wanted = self._wanted
        return dict(
            version=self._version,
            total=len(self._arranged.places),
            words=self._words(),
            empty=not self._shelf.items,
            facets={name: options(self._shelf, self._arranged, wanted, name) for name in FACETS},
            columns=self._shelf.columns(),
            wanted=wanted_to_plain(wanted),
            marks=len(self._marks),
            rows=self._tiles(0, FIRST),
        )  # fmt: skip

    def _tiles(self, start: int, stop: int) -> list[dict[str, Any]]:
        values = self._shelf.column(self._wanted.sort)
        tiles = []
        for place in self._arranged.places[max(start, 0) : stop]:
            item = self._shelf.items[place]
            drawn = tile(item, self._wanted.sort, values[place])
            tiles.append({**drawn, "marked": item.key in self._marks})
        return tiles

    def _rows(self, message: dict[str, Any], _buffers: Sequence[bytes]) -> None:
        start = int(message["start"])
        if message["version"] == self._version:
            self._tell("rows", version=self._version, start=start, rows=self._tiles(start, start + PAGE))

    def _arrange(self, message: dict[str, Any], _buffers: Sequence[bytes]) -> None:
        wanted = wanted_from_plain(message)
        arranged = self._shelf.arranged(wanted, set(self._marks))  # before anything is changed: it may be refused
        self._wanted, self._arranged = wanted, arranged
        self._changed()

    def _changed(self) -> None:
        self._version += 1
        self._stale = QUIET
        self._tell("shelf", **self._told_shelf())

    def _mark(self, message: dict[str, Any], _buffers: Sequence[bytes]) -> None:
        """Mark or unmark ranges of what is shown ([first, last]); ``clear`` unmarks all else."""
        if message["version"] != self._version:
            return
        before = set(self._marks)
        if message.get("clear"):
            self._marks = {}
        for first, last in message.get("ranges", ()):
            for place in self._arranged.places[max(int(first), 0) : int(last) + 1]:
                key = self._shelf.items[place].key
                if message.get("on", True):
                    self._marks[key] = None
                else:
                    self._marks.pop(key, None)
        on, off = [k for k in self._marks if k not in before], [k for k in before if k not in self._marks]
        self._tell("marks", on=on, off=off, count=len(self._marks))

    def _about(self, message: dict[str, Any], _buffers: Sequence[bytes]) -> None:
        key = str(message["key"])
        if key in self._shelf.place_of:
            place = self._shelf.place_of[key]
            prompt, details = self._shelf.items[place].prompt, about(self._shelf, place)
            self._tell("about", key=key, prompt=prompt, details=details)

    def _gather(self, message: dict[str, Any], _buffers: Sequence[bytes]) -> None:
        """Tell what can be stepped to from a picture: the marked ones if it is one of several, else those around it."""
        key = str(message["key"])
        keys = [item.key for item in map(self._shelf.items.__getitem__, self._arranged.places) if can_be_shown(item)]
        marked = [k for k in keys if k in self._marks]
        several = len(marked) > 1 and key in marked
        around = marked if several else keys
        if key not in around:  # it is not shown any more
            return
        here = around.index(key)
        first = max(0, here - AROUND)
        around = around[first : here + AROUND]
        items = [opened(self._shelf.items[self._shelf.place_of[k]]) for k in around]
        index = here - first
        second = (index + 1 if index + 1 < len(items) else index - 1) if several else None
        self._tell("gathered", view=message.get("view"), items=items, index=index, second=second)

    # ------------------------------------------------------------------ pictures
    def _finder(self, part: int) -> Callable[[str], Picture | None]:
        def find(sha256: str) -> Picture | None:
            item = self._shelf.by_sha256.get(sha256)
            return artifact(self._shelf, item) if item is not None and item.part == part else None

        return find

    def _source(self, sha256: str) -> PictureSource:
        item = self._shelf.by_sha256.get(sha256)
        return self._sources[item.part if item is not None else 0]

    def _thumbnails(self, message: dict[str, Any], _buffers: Sequence[bytes]) -> None:
        shas = [str(sha256) for sha256 in message["shas"]]
        now, later = shas[:AT_ONCE], shas[AT_ONCE:]
        for view in self._views():
            for source in dict.fromkeys(map(self._source, now)):
                source.send_thumbnails(view, [sha256 for sha256 in now if self._source(sha256) is source])
        if later:  # thumbnails that must be made take a while
            worker().submit(lambda: self.handle({"kind": "thumbnails", "shas": later}))

    def _open(self, message: dict[str, Any], _buffers: Sequence[bytes]) -> None:
        sha256 = str(message["sha"])
        for view in self._views():
            self._source(sha256).send_picture(view, sha256, original=bool(message.get("original")))

    # ------------------------------------------------------------------ what comes while one looks
    def _seen(self, message: dict[str, Any], _buffers: Sequence[bytes]) -> None:
        (self._in_sight.add if message["on"] else self._in_sight.discard)(str(message["view"]))
        if not self._in_sight and self._stale:
            self._stale = 0
            self.refresh()
        if self._in_sight and not self._following:
            self._following = True
            worker().follow(self._follow, POLL_S)

    def _follow(self) -> bool:
        if self._in_sight and not self.frozen and self._made is not None:
            self._following = self.guard("looking for new pictures", self._look) is True
        else:
            self._following = False
        return self._following

    def _look(self) -> bool:
        new = self._shelf.news()
        if new != self._new:
            self._new = new
            if self._shelf.items:
                self._tell("new", count=new)
            else:  # nothing that could move
                self._show_new({}, ())
        if self._stale:
            self._stale -= 1
            if not self._stale:
                self.refresh()
        return True

    def _show_new(self, _message: dict[str, Any], _buffers: Sequence[bytes]) -> None:
        self._shelf.reload()
        self._new = 0
        self._arranged = self._shelf.arranged(self._wanted, set(self._marks))
        self._changed()
        self._tell("new", count=0)


def gallery(runs: What | Iterable[What] | None = None) -> Gallery:
    """Return the gallery of all pictures in this session's store, or of ``runs``: one or several runs, ids or names.

    Filter, facets, sort by any column of the table; marked pictures are ``.value``, a DataFrame, and what is shown is
    ``.table()``. While a replay is on, "all" are the runs of its bundles. Raises InvalidInput for runs
    that are not there.
    """
    return Gallery(all_parts() if runs is None else parts_of(runs))
