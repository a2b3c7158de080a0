"""Promise 10: a download cannot reach inside this network or fill memory, however it is named and whatever answers."""

from __future__ import annotations

import asyncio
import gzip
import os
import re
import socket
import ssl
import time
import tracemalloc
import zlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput, InvalidReply, OutcomeUnknown, RequestTimeout, ServiceUnavailable
from imagegen_kit.providers.addresses import Refused, is_public, read_private_hosts
from imagegen_kit.providers.downloads import Downloads, Fetched
from imagegen_kit.settings import Endpoint, point_at
from imagegen_kit.testing.simulators import JobApiSimulator
from tests.hostile_hosts import PUBLIC, Host, MapsPublicToHere, answer, answering, endless, one_byte_a_second

if TYPE_CHECKING:
    from pathlib import Path

CAP = 2**20
BOTH = ("http", "https")
# Every way of reference 4.6 to write an address that leads inside; {port} is the canary's.
HOSTILE = [
    "http://127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "http://localhost.:{port}/",
    "http://[::1]:{port}/",
    "http://0.0.0.0:{port}/",
    "http://[::]:{port}/",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1:{port}/",
    "http://172.16.0.1:{port}/",
    "http://192.168.0.1:{port}/",
    "http://100.64.0.1:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[fe80::1]:{port}/",
    "http://224.0.0.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f.1:{port}/",
    "http://017700000001:{port}/",
    "http://127.1:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://127。0。0。1:{port}/",
    "http://１２７.0.0.1:{port}/",
    "http://printer.local:{port}/",
    "http://metadata.google.internal:{port}/",
    "http://user:word@127.0.0.1:{port}/",
    "http://example.com@127.0.0.1:{port}/",
    "http://[fe80::1%25eth0]:{port}/",
    "file:///etc/passwd",
    "ftp://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/_GET",
    "//127.0.0.1:{port}/",
    "http://",
    "",
]


def fetched(url: str, *, within_s: float = 5.0, most: int = CAP, **how: Any) -> Fetched:
    """Fetch ``url`` once with everything closed afterwards."""

    async def run() -> Fetched:
        downloads = Downloads(schemes=BOTH, **how)
        try:
            return await downloads.fetch(url, max_bytes=most, within_s=within_s, model="sim/one")
        finally:
            await downloads.aclose()

    return asyncio.run(run())


def at(host: Host, **how: Any) -> Fetched:
    """Fetch from a host that is allowed by name and port."""
    return fetched(f"http://127.0.0.1:{host.port}/picture.png", private=[("127.0.0.1", host.port)], **how)


# ------------------------------------------------------------------ where a download may lead
@pytest.mark.parametrize("url", HOSTILE)
def test_no_hostile_address_reaches_the_canary(url: str) -> None:
    with Host() as canary:
        with pytest.raises(Refused) as caught:
            fetched(url.format(port=canary.port))
        assert canary.connections == 0
    assert not re.search(r"\d+\.\d+|::|\[|2130706433", str(caught.value)), "an inside address stands in the error"


def test_the_canary_sees_whoever_is_let_through() -> None:
    """The guard is what keeps the count at 0: with the canary allowed by name and port it is reached."""
    with Host() as canary:
        assert at(canary).body == b"hello"
        assert canary.connections == 1


@pytest.mark.parametrize(
    "address",
    ["240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::7f00:1", "64:ff9b:1::1", "fc00::1", "ff0e::1",
     "2001:db8::1", "2002:a00:1::", "64:ff9b::a00:1", "::ffff:10.0.0.1", "no address"],
)  # fmt: skip
def test_a_name_that_leads_to_no_public_address_is_not_dialled(address: str) -> None:
    resolve, _ = answering([address])
    network = MapsPublicToHere({})
    with pytest.raises(Refused, match=r"pictures\.example is an address inside this network"):
        fetched("http://pictures.example/", resolve=resolve, dial=network)
    assert network.dialled == []


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d822"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


def test_the_checked_address_is_the_one_dialled_and_the_name_stays_in_the_request() -> None:
    with Host() as host:
        resolve, asked = answering([PUBLIC])
        network = MapsPublicToHere({PUBLIC: host.port})
        assert fetched("http://pictures.example/a?b=c", resolve=resolve, dial=network).body == b"hello"
        assert (asked, network.dialled) == (["pictures.example"], [PUBLIC])
        assert host.requests[0].startswith(b"GET /a?b=c HTTP/1.1\r\nHost: pictures.example\r\n")


