"""Pictures get into a library from whatever people have, once each, with a report that says why not."""

from __future__ import annotations

import json
import os
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput
from imagegen_kit.retrieval.library.looking import look_at, perceptual_hashes
from tests.corpus import (
    NO_PICTURES,
    UNDETECTABLE,
    animated_webp,
    encoded,
    flipped,
    hostile,
    photo_like,
    png_claiming,
)
from tests.payloads import PAYLOADS
from tests.retrieval.colours import Colours, drawn, pictures_in


@pytest.fixture
def lib(tmp_path: Path) -> ik.Library:
    return ik.Library.open(tmp_path / "refs", embedder=Colours())


class Found(HTMLParser):
    """Which tags and attributes a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_a_picture_is_added_once_however_often_it_is_given(lib: ik.Library, tmp_path: Path) -> None:
    (path,) = pictures_in(tmp_path / "a", 1)
    assert lib.add(path, caption="a red ball").added == ("p000",)
    again = lib.add(str(path), caption="a red ball")
    assert (again.added, again.updated, again.duplicates) == ((), (), ("p000",))
    copied = tmp_path / "elsewhere.png"
    copied.write_bytes(path.read_bytes())
    assert lib.add(copied).duplicates == ("p000",)
    assert lib.items(lib.numbers())[0].path == str(path)
    assert len(lib) == 1


def test_new_words_for_a_known_picture_are_an_update_and_its_number_stays(lib: ik.Library, tmp_path: Path) -> None:
    (path,) = pictures_in(tmp_path, 1)
    lib.add(path, caption="a ball", creator="ann")
    before = lib.items(lib.numbers())[0]
    report = lib.add(path, caption="a red ball", tags=["ball"], year=1990)
    after = lib.items(lib.numbers())[0]
    assert report.updated == ("p000",)
    assert after.number == before.number
    assert (after.caption, after.tags) == ("a red ball", ("ball",))
    assert after.meta == {"creator": "ann", "year": 1990}


def test_a_folder_is_added_with_its_folders_and_without_what_is_no_picture(lib: ik.Library, tmp_path: Path) -> None:
    pictures_in(tmp_path / "photos/cats", 2)
    pictures_in(tmp_path / "photos/dogs", 2, first=5, suffix=".jpg")
    pictures_in(tmp_path / "photos/.hidden", 1, first=9)
    (tmp_path / "photos/notes.txt").write_text("notes")
    (tmp_path / "photos/old.gif").write_bytes(encoded("gif"))
    report = lib.add(tmp_path / "photos", tags="holiday, 2019", licence="CC0")
    assert report.added == ("p000", "p001", "p005", "p006")
    assert [one.source for one in report.rejected] == ["old.gif"]
    assert "a GIF" in report.rejected[0].reason
    assert lib.items(lib.numbers())[3].tags == ("holiday", "2019")
    assert lib.numbers({"licence": "CC0"}).tolist() == lib.numbers().tolist()


def test_a_folders_jsonl_says_what_its_pictures_are(lib: ik.Library, tmp_path: Path) -> None:
    a, b = pictures_in(tmp_path / "set/pictures", 2)
    line = {"id": "ball", "path": "pictures/p000.png", "role": "character", "tags": ["x"], "creator": "ann", "width": 3}
    (tmp_path / "set/library.jsonl").write_text(json.dumps(line) + "\n\n")
    assert lib.add(tmp_path / "set", role="style").added == ("ball", "p001")
    ball, other = lib.items(lib.numbers())
    assert (ball.role, ball.meta, ball.width) == ("character", {"creator": "ann"}, 48)
    assert (other.role, other.path) == ("style", str(b))
    assert ball.path == str(a)


def test_every_faulty_line_of_a_jsonl_is_named_before_anything_is_added(lib: ik.Library, tmp_path: Path) -> None:
    pictures_in(tmp_path / "set", 1)
    lines = [
        '{"path": "p000.png"}',
        "no json",
        "[1]",
        '{"path": "p000.png", "role": "hero"}',
        '{"path": 7, "captoin": "x"}',
        '{"path": "../outside.png"}',
        '{"path": "p000.png", "name": 5, "tags": {"a": 1}}',
    ]
    (tmp_path / "set/library.jsonl").write_text("\n".join(lines))
    with pytest.raises(InvalidInput) as caught:
        lib.add(tmp_path / "set")
    places = [fault.where for fault in caught.value.faults]
    assert places == [
        *("library.jsonl:2", "library.jsonl:3", "library.jsonl:4.role", "library.jsonl:5.captoin"),
        *("library.jsonl:5.path", "library.jsonl:7.name", "library.jsonl:7.tags"),
    ]
    assert "Did you mean 'caption'?" in str(caught.value)
    assert len(lib) == 0


def test_a_jsonl_from_anywhere_opens_nothing_outside_its_folder(lib: ik.Library, tmp_path: Path) -> None:
    pictures_in(tmp_path / "set", 1)
    (secret,) = pictures_in(tmp_path / "private", 1, first=7)
    (tmp_path / "set/link.png").symlink_to(secret)
    paths = ["../private/p007.png", str(secret), "x/../../private/p007.png", "link.png"]
    (tmp_path / "set/library.jsonl").write_text("\n".join(json.dumps({"path": path}) for path in paths))
    report = lib.add(tmp_path / "set")
    assert report.added == ("p000",)
    assert len(report.rejected) == 4
    assert all("leads out of the folder" in one.reason for one in report.rejected)


def test_a_picture_that_is_not_the_one_described_is_rejected(lib: ik.Library, tmp_path: Path) -> None:
    pictures_in(tmp_path / "set", 1)
    (tmp_path / "set/library.jsonl").write_text(json.dumps({"path": "p000.png", "sha256": "0" * 64}))
    report = lib.add(tmp_path / "set")
    assert "another sha256" in report.rejected[0].reason
    assert len(lib) == 0


def test_tables_lists_and_things_in_memory_are_taken(lib: ik.Library, tmp_path: Path) -> None:
    a, b, c = pictures_in(tmp_path / "a", 3)
    table = pd.DataFrame({"path": [str(a), str(b)], "caption": ["one", None], "year": [1990.0, float("nan")]})
    assert lib.add(table, tags=["t"]).added == ("p000", "p001")
    one, two = lib.items(lib.numbers())
    assert (one.caption, one.meta, two.caption, two.meta) == ("one", {"year": 1990.0}, None, {})
    assert lib.add([{"picture": drawn(50), "name": "painted"}, {"picture": c, "id": "see"}]).added == ("painted", "see")
    report = lib.add([drawn(51), encoded("webp"), np.zeros((9, 9, 3), np.uint8), BytesIO(encoded("jpeg"))])
    assert len(report.added) == 4
    assert lib.add([ik.Picture.open(a), ik.Reference(drawn(52), role="style", name="ink")]).added == ("ink",)
    assert lib.get("ink").role == "style"
    assert lib.verify().ok


def test_a_library_can_be_added_to_another_and_its_table_too(lib: ik.Library, tmp_path: Path) -> None:
    lib.add(pictures_in(tmp_path / "a", 3)[0], caption="one", role="character", creator="ann")
    other = ik.Library.open(tmp_path / "other", embedder=Colours())
    assert other.add(lib).added == ("p000",)
    third = ik.Library.open(tmp_path / "third", embedder=Colours())
    assert third.add(lib.table()).added == ("p000",)
    for copy in (other, third):
        item = copy.items(copy.numbers())[0]
        assert (item.caption, item.role, item.meta) == ("one", "character", {"creator": "ann"})


def test_what_has_no_file_is_kept_and_copies_are_made_where_asked(lib: ik.Library, tmp_path: Path) -> None:
    (path,) = pictures_in(tmp_path / "a", 1)
    lib.add(path, copy=True)
    lib.add(drawn(9))
    inside = sorted(p.name for p in (tmp_path / "refs/pictures").iterdir())
    assert inside == sorted(f"{item.sha256}.png" for item in lib.items(lib.numbers()))
    path.unlink()
    assert lib.verify().ok
    assert [row.path.startswith("pictures/") for row in lib._records.rows()] == [True, True]


def test_a_moved_file_that_is_added_again_mends_the_path(lib: ik.Library, tmp_path: Path) -> None:
    (path,) = pictures_in(tmp_path / "a", 1)
    lib.add(path, caption="x")
    moved = path.rename(tmp_path / "moved.png")
    assert lib.add(moved).updated == ("p000",)
    assert lib.items(lib.numbers())[0].path == str(moved)
    assert lib.get("p000").picture.bytes == moved.read_bytes()


def test_a_file_with_other_bytes_replaces_the_picture_and_keeps_its_words(lib: ik.Library, tmp_path: Path) -> None:
    (path,) = pictures_in(tmp_path / "a", 1)
    lib.add(path, caption="the ball", id="ball")
    before = lib.items(lib.numbers())[0]
    drawn(77).save(path)
    assert lib.add(path).updated == ("ball",)
    after = lib.items(lib.numbers())[0]
    assert (after.id, after.caption) == ("ball", "the ball")
    assert after.sha256 != before.sha256
    assert after.number > before.number  # a number belongs to one picture for ever
    assert len(lib) == 1


def test_ids_come_from_file_names_and_never_clash(lib: ik.Library, tmp_path: Path) -> None:
    pictures_in(tmp_path / "a", 2)
    pictures_in(tmp_path / "b", 2, first=4)
    (tmp_path / "b/p004.png").rename(tmp_path / "b/p000.png")
    report = lib.add(tmp_path / "a") + lib.add(tmp_path / "b")
    assert len(set(report.added)) == 4
    assert report.added[2].startswith("p000-")
    refused = lib.add(drawn(8), id="p000")
    assert "the id 'p000' is that of another picture" in refused.rejected[0].reason


def test_numbers_are_never_used_again(lib: ik.Library, tmp_path: Path) -> None:
    lib.add(pictures_in(tmp_path, 3))
    last = lib.numbers()[-1]
    lib.remove("p002", "p001", "p000")
    lib.add(tmp_path / "p000.png")
    assert lib.numbers().tolist() == [last + 1]


def test_all_faults_of_a_call_are_told_at_once_and_nothing_is_read(lib: ik.Library, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        lib.add(
            tmp_path / "missing.png", role="hero", tags=[1], name=7, caption="\ud800", captoin="x", width=3,
            thing=object(), id="",
        )  # fmt: skip
    told = {fault.where: str(fault) for fault in caught.value.faults}
    assert sorted(told) == ["caption", "captoin", "id", "name", "role", "tags", "thing", "width"]
    assert "Use content, character, setting, style, mask." in told["role"]
    with pytest.raises(InvalidInput, match="cannot be the id of 2 pictures"):
        lib.add(pictures_in(tmp_path / "a", 2), id="one")
    with pytest.raises(InvalidInput, match="the id 'x' is that of"):
        lib.add([{"path": "a.png", "id": "x"}, {"path": "b.png", "id": "x"}, {"caption": "no picture"}])
    assert not (tmp_path / "refs").exists()


def test_a_file_that_is_not_there_is_rejected_with_what_is_near(lib: ik.Library, tmp_path: Path) -> None:
    pictures_in(tmp_path, 1)
    report = lib.add(tmp_path / "p0000.png")
    assert "there is no file" in report.rejected[0].reason
    assert "'p000.png'" in report.rejected[0].reason
    assert "1 rejected" in repr(report)


def _rejects(lib: ik.Library, folder: Path, files: dict[str, bytes], sound: set[str]) -> None:
    folder.mkdir()
    for number, data in enumerate(files.values()):
        (folder / f"{number:02}.png").write_bytes(data)
    report = lib.add(folder)
    rejected = {one.source: one.reason for one in report.rejected}
    assert sorted(rejected) == [f"{n:02}.png" for n, name in enumerate(files) if name not in sound]
    assert all(reason.endswith(".") and len(reason) < 400 for reason in rejected.values())
    assert lib.verify().ok
    table = report.table()
    assert table.loc[table["outcome"] == "rejected", "reason"].notna().all()


def test_files_that_are_no_sound_pictures_are_rejected_in_words(lib: ik.Library, tmp_path: Path) -> None:
    files = {
        **NO_PICTURES,
        "gif": encoded("gif"),
        "animated": animated_webp(),
        "huge": png_claiming(20_000, 20_000),
        "bomb": png_claiming(2**31 - 1, 2**31 - 1),
        "cut": encoded("jpeg")[:-2],
        "flipped": flipped(encoded("png"), 0.5),
        "sound": encoded("png"),
    }
    _rejects(lib, tmp_path / "files", files, {"sound"})


@pytest.mark.soak
def test_each_hostile_file_is_rejected_and_those_that_do_no_harm_are_taken(lib: ik.Library, tmp_path: Path) -> None:
    _rejects(lib, tmp_path / "files", hostile(), set(UNDETECTABLE))


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1", "I;16"])
def test_pictures_of_every_mode_are_taken(lib: ik.Library, tmp_path: Path, mode: str) -> None:
    image = Image.new("I;16", (20, 30), 40_000) if mode == "I;16" else drawn(3, (20, 30)).convert(mode)
    path = tmp_path / ("p.jpg" if mode == "CMYK" else "p.png")
    image.save(path)
    assert lib.add(path).added == ("p",)
    assert (lib.items(lib.numbers())[0].width, lib.items(lib.numbers())[0].height) == (20, 30)


def test_a_photo_is_measured_upright_and_decoded_at_a_fraction_of_its_size() -> None:
    photo = photo_like(1600).crop((0, 0, 1600, 1200))
    exif = Image.Exif()
    exif[0x0112] = 6
    look = look_at(encoded("jpeg", photo, exif=exif))
    assert (look.width, look.height) == (1200, 1600)
    assert max(look.image.size) == 512
    plain = look_at(encoded("png", photo.transpose(Image.Transpose.ROTATE_270)))
    assert bin(look.dhash ^ plain.dhash).count("1") <= 6


def test_perceptual_hashes_of_a_small_copy_are_near_and_of_another_picture_far() -> None:
    first, other = photo_like(400), drawn(12, (400, 400))
    small = first.resize((150, 150))
    for a, b, c in zip(*(perceptual_hashes(image) for image in (first, small, other)), strict=True):
        assert bin(a ^ b).count("1") <= 6
        assert bin(a ^ c).count("1") >= 16


def test_perceptual_hashes_are_kept_as_unsigned_numbers(lib: ik.Library, tmp_path: Path) -> None:
    paths = pictures_in(tmp_path, 20)
    lib.add(paths)
    kept = lib.fingerprints(lib.numbers())
    assert kept.dtype == np.uint64
    assert kept.tolist() == [look_at(path.read_bytes()).dhash for path in paths]
    assert lib.fingerprints([3, 1], kind="phash").tolist() == [look_at(paths[n].read_bytes()).phash for n in (2, 0)]
    with pytest.raises(InvalidInput):
        lib.fingerprints([99])


def test_hostile_texts_stay_texts(lib: ik.Library, tmp_path: Path) -> None:
    rows = [
        {"picture": drawn(n), "caption": text, "name": text, "description": text, "tags": [text], "note": text}
        for n, text in enumerate(PAYLOADS.values())
    ]
    report = lib.add(rows)
    assert len(report.added) == len(PAYLOADS)
    lib.close()
    items = ik.Library.open(tmp_path / "refs", embedder=Colours())
    for item, text in zip(items.items(items.numbers()), PAYLOADS.values(), strict=True):
        assert (item.caption, item.name, item.description, item.meta["note"]) == (text, text, text, text)
        assert item.tags == tuple(filter(None, [text.strip()]))
        assert Path(item.path).resolve().is_relative_to(tmp_path / "refs/pictures")
    assert items.numbers({"caption": PAYLOADS["sql"]}).size == 1
    assert items.to_jsonl().read_text(encoding="utf-8").count("\n") == len(PAYLOADS)
    again = ik.Library.open(tmp_path / "again", embedder=Colours())
    again.add(tmp_path / "refs/library.jsonl")
    assert again.table()["caption"].tolist() == items.table()["caption"].tolist()
    page = items._repr_html_() or ""
    found = Found()
    found.feed(page)
    assert found.tags <= {"div", "b", "figure", "img", "figcaption", "small", "br"}
    assert found.attributes <= {"style", "src", "alt", "width"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "refs"]


def test_hostile_file_names_are_only_names(lib: ik.Library, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    kept = 0
    for number, text in enumerate(PAYLOADS.values()):
        name = text.replace("/", "_").replace("\0", "_")[:60] + ".png"
        (folder / name).write_bytes(encoded("png", drawn(number)))
        kept += Path(name).suffix == ".png" and not name.startswith(".")
    (folder / os.fsdecode(b"\xff\xfe.png")).write_bytes(encoded("png", drawn(999)))
    report = lib.add(folder)
    assert len(report.added) == kept > 60
    assert [one.reason for one in report.rejected] == ["its name is not UTF-8. Rename it."]
    assert all(id.isprintable() for id in report.added)
    assert lib.verify().ok


class Wrong(Colours):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how

    def embed_images(self, images):
        good = super().embed_images(images)
        if self.how == "nan":
            good[len(good) // 2, 0] = np.nan
        return {"nan": good, "wide": np.hstack([good, good]), "long": good * 2, "few": good[:-1]}[self.how]


@pytest.mark.parametrize("how", ["nan", "wide", "long", "few"])
def test_an_embedder_that_answers_nonsense_is_named_and_nothing_is_written(how: str, tmp_path: Path) -> None:
    library = ik.Library.open(tmp_path / "refs", embedder=Wrong(how))
    with pytest.raises(InvalidInput, match=r"^embedder: colours answered .* Nothing of these pictures was written"):
        library.add(pictures_in(tmp_path, 3))
    assert len(library) == 0
    assert not list((tmp_path / "refs").rglob("*.npy"))


def test_progress_is_told_by_batches_and_each_batch_is_on_disk(lib: ik.Library, tmp_path: Path) -> None:
    paths = pictures_in(tmp_path / "a", 70)
    told = []
    other = ik.Library.open(tmp_path / "refs", embedder=Colours())
    lib.add(paths, progress=lambda done, of: told.append((done, of, len(other))))
    assert told == [(64, 70, 64), (70, 70, 70)]


def test_many_small_additions_do_not_leave_many_files(lib: ik.Library, tmp_path: Path) -> None:
    for path in pictures_in(tmp_path / "a", 20):
        lib.add(path)
    assert len(list((tmp_path / "refs/vectors").rglob("*.npy"))) < 2 * 16
    assert lib.verify().ok
    assert len(lib.vectors) == 20


def test_variations_are_pictures_of_their_own(lib: ik.Library, tmp_path: Path) -> None:
    paths = [path.rename(tmp_path / name) for path, name in zip(
        pictures_in(tmp_path, 3), ("ann.png", "ann_smiling.png", "sad.png"), strict=True
    )]  # fmt: skip
    report = lib.add(paths[0], role="character", description="a girl", variations=[paths[1], str(paths[2])])
    assert report.added == ("ann", "ann/smiling", "ann/sad")
    smiling = lib.get("ann", variation="smiling")
    assert smiling == lib.get("ann/smiling")
    assert (smiling.role, smiling.description, smiling.origin) == ("character", "a girl", "ann/smiling")
    lib.add(drawn(30), id="bob", variations={"back": drawn(31)})
    assert lib.get("bob/back").origin == "bob/back"
    with pytest.raises(ik.errors.UnknownName, match=r"variation of 'ann' is called 'smilling'.*'smiling'"):
        lib.get("ann", variation="smilling")


def test_the_folder_of_another_library_is_added_as_that_library(lib: ik.Library, tmp_path: Path) -> None:
    other = ik.Library.open(tmp_path / "other", embedder=Colours())
    (path,) = pictures_in(tmp_path / "elsewhere", 1)
    other.add(path, caption="seen from afar")
    (tmp_path / "other/library.jsonl").write_text("")
    assert lib.add(str(tmp_path / "other")).added == ("p000",)
    assert lib.items(lib.numbers())[0].caption == "seen from afar"


def test_an_address_a_dead_link_and_a_misspelt_field_are_told(lib: ik.Library, tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to(tmp_path / "gone.png")
    report = lib.add(["https://example.org/a.png", tmp_path / "link.png"])
    assert "is an address" in report.rejected[0].reason
    assert "is a link to a file that is not there" in report.rejected[1].reason
    pictures_in(tmp_path / "set", 1)
    (tmp_path / "set/library.jsonl").write_text('{"path": "p000.png", "nmae": "Ann"}\n')
    with pytest.raises(ik.errors.InvalidInput, match="Did you mean 'name'"):
        lib.add(tmp_path / "set")


def test_pictures_with_odd_names_are_taken_and_a_folder_without_any_is_told(lib: ik.Library, tmp_path: Path) -> None:
    (path,) = pictures_in(tmp_path / "odd", 1)
    path.rename(tmp_path / "odd/no suffix")
    (tmp_path / "odd/notes.txt").write_text("no picture")
    assert lib.add(tmp_path / "odd").added == ("no suffix",)
    (tmp_path / "bare").mkdir()
    (rejected,) = lib.add(tmp_path / "bare").rejected
    assert rejected.reason == "the folder holds no picture."
