"""The plugin keeps the contract that every provider is held to."""

from __future__ import annotations

from imagegen_kit.testing.contracts import ProviderContract


class TestEcho(ProviderContract):
    provider = "echo"
    size = (96, 64)