def test_one_private_address_among_public_ones_refuses_the_name() -> None:
    with Host() as canary:
        resolve, _ = answering([PUBLIC, "127.0.0.1"])
        network = MapsPublicToHere({PUBLIC: canary.port})
        with pytest.raises(Refused):
            fetched(f"http://pictures.example:{canary.port}/", resolve=resolve, dial=network)
        assert (network.dialled, canary.connections) == ([], 0)


def test_a_name_that_moves_inside_after_the_first_look_is_never_followed_there() -> None:
    """DNS rebinding: the resolver answers with a public address first and with 127.0.0.1 from then on."""
    with Host() as public, Host() as canary:
        resolve, asked = answering([PUBLIC], ["127.0.0.1"])
        network = MapsPublicToHere({PUBLIC: public.port})
        url = f"http://pictures.example:{canary.port}/"

        async def twice() -> tuple[bytes, type]:
            downloads = Downloads(schemes=BOTH, resolve=resolve, dial=network)
            try:
                first = await downloads.fetch(url, max_bytes=CAP, within_s=5, model="sim/one")
                with pytest.raises(Refused) as caught:
                    await downloads.fetch(url, max_bytes=CAP, within_s=5, model="sim/one")
                return first.body, caught.type
            finally:
                await downloads.aclose()

        assert asyncio.run(twice()) == (b"hello", Refused)
        assert asked == ["pictures.example", "pictures.example"]
        assert (network.dialled, public.connections, canary.connections) == ([PUBLIC], 1, 0)


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1:{port}/", "//127.0.0.1:{port}/", "http://localhost:{port}/", "http://2130706433:{port}/",
     "http://user@127.0.0.1:{port}/", "file:///etc/passwd", "http://inside.example:{port}/"],
)  # fmt: skip
def test_a_redirect_from_outside_to_inside_is_not_followed(target: str) -> None:
    with Host() as canary:
        where = f"Location: {target.format(port=canary.port)}"
        with Host(lambda c, _: c.sendall(answer(b"", where, status="302 Found"))) as public:

            async def resolve(host: str, _: int) -> list[str]:
                return ["127.0.0.1"] if host == "inside.example" else [PUBLIC]

            network = MapsPublicToHere({PUBLIC: public.port})
            with pytest.raises(Refused):
                fetched("http://pictures.example/", resolve=resolve, dial=network)
        assert (public.connections, canary.connections) == (1, 0)


def test_redirects_are_followed_three_times_and_no_more() -> None:
    with Host() as host:

        def lead_on(connection: socket.socket, request: bytes) -> None:
            number = int(request.split(b" ")[1].strip(b"/") or b"0")
            more = answer(b"", f"Location: /{number + 1}", status="307 Temporary Redirect")
            connection.sendall(answer(b"there") if number == host.last else more)

        host.behave, host.last = lead_on, 3
        assert at_path(host, "/0").body == b"there"
        host.last = 4
        with pytest.raises(Refused, match="more than 3 times"):
            at_path(host, "/0")


def at_path(host: Host, path: str) -> Fetched:
    return fetched(f"http://127.0.0.1:{host.port}{path}", private=[("127.0.0.1", host.port)])


def test_no_header_of_ours_says_more_than_that_we_are_there() -> None:
    with Host() as host:
        at(host)
        names = re.findall(rb"^([A-Za-z-]+):", host.requests[0], re.M)
    assert names == [b"Host", b"Accept", b"Accept-Encoding", b"User-Agent"]
    assert b"Accept-Encoding: identity" in host.requests[0]


@pytest.mark.parametrize(
    ("text", "found"),
    [(None, set()), (" nas.local:8080, [fd00::1]:81 ", {("nas.local", 8080), ("fd00::1", 81)})],
)
def test_private_hosts_are_named_with_their_ports(text: str | None, found: set[tuple[str, int]]) -> None:
    assert read_private_hosts(text) == found


