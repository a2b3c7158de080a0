"""One contract for every object storage, on two real S3 servers, a folder and memory.

What a server is known to do unlike S3 is an expected failure with its reason; it fails when the server mends its ways.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import time

import pytest

from imagegen_kit import settings
from imagegen_kit.errors import InvalidInput, ObjectStoreError
from imagegen_kit.store.remote import PART, Remote, blob_name
from tests.store.object_servers import ACCESS, BUCKET, SECRET, make_bucket, moto, opened, proxy_before, rclone

SERVERS = ("rclone", "moto")
LARGE = random.Random(20).randbytes(20 * 2**20)
ODD_NAMES = [
    "ü ñ 漢字/é.png", "e\u0301.png", "emoji 🎨.png", "a+b%26&c=d.png", "%41.png", ".hidden", "a:b?c.png", "it's $1.png",
    "q\"<>[]{}|^`~*!@,;().png", "back\\slash.png", "trailing ", "images/templates/split-screen-{variant}.jpg",
]  # fmt: skip
_numbers = itertools.count()


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    running = {"rclone": rclone(tmp_path_factory.mktemp("objects")).start(), "moto": moto().start()}
    make_bucket(running["moto"])
    yield running
    for server in running.values():
        server.kill()


@pytest.fixture(autouse=True)
def _keys(monkeypatch):
    for name in [n for n in os.environ if n.startswith(("AWS_", "S3_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("S3_ACCESS_KEY", ACCESS)
    monkeypatch.setenv("S3_SECRET_KEY", SECRET)


@pytest.fixture
def server(request, servers, monkeypatch):
    found = servers[request.param]
    monkeypatch.setenv("S3_ENDPOINT", found.endpoint)
    return found


@pytest.fixture
def remote(request, servers, monkeypatch, tmp_path):
    """A storage of its own kind, with a prefix that no other test has."""
    if request.param in SERVERS:
        monkeypatch.setenv("S3_ENDPOINT", servers[request.param].endpoint)
        return Remote(f"s3://{BUCKET}/test-{next(_numbers)}/pictures")
    return Remote(
        {"folder": f"file://{tmp_path}/objects", "memory": f"memory://test-{next(_numbers)}/x"}[request.param]
    )


def expect_gap(request, server, what):
    if what in server.gaps:
        request.node.add_marker(pytest.mark.xfail(strict=True, reason=server.gaps[what]))


everywhere = pytest.mark.parametrize("remote", [*SERVERS, "folder", "memory"], indirect=True)
on_servers = pytest.mark.parametrize("remote", SERVERS, indirect=True)
each_server = pytest.mark.parametrize("server", SERVERS, indirect=True)


@everywhere
def test_what_is_put_is_there_whole_and_listed(remote):
    remote.put("a/one.png", b"one")
    remote.put("a/two.png", b"")
    remote.put("b.png", b"three")
    assert (remote.get("a/one.png"), remote.get("a/two.png"), remote.get("b.png")) == (b"one", b"", b"three")
    assert remote.list() == ["a/one.png", "a/two.png", "b.png"]
    assert remote.list("a") == ["a/one.png", "a/two.png"]
    assert remote.head("b.png")["size"] == 5


@everywhere
def test_what_is_not_there_is_none_and_removing_it_is_no_error(remote):
    assert remote.get("nothing.png") is None
    assert remote.head("nothing.png") is None
    assert remote.list() == []
    remote.delete("nothing.png")
    remote.put("here.png", b"x")
    remote.delete("here.png")
    assert remote.get("here.png") is None


@everywhere
def test_the_same_name_again_holds_the_new_bytes(remote):
    remote.put("one.png", b"old and longer")
    assert remote.holds("one.png", b"old and longer")
    remote.put("one.png", b"new")
    assert remote.get("one.png") == b"new"
    assert remote.holds("one.png", b"new")
    assert not remote.holds("one.png", b"old")
    assert not remote.holds("other.png", b"new")


@everywhere
def test_twenty_megabytes_go_in_parts_and_come_back_the_same(remote):
    assert len(LARGE) > 2 * PART
    remote.put("large.png", LARGE)
    assert remote.get("large.png") == LARGE
    assert remote.holds("large.png", LARGE)
    assert not remote.holds("large.png", bytes(len(LARGE)))


@everywhere
@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_name_is_kept_as_it_is(remote, name):
    remote.put(name, name.encode())
    assert remote.get(name) == name.encode()
    assert remote.list() == [name]
    remote.delete(name)
    assert remote.list() == []


@pytest.mark.parametrize(
    "name",
    ["", "/a.png", "a/", "a//b.png", "../a.png", "a/../b.png", "a/./b.png", "a\nb.png", "a\x00b", "\ud800.png",
     "x" * 241, "/".join(["x" * 200] * 5), None, 7],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused_before_anything_is_asked(name):
    remote = Remote("memory://never-opened/x")
    for call in (remote.get, remote.head, remote.delete, remote.url, lambda n: remote.put(n, b"x")):
        with pytest.raises(InvalidInput):
            call(name)
    assert remote._opened is None


@everywhere
def test_a_picture_is_fetched_by_its_hash_and_only_whole(remote):
    data = b"a picture's bytes"
    sha = hashlib.sha256(data).hexdigest()
    assert remote.fetch(sha, "png") is None
    remote.put(blob_name(sha, "png"), data)
    assert remote.fetch(sha, "png") == data
    remote.put(blob_name(sha, "png"), data[:-1])
    assert remote.fetch(sha, "png") is None


@on_servers
def test_a_link_opens_a_private_object_without_a_key(remote):
    remote.put("private ü+%.png", b"private")
    assert opened(remote.url("private ü+%.png", expires_s=60)) == 200
    assert SECRET not in remote.url("private ü+%.png", expires_s=60)


@each_server
def test_a_link_without_a_signature_opens_nothing(server):
    remote = Remote(f"s3://{BUCKET}/unsigned")
    remote.put("a.png", b"private")
    assert opened(remote.url("a.png")) in (400, 403)


@each_server
def test_a_link_expires(request, server):
    expect_gap(request, server, "expiry")
    remote = Remote(f"s3://{BUCKET}/expiring")
    remote.put("a.png", b"private")
    url = remote.url("a.png", expires_s=1)
    time.sleep(2.1)
    assert opened(url) in (400, 403)


@pytest.mark.parametrize("remote", ["folder", "memory"], indirect=True)
def test_a_storage_that_cannot_sign_says_so(remote):
    with pytest.raises(InvalidInput, match=r"cannot sign links\. Leave it out, or use s3:// or gs://"):
        remote.url("a.png", expires_s=60)
    assert remote.url("ü/a b.png").endswith("/%C3%BC/a%20b.png")


@on_servers
@pytest.mark.parametrize("seconds", [0, -1, 604_801, "60", True, float("nan")])
def test_a_link_lives_from_one_second_to_seven_days(remote, seconds):
    with pytest.raises(InvalidInput, match="expires_s"):
        remote.url("a.png", expires_s=seconds)


@each_server
def test_a_wrong_secret_is_refused_in_words_that_do_not_repeat_it(request, server):
    expect_gap(request, server, "secret")
    settings.configure(keys={"S3_SECRET_KEY": "wrong-" + SECRET})
    remote = Remote(f"s3://{BUCKET}/wrong")
    for call in (lambda: remote.put("a.png", b"x"), lambda: remote.get("a.png"), remote.list, lambda: remote.head("a")):
        with pytest.raises(ObjectStoreError, match="403") as caught:
            call()
        text = f"{caught.value}{caught.value.__cause__}{caught.value.__suppress_context__}"
        assert SECRET not in text
        assert ACCESS not in text
        assert caught.value.__suppress_context__


@each_server
def test_a_bucket_that_is_missing_is_named(server):
    remote = Remote("s3://no-such-bucket/x")
    for data in (b"small", LARGE):
        with pytest.raises(ObjectStoreError, match=r"there is no such bucket .*404.*Make the bucket") as caught:
            remote.put("a.png", data)
        assert not caught.value.retryable


def test_a_server_that_is_not_there_is_worth_another_try(monkeypatch):
    monkeypatch.setenv("S3_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ObjectStoreError, match="could not be reached") as caught:
        Remote(f"s3://{BUCKET}").put("a.png", b"x")
    assert caught.value.retryable


@each_server
def test_a_part_that_fails_leaves_no_object_and_no_parts(server, monkeypatch):
    with proxy_before(server) as proxy:
        monkeypatch.setenv("S3_ENDPOINT", proxy.endpoint)
        proxy.fault = lambda method, path: 503 if method == "PUT" and "partNumber=2" in path else None
        remote = Remote(f"s3://{BUCKET}/parts")
        with pytest.raises(ObjectStoreError, match="503 Service Unavailable, SlowDown") as caught:
            remote.put("large.png", LARGE)
        assert caught.value.retryable
        assert len(proxy.sent("POST", "?uploads")) == 1
        assert len(proxy.sent("PUT", "partNumber=2")) == 1  # one owner of retries: obstore makes none
        assert len(proxy.sent("DELETE", "uploadId=")) == 1  # the parts are given up
        assert remote.get("large.png") is None
        assert remote.list() == []
        proxy.fault = lambda method, path: None
        remote.put("large.png", LARGE)
        assert remote.get("large.png") == LARGE


@each_server
def test_what_the_server_has_is_compared_with_what_was_sent(server, monkeypatch):
    """A server that loses the object after it has said yes is found out."""
    with proxy_before(server) as proxy:
        monkeypatch.setenv("S3_ENDPOINT", proxy.endpoint)
        remote = Remote(f"s3://{BUCKET}/lost")
        proxy.fault = lambda method, path: 200 if method == "PUT" else None
        with pytest.raises(ObjectStoreError, match="what the storage has is not what was sent") as caught:
            remote.put("a.png", b"x")
        assert caught.value.retryable


@each_server
def test_keys_are_in_no_repr_and_in_no_configuration(server):
    remote = Remote(f"s3://{BUCKET}/x")
    remote.put("a.png", b"x")
    shown = f"{remote!r} {vars(remote)} {remote._bucket!r} {remote._bucket.config} {remote._bucket.client_options}"
    assert SECRET not in shown
    assert ACCESS not in shown


def test_without_keys_it_says_which_are_missing_and_where_they_go(monkeypatch):
    monkeypatch.delenv("S3_SECRET_KEY")
    with pytest.raises(ObjectStoreError, match=r"needs S3_SECRET_KEY: set them in the environment, in \.env, or with"):
        Remote(f"s3://{BUCKET}").put("a.png", b"x")


def test_keys_bucket_and_endpoint_come_from_the_file_too_and_aws_names_stand_in(servers, monkeypatch, tmp_path):
    for name in ("S3_ACCESS_KEY", "S3_SECRET_KEY"):
        monkeypatch.delenv(name)
    endpoint = servers["rclone"].endpoint
    (tmp_path / ".env").write_text(
        f"AWS_ACCESS_KEY_ID={ACCESS}\nAWS_SECRET_ACCESS_KEY={SECRET}\nAWS_ENDPOINT_URL={endpoint}\n"
        f"S3_BUCKET_NAME={BUCKET}\n"
    )
    remote = Remote("s3:///from-the-file")
    remote.put("a.png", b"x")
    assert remote.target == f"s3://{BUCKET}/from-the-file"
    assert remote.url("a.png") == f"{endpoint}/{BUCKET}/from-the-file/a.png"
    settings.configure(keys={"S3_ACCESS_KEY": ACCESS, "S3_SECRET_KEY": "not " + SECRET})
    with pytest.raises(ObjectStoreError, match="403"):  # the kit's own names win, and are read anew
        remote.get("a.png")


def test_without_an_endpoint_the_address_is_amazons():
    assert Remote("s3://my-bucket/x").url("a.png") == "https://s3.us-east-1.amazonaws.com/my-bucket/x/a.png"
    assert Remote("gs://my-bucket/x").url("ü.png") == "https://storage.googleapis.com/my-bucket/x/%C3%BC.png"


@pytest.mark.parametrize(
    "url",
    ["", "s3", "http://host/x", "s3://", "s3://UPPER/x", "s3://key:secret@bucket/x", "s3://bucket/x?key=1", "file://x",
     "s3://bucket/../x", "s3://bucket//x", "gs://", "s3://b/\n"],
)  # fmt: skip
def test_an_address_that_cannot_be_one_is_refused_without_repeating_keys(url):
    with pytest.raises(InvalidInput) as caught:
        Remote(url)
    assert "secret" not in str(caught.value)
