"""Where the key may go, and which addresses of a service's replies are opened at all."""

from __future__ import annotations

import asyncio

import pytest

from imagegen_kit.providers.job_api.hosts import Hosts, Refused

HOME = "https://api.example.com/v1"


@pytest.mark.parametrize(
    "url",
    ["https://api.example.com/x", "https://API.EXAMPLE.COM:443/x?y=1", "https://eu.files.example.org/x"],
)
def test_the_key_goes_to_the_service_and_the_hosts_of_its_file(url: str) -> None:
    assert Hosts(HOME, ["*.files.example.org"]).with_key(url).host


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://evil.example/x", "not among the service's hosts"),
        ("https://api.example.com.evil.example/x", "not among"),
        ("https://evil.example#api.example.com", "not among"),
        ("https://files.example.org/x", "not among"),
        ("https://xfiles.example.org/x", "not among"),
        ("https://a.files.example.org:8443/x", "not among"),
        ("https://api.example.com:8443/x", "not among"),
        ("https://api.example.com@evil.example/x", "user or password"),
        ("https://user:word@api.example.com/x", "user or password"),
        ("http://api.example.com/x", "no https address"),
        ("ftp://api.example.com/x", "no https address"),
        ("//api.example.com/x", "no https address"),
        ("file:///etc/passwd", "no https address"),
        ("https://api.exa\tmple.com/x", "."),
        ("", "no https address"),
    ],
)
def test_the_key_goes_nowhere_else(url: str, said: str) -> None:
    with pytest.raises(Refused, match=said) as caught:
        Hosts(HOME, ["*.files.example.org"]).with_key(url)
    assert "/x" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://10.1.2.3/x",
        "https://192.168.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/x",
        "https://localhost/x",
        "https://printer.local/x",
        "https://metadata.google.internal/x",
        "https://intranet/x",
    ],
)
def test_a_picture_is_never_fetched_from_inside_the_network(url: str) -> None:
    with pytest.raises(Refused, match="inside this network"):
        asyncio.run(Hosts(HOME).download(url))


def test_a_local_service_may_name_local_addresses() -> None:
    hosts = Hosts("http://127.0.0.1:7860")
    assert asyncio.run(hosts.download("http://127.0.0.1:9000/picture.png")).port == 9000
    assert asyncio.run(hosts.download("http://192.168.0.7/picture.png")).host == "192.168.0.7"


def test_a_picture_of_a_service_on_the_web_may_lie_on_any_host_of_the_web() -> None:
    assert asyncio.run(Hosts(HOME).download("https://93.184.215.14/picture.png")).host == "93.184.215.14"