@pytest.mark.parametrize("text", ["nas.local", "nas.local:http", "http://nas.local:80", "nas:0", ":80", "*"])
def test_a_private_host_without_its_port_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="IMAGEGEN_PRIVATE_HOSTS"):
        read_private_hosts(text)


# ------------------------------------------------------------------ what may come
@pytest.mark.alone
def test_an_endless_body_is_left_at_the_limit() -> None:
    with Host(endless) as host:
        resolve, _ = answering([PUBLIC])
        network = MapsPublicToHere({PUBLIC: host.port})
        began = time.monotonic()
        with pytest.raises(InvalidReply, match="larger than 1 MiB"):
            fetched("http://pictures.example/", resolve=resolve, dial=network)
        assert time.monotonic() - began < 2
        assert CAP < network.received <= CAP + 64 * 1024 + 1024  # one read beyond it, and the head of the answer


@pytest.mark.parametrize(
    ("length", "body", "error"),
    [(10**12, b"x", InvalidReply), (1000, b"x" * 500, OutcomeUnknown), (CAP + 1, b"", InvalidReply)],
    ids=["claims a terabyte", "ends too early", "one byte too many"],
)
def test_a_length_that_lies_is_found_out(length: int, body: bytes, error: type[Exception]) -> None:
    with Host(lambda c, _: c.sendall(answer(body, length=length))) as host, pytest.raises(error):
        at(host)


def test_of_a_body_that_is_longer_than_it_says_only_that_much_is_taken() -> None:
    with Host(lambda c, _: c.sendall(answer(b"x" * 100_000, length=10))) as host:
        assert at(host).body == b"x" * 10


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_bomb_is_unpacked_no_further_than_the_limit(encoding: str) -> None:
    plain = b"\0" * (64 * CAP)
    bomb = gzip.compress(plain, 9) if encoding == "gzip" else zlib.compress(plain, 9)
    del plain
    assert len(bomb) < CAP
    with Host(lambda c, _: c.sendall(answer(bomb, f"Content-Encoding: {encoding}"))) as host:
        tracemalloc.start()
        try:
            with pytest.raises(InvalidReply, match="larger than 1 MiB"):
                at(host)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 8 * CAP


@pytest.mark.parametrize(
    ("encoding", "body", "said"),
    [
        ("br", b"x", "not asked for"),
        ("gzip, gzip", b"x", "not asked for"),
        ("gzip", b"no gzip", "cannot be unpacked"),
        ("gzip", gzip.compress(b"abc" * 1000)[:-9], "ends too early"),
    ],
    ids=["another packing", "two packings", "not packed", "cut off"],  # what gzip writes holds the time
)
def test_a_packing_that_cannot_be_undone_is_refused(encoding: str, body: bytes, said: str) -> None:
    packed = answer(body, f"Content-Encoding: {encoding}")
    with Host(lambda c, _: c.sendall(packed)) as host, pytest.raises(InvalidReply, match=said):
        at(host)


def test_what_is_packed_honestly_is_unpacked() -> None:
    with Host(lambda c, _: c.sendall(answer(gzip.compress(b"abc" * 1000), "Content-Encoding: gzip"))) as host:
        assert at(host).body == b"abc" * 1000


# ------------------------------------------------------------------ how long it may take
def silent(connection: socket.socket, _: bytes) -> None:
    connection.recv(1)


def slow_head(connection: socket.socket, _: bytes) -> None:
    for letter in b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx" * 9:
        connection.sendall(bytes([letter]))
        time.sleep(0.2)


@pytest.mark.alone
@pytest.mark.parametrize("behave", [one_byte_a_second, silent, slow_head])
def test_a_slow_host_is_left_at_the_deadline(behave: Any) -> None:
    with Host(behave) as host:
        began = time.monotonic()
        with pytest.raises(RequestTimeout, match="within 1 s"):
            at(host, within_s=1.0)
        assert 1.0 <= time.monotonic() - began < 2.0


@pytest.mark.alone
def test_a_resolver_that_never_answers_is_left_at_the_deadline() -> None:
    async def never(host: str, port: int) -> list[str]:
        await asyncio.sleep(3600)
        return []

    began = time.monotonic()
    with pytest.raises(RequestTimeout):
        fetched("http://pictures.example/", within_s=0.5, resolve=never)
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("addresses", [[], [PUBLIC]], ids=["no address", "nobody listens"])
def test_a_host_that_cannot_be_reached_says_so(addresses: list[str]) -> None:
    with Host() as gone:
        pass
    resolve, _ = answering(addresses)
    with pytest.raises(ServiceUnavailable, match="cannot be reached"):
        fetched("http://pictures.example/", resolve=resolve, dial=MapsPublicToHere({PUBLIC: gone.port}))


