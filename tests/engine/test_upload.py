"""``job.upload``: URLs in the order of the pictures, nothing sent twice, and everything wrong is said beforehand."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.engine.session import close_default_engine, default_engine
from imagegen_kit.errors import InvalidInput, StoreError
from imagegen_kit.store.remote import Remote
from imagegen_kit.tables.uploads import upload_table
from tests.engine.models import picture
from tests.store.object_servers import opened, proxy_before, rclone
from tests.store.sending import URL, set_keys, until


@pytest.fixture
def place(tmp_path):
    url = f"file://{tmp_path}/objects"
    ik.configure(remote=url)
    return Remote(url)


@pytest.fixture
def proxy(tmp_path, monkeypatch):
    server = rclone(tmp_path / "server").start()
    with proxy_before(server) as proxy:
        set_keys(monkeypatch, proxy.endpoint)
        ik.configure(remote=URL)
        yield proxy
        close_default_engine()
    server.kill()


async def album(job, prefix="avatars/7/img", n=3):
    answer = await job.images("a red kite", model="offline/collage", size=64, n=n)
    return await job.upload(answer, prefix)


async def sent(job, pictures, prefix=None, names=None, expires_s=None):
    return await job.upload(pictures, prefix, names=names, expires_s=expires_s)


def objects(place, below):
    return {name: place.get(name) for name in place.list(below)}


def made():
    return [Path(path).read_bytes() for path in ik.open_run("latest").table().path.dropna()]


def test_a_batch_lies_below_its_prefix_in_order(place):
    urls = ik.run(album)
    assert urls == [place.url(f"avatars/7/img/{n}.png") for n in (1, 2, 3)]
    assert list(objects(place, "avatars").values()) == made()


def test_objects_may_be_named_by_the_caller(place):
    async def templates(job):
        answer = await job.images("a red kite", model="offline/collage", size=64, n=2)
        return await job.upload(answer, names=["images/templates/split-screen-{variant}.png", "images/42"])

    urls = ik.run(templates)
    assert [unquote(url).rpartition("/images/")[2] for url in urls] == [
        "templates/split-screen-{variant}.png",
        "42",
    ]
    assert place.get("images/42") == made()[1]


@pytest.mark.parametrize(
    ("name", "format"),
    [("a.jpg", "JPEG"), ("a.JPEG", "JPEG"), ("a.webp", "WEBP"), ("a.png", "PNG"), ("a.v2", "PNG"), ("jpg", "PNG")],
)
def test_a_picture_is_sent_in_the_format_that_its_name_ends_in(place, name, format):
    Image.new("RGBA", (8, 8), (255, 0, 0, 128)).save("red.png")
    ik.run(sent, pictures="red.png", names=[name])
    with Image.open(BytesIO(place.get(name))) as image:
        assert (image.format, image.size) == (format, (8, 8))


@pytest.mark.parametrize(
    "give",
    [
        lambda path: path, str, lambda path: path.read_bytes(), Image.open, lambda path: ik.Picture.open(path),
        lambda path: np.asarray(Image.open(path)), lambda path: BytesIO(path.read_bytes()), lambda path: [path],
    ],
    ids=["Path", "str", "bytes", "PIL", "Picture", "array", "open file", "list"],
)  # fmt: skip
def test_one_picture_may_be_given_in_any_form(place, tmp_path, give):
    (tmp_path / "one.png").write_bytes(picture(5))

    async def one(job, prefix):
        return await job.upload(give(tmp_path / "one.png"), prefix)

    assert ik.run(one, prefix="p") == [place.url("p/1.png")]
    assert Image.open(BytesIO(place.get("p/1.png"))).getpixel((0, 0)) == (5, 0, 99)


def test_answers_and_files_may_be_mixed_and_a_jpeg_is_a_jpg(place, tmp_path):
    Image.new("RGB", (8, 8), "red").save(tmp_path / "red.jpg")

    async def mixed(job, prefix):
        answer = await job.images("a red kite", model="offline/collage", size=64, n=2)
        return await job.upload([answer, tmp_path / "red.jpg"], prefix)

    ik.run(mixed, prefix="p")
    assert place.list("p") == ["p/1.png", "p/2.png", "p/3.jpg"]


def test_no_pictures_are_no_urls(place):
    assert ik.run(sent, pictures=[], prefix="p") == []


def test_a_recipe_that_runs_twice_sends_nothing_twice(proxy):
    first = ik.run(album)
    until(lambda: set(upload_table().state) == {"done"})
    count = len(proxy.sent("PUT"))
    assert ik.run(album) == first
    assert len(proxy.sent("PUT")) == count
    assert len(Remote(URL).list()) == 6  # three copies of the store's own, and three below the prefix


def test_a_cell_that_goes_on_after_a_failure_sends_nothing_twice_and_is_recorded_once(proxy, tmp_path):
    async def fails_once(job, prefix):
        answer = await job.images("a red kite", model="offline/collage", size=64, n=2)
        urls = await job.upload(answer, prefix)
        if not (tmp_path / "second").exists():
            raise RuntimeError("after the upload")
        return urls

    run = ik.Experiment(fails_once, vary={"prefix": ["a", "b"]}, name="goes on").run(progress=False)
    (tmp_path / "second").touch()
    count = len(proxy.sent("PUT", "/a/")), len(proxy.sent("PUT", "/b/"))
    run.retry_failed()
    assert (len(proxy.sent("PUT", "/a/")), len(proxy.sent("PUT", "/b/"))) == count
    journal = default_engine().store.journal
    journal.flush().result()
    assert journal.read("SELECT COUNT(*) FROM events WHERE name = 'upload' GROUP BY cell") == [(1,), (1,)]


def test_an_object_that_has_gone_is_sent_again(place):
    ik.run(album, n=1)
    place.delete("avatars/7/img/1.png")
    ik.run(album, n=1)
    assert place.get("avatars/7/img/1.png") == made()[0]
    assert upload_table().loc["avatars/7/img/1.png"].attempts == 2


def test_links_that_expire_open_private_objects(proxy):
    async def links(job):
        answer = await job.images("a red kite", model="offline/collage", size=64, n=2)
        return await job.upload(answer, "p") + await job.upload(answer, "p", expires_s=60)

    urls = ik.run(links)
    plain, signed = urls[:2], urls[2:]
    assert [opened(url) for url in signed] == [200, 200]
    assert all(opened(url) in (400, 403) for url in plain)
    assert [url.partition("?")[0] for url in signed] == plain
    kept = (default_engine().store.path / "journal.sqlite").read_bytes()
    wal = (default_engine().store.path / "journal.sqlite-wal").read_bytes()
    assert b"X-Amz-Signature" not in kept + wal  # who has the link can open it, so it is not written down


def test_without_a_storage_it_says_what_to_set():
    with pytest.raises(
        InvalidInput, match=r'configure\(remote="s3://bucket/prefix"\), or the variable IMAGEGEN_REMOTE'
    ):
        ik.run(album)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "give either a prefix or names"),
        ({"prefix": "p", "names": ["a.png", "b.png"]}, "give either a prefix or names"),
        ({"prefix": "/p"}, "prefix: '/p' begins or ends with a slash"),
        ({"prefix": "../p"}, "would lead out of its place"),
        ({"names": ["a.png"]}, "there are 1 of them for 2 pictures"),
        ({"names": ["a.png", "a.png"]}, "'a.png' is there twice"),
        ({"names": ["a\n", "b//c"]}, "2 things to mend"),
        ({"prefix": "p", "expires_s": 60}, "cannot sign links"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_sent(place, tmp_path, given, words):
    files = []
    for number in range(2):
        (tmp_path / f"{number}.png").write_bytes(picture(number))
        files.append(str(tmp_path / f"{number}.png"))
    with pytest.raises(InvalidInput, match=words):
        ik.run(sent, pictures=files, **given)
    assert place.list() == []


def test_a_plan_sends_nothing_and_knows_the_urls(place):
    seen = []

    async def looks(job, prefix):
        seen.extend(await album(job, prefix))

    plan = ik.Experiment(looks, vary={"prefix": ["p"]}).plan()
    assert (plan.pictures.tolist(), plan.lower_bound.tolist()) == ([3], [False])
    assert seen == [place.url(f"p/{n}.png") for n in (1, 2, 3)]
    assert place.list() == []
    assert len(upload_table()) == 0


def test_a_storage_that_stays_away_is_an_error_that_says_what_to_do_and_the_pictures_stay(proxy):
    proxy.fault = lambda method, path: 503 if method == "PUT" else None
    with pytest.raises(StoreError, match=r"2 of 2 pictures could not be uploaded.*safe in the store.*uploads --retry"):
        ik.run(album, n=2, policy=ik.Policy(clock="simulated", attempts=4))
    assert all(made())
    row = upload_table().loc["avatars/7/img/1.png"]
    assert row.attempts >= 4  # the background may be at it again by now
    assert row.state in ("failed", "running")
    assert "503 Service Unavailable, SlowDown" in row.error
    proxy.fault = lambda method, path: None
    close_default_engine()
    store = default_engine().store  # the next start sends them
    until(lambda: set(upload_table(store=store).state) == {"done"})
    remote = Remote(URL)
    assert [remote.get(f"avatars/7/img/{n}.png") for n in (1, 2)] == made()


def test_a_wrong_key_is_not_tried_again(proxy, tmp_path):
    proxy.fault = lambda method, path: 403 if method == "PUT" else None
    (tmp_path / "one.png").write_bytes(picture())
    with pytest.raises(StoreError, match="Check S3_ACCESS_KEY, S3_SECRET_KEY"):
        ik.run(sent, pictures=[str(tmp_path / "one.png")], prefix="p")
    assert len(proxy.sent("PUT")) == 1


def test_a_recipe_can_ask_beforehand_whether_an_upload_would_be_refused(place):
    async def asks(job, expires_s):
        job.check_upload(expires_s)
        return job.can_upload

    assert ik.run(asks, expires_s=None) is True
    with pytest.raises(InvalidInput, match="cannot sign links"):
        ik.run(asks, expires_s=60)
