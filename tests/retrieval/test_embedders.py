"""``load_embedder`` and the hook behind it: names, what stands behind a colon, and what a session registers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput, MissingDependency, PluginError, UnknownName
from imagegen_kit.hookspecs import RetrieverSpec
from imagegen_kit.registry import get_registry
from imagegen_kit.retrieval.embedders import load_embedder

if TYPE_CHECKING:
    from PIL import Image

pytestmark = pytest.mark.usefixtures("own_registry")


class Brightness:
    """How bright a picture is, as an angle.

    The second line says more.
    """

    name = "brightness"
    fingerprint = "b" * 64
    dimension = 2
    modalities = frozenset({"image"})

    def __init__(self, which: str = "all") -> None:
        self.which = which

    def embed_images(self, images: Sequence[Image.Image]) -> np.ndarray:
        angles = np.asarray([np.asarray(image.convert("L")).mean() / 255 for image in images], dtype=np.float32)
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).reshape(-1, 2)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        raise InvalidInput("brightness knows no texts.")


class Nearest:
    """A retriever that is only named here."""

    def retrieve(self, library: object, brief: object) -> None:
        raise NotImplementedError


def test_the_built_in_ones_come_through_the_hook() -> None:
    (record,) = [r for r in get_registry().plugins() if r.name == "retrieval"]
    assert record.status == "ok"
    assert record.offers == ("embedder:offline", "embedder:clip", "retriever:hybrid")


def test_an_embedder_comes_back_as_it_is() -> None:
    mine = Brightness()
    assert load_embedder(mine) is mine


def test_a_class_that_a_session_registers_is_found_by_its_name_and_gone_when_it_is_taken_away() -> None:
    undo = ik.register(Brightness)
    assert get_registry().retrievers()["brightness"].card == "How bright a picture is, as an angle."
    assert isinstance(load_embedder("brightness"), Brightness)
    undo()
    with pytest.raises(UnknownName, match="no embedder is called 'brightness'"):
        load_embedder("brightness")


def test_what_stands_behind_the_first_colon_is_handed_over_whole() -> None:
    ik.register(RetrieverSpec("light", kind="embedder", target=Brightness))
    loaded = load_embedder("light:C:\\models\\one")
    assert isinstance(loaded, Brightness)
    assert loaded.which == "C:\\models\\one"
    with pytest.raises(InvalidInput, match="names nothing behind the colon"):
        load_embedder("light:")


def test_a_registered_class_may_carry_its_spec() -> None:
    class Named(Brightness):
        spec = RetrieverSpec("named", kind="embedder", target="said:Elsewhere", card="Its own words.")

    ik.register(Named)
    assert isinstance(load_embedder("named"), Named)
    assert get_registry().retrievers()["named"].card == "Its own words."


def test_a_retriever_is_registered_like_an_embedder_and_kept_apart_from_it() -> None:
    ik.register(Nearest)
    assert get_registry().retriever_target("nearest") is Nearest
    with pytest.raises(UnknownName, match="no embedder is called 'nearest'"):
        load_embedder("nearest")
    with pytest.raises(UnknownName, match="Did you mean 'nearest'"):
        get_registry().retriever_target("neerest")


def test_a_class_that_lacks_a_method_is_refused() -> None:
    class Half:
        def embed_images(self, images: object) -> None:
            """Nothing."""

    with pytest.raises(InvalidInput, match="Half: is no embedder: it has no method `embed_texts`"):
        ik.register(Half)
    with pytest.raises(InvalidInput, match="version: says nothing of an embedder or retriever"):
        ik.register(Brightness, version="2")


def test_an_unknown_name_says_what_is_near() -> None:
    with pytest.raises(UnknownName, match=r"no embedder is called 'cilp'\. Did you mean 'clip'"):
        load_embedder("cilp:some/folder")


def test_a_target_whose_package_is_missing_says_which_command_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "far_embedder.py").write_text("import not_installed_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    spec = RetrieverSpec("far", kind="embedder", target="far_embedder:Far", install="pip install not-installed")
    ik.register(spec)
    with pytest.raises(MissingDependency, match=r"embedder 'far' needs .* Run: pip install not-installed"):
        load_embedder("far")


def test_a_target_that_is_broken_is_named() -> None:
    ik.register(RetrieverSpec("odd", kind="embedder", target="imagegen_kit.retrieval.base:Nothing"))
    with pytest.raises(PluginError, match=r"embedder 'odd' \(this session\): loading .* raised AttributeError"):
        load_embedder("odd")


@pytest.mark.parametrize(
    ("thing", "why"),
    [(Brightness, "it is a class; call it"), (7, "it has no name, fingerprint"), (None, "a NoneType is no embedder")],
    ids=["a class", "a number", "nothing"],
)
def test_what_is_no_embedder_is_refused(thing: object, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        load_embedder(thing)  # type: ignore[arg-type]  # what a user may hand over


def test_a_name_with_a_colon_is_refused_where_nothing_can_stand_behind_it() -> None:
    class Plain(Brightness):
        def __init__(self) -> None:
            super().__init__()

    ik.register(RetrieverSpec("plain", kind="embedder", target=Plain))
    with pytest.raises(InvalidInput, match=r"does not fit 'plain'. Write \"plain\""):
        load_embedder("plain:folder")