# ------------------------------------------------------------------ certificates
def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Write a certificate for ``name`` that signs itself, and its key; return their paths."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "public.pem", folder / "private.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, none))
    return public, private


@pytest.mark.parametrize(("name", "reached"), [("pictures.example", True), ("other.example", False)])
def test_the_certificate_is_checked_for_the_name_although_an_address_is_dialled(
    name: str, reached: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public, private = certificate(tmp_path, name)
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(public, private)
    resolve, _ = answering([PUBLIC])
    with Host(tls=tls) as host:
        network = MapsPublicToHere({PUBLIC: host.port})
        if reached:
            assert fetched("https://pictures.example/", resolve=resolve, dial=network).body == b"hello"
        else:
            with pytest.raises(ServiceUnavailable):
                fetched("https://pictures.example/", resolve=resolve, dial=network)
        assert host.names == ["pictures.example"]


# ------------------------------------------------------------------ behind a proxy
def test_behind_a_proxy_the_proxy_dials_and_what_is_written_is_judged_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Host() as proxy, Host() as canary:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        assert fetched("http://pictures.example/a").body == b"hello"
        assert proxy.requests[0].startswith(b"GET http://pictures.example/a HTTP/1.1")
        for url in ("http://127.0.0.1:{}/", "http://2130706433:{}/", "http://x.internal:{}/"):
            with pytest.raises(Refused):
                fetched(url.format(canary.port))
        assert at(canary).body == b"hello"  # allowed by name and port, it is reached without the proxy
        assert (proxy.connections, canary.connections) == (1, 1)


# ------------------------------------------------------------------ through a provider and the engine
class Pointing(JobApiSimulator):
    """A job service whose replies say that the picture lies at ``elsewhere``."""

    elsewhere = ""

    def _values(self, job: Any) -> dict[str, Any]:
        return {**super()._values(job), "picture": self.elsewhere}


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}/x.png", "http://localhost:{port}/", "http://2130706433:{port}/"]
)
def test_a_service_that_names_an_inside_address_gets_no_picture_and_no_key(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pydantic import SecretStr

    from imagegen_kit.engine.session import default_engine

    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    with Host() as canary, Pointing("fal", polls=0) as sim:
        sim.elsewhere = url.format(port=canary.port)
        undo = point_at({"fal": Endpoint(sim.base_url, SecretStr(sim.key), "simulated:fal")})
        try:
            model = next(name for name in ik.models().query("kind == 'image'").index if name.startswith("fal/"))
            with pytest.raises(InvalidReply, match="not opened") as caught:
                ik.generate("a kite", model=model, policy=ik.Policy(attempts=1, timeout_s=20))
        finally:
            undo()
        assert canary.connections == 0
        assert "127.0.0.1" not in str(caught.value)
        assert sim.leaks == []
        (row,) = default_engine().store.journal.read("SELECT state, error FROM attempts")
    assert row[0] in ("failed", "unknown")
    assert "127.0.0.1" not in row[1]
    assert os.listdir(temporary) == []


def test_a_private_host_that_the_user_names_may_hold_the_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    from pydantic import SecretStr

    from tests.corpus import encoded

    picture = encoded("png")
    with Host(lambda c, _: c.sendall(answer(picture))) as shelf, Pointing("fal", polls=0) as sim:
        sim.elsewhere = f"http://127.0.0.1:{shelf.port}/x.png"
        monkeypatch.setenv("IMAGEGEN_PRIVATE_HOSTS", f"127.0.0.1:{shelf.port}")
        undo = point_at({"fal": Endpoint(sim.base_url, SecretStr(sim.key), "simulated:fal")})
        try:
            model = next(name for name in ik.models().query("kind == 'image'").index if name.startswith("fal/"))
            assert ik.generate("a kite", model=model).picture.bytes == picture
        finally:
            undo()
        assert sim.key.encode() not in shelf.requests[0]
