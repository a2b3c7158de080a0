"""Workflows as files: what they become, what is guessed, and how a mistake is told."""

from __future__ import annotations

import copy
import json
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import pytest
from imagegen_kit_comfyui import imagegen_providers
from imagegen_kit_comfyui.shelf import SHIPPED, Shelf, read_shelf

from imagegen_kit.errors import InvalidInput
from imagegen_kit.providers import Capabilities, ImageRequest, ModelSpec
from imagegen_kit.providers.accounts import not_ready
from imagegen_kit.registry import Registry
from imagegen_kit.types import Size

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXT: dict[str, Any] = json.loads((SHIPPED / "text-to-image.json").read_text())
IMAGE: dict[str, Any] = json.loads((SHIPPED / "image-to-image.json").read_text())
ZEROED = {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["6", 0]}}
GUIDED = {"class_type": "FluxGuidance", "inputs": {"conditioning": ["6", 0], "guidance": 3.5}}
MAPPING = "prompt: 6.text\noutput: 9\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write ``name.json`` and, where it is given, ``name.yaml`` into a folder, and return the folder."""

    def write(graph: Any, mapping: str | None = None, name: str = "flow") -> Path:
        text = graph if isinstance(graph, str) else json.dumps(graph, indent=2)
        (tmp_path / f"{name}.json").write_text(text)
        if mapping is not None:
            (tmp_path / f"{name}.yaml").write_text(mapping)
        return tmp_path

    return write


