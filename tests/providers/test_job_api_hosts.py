"""Where the key may go; ``tests/reliability/test_downloads.py`` has what is opened without it."""

from __future__ import annotations

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
