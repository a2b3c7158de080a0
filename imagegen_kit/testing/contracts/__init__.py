"""Contracts: classes of tests that every provider, style, embedder, retriever and scorer passes, ours and yours.

Subclass one in a pytest file, say which one it is, and run pytest::

    from imagegen_kit.testing.contracts import ProviderContract


    class TestMine(ProviderContract):
        provider = "mine"

Needs pytest: ``pip install pytest``.
"""

from imagegen_kit.errors import MissingDependency

try:
    import pytest  # noqa: F401  # asked for here, so that its absence is told in plain words
except ImportError as error:
    raise MissingDependency("imagegen_kit.testing.contracts", "pytest", "pip install pytest") from error

from imagegen_kit.testing.contracts.embedders import EmbedderContract
from imagegen_kit.testing.contracts.provider import ProviderContract
from imagegen_kit.testing.contracts.retrievers import RetrieverContract
from imagegen_kit.testing.contracts.scorers import ScorerContract
from imagegen_kit.testing.contracts.styles import StyleContract

__all__ = ["EmbedderContract", "ProviderContract", "RetrieverContract", "ScorerContract", "StyleContract"]