def changed(graph: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A copy with ``n3__seed=value``, and whole nodes as ``n20=node``."""
    graph = copy.deepcopy(graph)
    for place, value in changes.items():
        node, _, name = place.lstrip("n").partition("__")
        if name:
            graph[node]["inputs"][name] = value
        else:
            graph[node] = value
    return graph


def shelf(folder: Path) -> Shelf:
    return read_shelf(str(folder))


def faults(folder: Path) -> str:
    return "\n".join(map(str, shelf(folder).broken["flow"]))


def spec(folder: Path, name: str = "flow") -> ModelSpec:
    return shelf(folder).workflow(name).spec()


def test_the_distribution_declares_the_entry_point() -> None:
    (entry,) = [e for e in entry_points(group="imagegen_kit") if e.dist and e.dist.name == "imagegen-kit-comfyui"]
    assert (entry.name, entry.value) == ("comfyui", "imagegen_kit_comfyui")


def test_the_registry_offers_the_shipped_workflows_free_and_without_a_key() -> None:
    registry = Registry(load=["imagegen-kit-comfyui"], block=[], strict=True, builtins=())
    models = registry.models()
    assert [model.id for model in models] == ["comfyui/image-to-image", "comfyui/text-to-image"]
    assert all(model.spec.price.per_picture == 0 for model in models)
    assert {not_ready(model.provider) for model in models} == {None}


def test_what_a_workflow_can_do_is_what_has_a_place() -> None:
    text, image = (shelf_of_shipped().workflow(name).spec().can for name in ("text-to-image", "image-to-image"))
    assert (text.seed, text.negative_prompt, text.references, text.mask) == (True, True, 0, False)
    assert (image.seed, image.negative_prompt, image.references, image.mask) == (True, True, 1, False)
    assert (text.multiple_of, text.default_side) == (8, 512)
    assert set(image.options) - set(text.options) == {"denoise"}


def shelf_of_shipped() -> Shelf:
    return read_shelf(None)


def test_a_workflow_of_the_users_is_a_model_by_its_file_name(write: Callable[..., Path]) -> None:
    folder = write(TEXT, MAPPING + "card: Mine.\nmax_side: 1024\ntimeout_s: 30\n", "My Flow")
    found = spec(folder, "my-flow")
    assert (found.name, found.card, found.can.max_side, found.timeout_s) == ("my-flow", "Mine.", 1024, 30)
    assert not found.can.seed
    assert {"text-to-image", "image-to-image"} < set(shelf(folder).workflows)


def test_a_workflow_of_the_users_wins_over_the_shipped_one(write: Callable[..., Path]) -> None:
    assert spec(write(TEXT, MAPPING + "card: Mine.\n", "text-to-image"), "text-to-image").card == "Mine."


def test_the_folder_is_named_by_the_variable(write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    (before,) = imagegen_providers()
    monkeypatch.setenv("IMAGEGEN_COMFYUI_WORKFLOWS", str(write(TEXT)))
    (after,) = imagegen_providers()
    assert {model.name for model in after.models} - {model.name for model in before.models} == {"flow"}
    assert before.output_version != after.output_version  # an edited workflow never gets the old pictures


def test_a_folder_that_is_none_is_told_with_the_variable(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"IMAGEGEN_COMFYUI_WORKFLOWS: .*nowhere' is no folder"):
        shelf(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (TEXT, {"seed": True, "negative_prompt": True, "references": 0, "default_side": 512}),
        (changed(IMAGE), {"seed": True, "references": 1, "multiple_of": 1}),
        (changed(TEXT, n20=ZEROED, n3__negative=["20", 0]), {"negative_prompt": False}),
        (changed(TEXT, n20=GUIDED, n3__positive=["20", 0]), {"negative_prompt": True, "seed": True}),
        (changed(TEXT, n5__width=["6", 0]), {"multiple_of": 1}),
        (
            changed(IMAGE, n20={"class_type": "LoadImageMask", "inputs": {"image": "m.png", "channel": "red"}}),
            {"mask": True, "references": 1},
        ),
    ],
    ids=["text", "image", "no-negative", "through-guidance", "no-size", "mask"],
)
def test_standard_nodes_need_no_mapping(write: Callable[..., Path], graph: Any, expected: dict[str, Any]) -> None:
    can: Capabilities = spec(write(graph)).can
    assert {name: getattr(can, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (changed(TEXT, n20=TEXT["3"]), "sampler cannot be told: 2 nodes are KSampler or KSamplerAdvanced (3, 20)"),
        ({k: v for k, v in TEXT.items() if k != "9"}, "output cannot be told: no node is SaveImage or PreviewImage"),
        (changed(TEXT, n20=TEXT["9"]), "output cannot be told: 2 nodes are SaveImage or PreviewImage (9, 20)"),
        (changed(IMAGE, n20=IMAGE["10"]), "references cannot be told: 2 nodes load pictures (10, 20)"),
        (changed(TEXT, n6__text=["4", 0]), "prompt cannot be told: the positive prompt of node 3"),
    ],
    ids=["two-samplers", "no-output", "two-outputs", "two-pictures", "linked-text"],
)
def test_what_could_be_meant_in_two_ways_is_asked_for(write: Callable[..., Path], graph: Any, words: str) -> None:
    told = faults(write(graph))
    assert words in told
    assert "in flow.yaml beside it." in told


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("output: 9\n", "flow.yaml:1 prompt: is missing."),
        (MAPPING + "sed: 3.seed\n", "flow.yaml:3 sed: 'sed' is not a key here. Did you mean 'seed'?"),
        (MAPPING + "seed: 33.seed\n", "flow.yaml:3 seed: there is no node '33'. Nodes: 3, 4, 5"),
        (MAPPING + "seed: 3.sed\n", "flow.yaml:3 seed: node 3 (KSampler) has no input 'sed'. It has: model"),
        (MAPPING + "seed: seed\n", "flow.yaml:3 seed: 'seed' is no place; write the node's id, a dot and the input"),
        (MAPPING + "seed: 3.model\n", "flow.yaml:3 seed: 'model' of node 3 (KSampler) comes from node 4."),
        (MAPPING + "width: 5.width\n", "flow.yaml:1 height: is missing. A size needs a place for both"),
        (MAPPING + "negative_prompt: 6.text\n", "flow.yaml:3 negative_prompt: 6.text is already taken by prompt."),
        ("prompt: 6.text\noutput: 99\n", "flow.yaml:2 output: there is no node '99'."),
        (MAPPING + "options:\n  cfg: {at: 3.cgf, about: x}\n", "flow.yaml:4 options.cfg.at: node 3 (KSampler) has no"),
        (MAPPING + "timeout_s: -1\n", "flow.yaml:3 timeout_s"),
        ("prompt: [6\n", "flow.yaml:2: is not YAML"),
    ],
    ids=[
        "missing", "unknown-key", "no-node", "no-input", "no-place", "linked", "half-size", "twice", "no-output",
        "option", "number", "no-yaml",
    ],
)  # fmt: skip
def test_a_mistake_in_the_mapping_is_told_with_file_line_and_field(
    write: Callable[..., Path], mapping: str, words: str
) -> None:
    assert words in faults(write(TEXT, mapping))


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        ("{\n  'a': 1}", "flow.json:2: is not JSON"),
        ({"nodes": [], "links": []}, "flow.json:1: is in the format of ComfyUI's editor, not in its API format."),
        ([1], "flow.json:1: holds no nodes"),
        ({"1": {"inputs": {}}}, "flow.json:2 1: is no node: it has no class_type"),
        (changed(TEXT, n8__samples=["77", 0]), "8.inputs.samples: node 8 (VAEDecode) is linked to node '77'"),
        (changed(TEXT, n5__batch_size=4), "5.inputs.batch_size: a batch of 4 is more than the one picture asked for"),
    ],
    ids=["no-json", "editor", "list", "no-class", "dangling", "batch"],
)
def test_a_mistake_in_the_workflow_is_told_with_file_and_line(
    write: Callable[..., Path], graph: Any, words: str
) -> None:
    assert words in faults(write(graph, MAPPING))


def test_a_mask_that_would_be_read_upside_down_is_refused(write: Callable[..., Path]) -> None:
    graph = changed(IMAGE, n20={"class_type": "LoadImageMask", "inputs": {"image": "m.png", "channel": "alpha"}})
    assert "set its channel to red" in faults(write(graph, MAPPING + "mask: 20.image\n"))


def test_a_broken_workflow_stays_visible_and_hides_no_other(write: Callable[..., Path]) -> None:
    found = shelf(write(TEXT, "output: 9\n"))
    (broken,) = [model for model in found.specs() if model.name == "flow"]
    assert broken.card == "Cannot be used: flow.yaml:1 prompt: is missing."
    assert len(found.workflows) == 2
    with pytest.raises(InvalidInput, match=r"flow\.yaml:1 prompt: is missing"):
        found.workflow("flow")


def test_a_request_changes_only_what_it_names() -> None:
    workflow = shelf_of_shipped().workflow("text-to-image")
    request = ImageRequest(
        prompt="a cat", model="comfyui/text-to-image", size=Size(ratio="2:1"), options={"steps": 4, "sampler": "heun"}
    )
    graph = workflow.filled(request, seed=7)
    expected = changed(
        TEXT, n6__text="a cat", n3__seed=7, n3__steps=4, n3__sampler_name="heun", n5__width=728, n5__height=360
    )
    assert graph == expected
    assert workflow.graph == TEXT
