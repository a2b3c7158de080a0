"""Whether a graph can be executed, told as ComfyUI tells it; and the picture that comes of one.

Source: ``validate_prompt`` and ``validate_inputs`` in ``execution.py`` of ComfyUI.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit.testing.simulators import drawing
from imagegen_kit.testing.simulators.comfyui_nodes import NODES, Input

if TYPE_CHECKING:
    from PIL.Image import Image

Fault = dict[str, Any]
REFUSED = "Prompt outputs failed validation"


@dataclass(slots=True)
class Verdict:
    """What a server says of a graph: the outputs that can be made, or ``error``; ``node_errors`` by node."""

    outputs: list[str] = field(default_factory=list)
    error: Fault | None = None
    node_errors: dict[str, Any] = field(default_factory=dict)


def judge(graph: object, files: Container[str]) -> Verdict:
    """Return the verdict on a graph; ``files`` are the pictures that were uploaded."""
    if not isinstance(graph, dict):
        return Verdict(error=_fault("invalid_prompt", "The prompt is no object", ""))
    for id, node in graph.items():
        if not isinstance(node, dict) or "class_type" not in node:
            what = "Cannot execute because a node is missing the class_type property."
            return Verdict(error=_fault("invalid_prompt", what, f"Node ID '#{id}'"))
        if node["class_type"] not in NODES:
            what = f"Node '{node['class_type']}' not found. The custom node may not be installed."
            return Verdict(error=_fault("missing_node_type", what, f"Node ID '#{id}'"))
    outputs = [id for id, node in graph.items() if NODES[node["class_type"]].output]
    if not outputs:
        return Verdict(error=_fault("prompt_no_outputs", "Prompt has no outputs", ""))
    verdict = Verdict()
    for output in outputs:
        found = _behind(graph, output, files, {})
        for id, faults in found.items():
            entry = {"errors": faults, "dependent_outputs": [], "class_type": graph[id]["class_type"]}
            verdict.node_errors.setdefault(id, entry)["dependent_outputs"].append(output)
        if not found:
            verdict.outputs.append(output)
    if not verdict.outputs:
        verdict.error = _fault("prompt_outputs_failed_validation", REFUSED, "")
    return verdict


def _behind(graph: Mapping[str, Any], id: str, files: Container[str], seen: dict[str, list[Fault]]) -> dict[str, Any]:
    """Return the faults of a node and of all nodes that it gets its values from, by node."""
    if id in seen:
        return seen
    node = graph[id]
    faults = seen[id] = []
    inputs = node.get("inputs", {})
    for name, wanted in NODES[node["class_type"]].inputs.items():
        if name not in inputs:
            faults.append(_fault("required_input_missing", "Required input is missing", name, input_name=name))
        elif not isinstance(inputs[name], list):
            faults += _value_faults(name, inputs[name], wanted, files)
        elif len(inputs[name]) != 2:
            what = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
            faults.append(_fault("bad_linked_input", what, name, input_name=name))
        else:
            source, slot = inputs[name]
            gives = NODES[graph[source]["class_type"]].gives if source in graph else ()
            if not (isinstance(slot, int) and 0 <= slot < len(gives)):
                what = repr(source) if source not in graph else f"output {slot} of node {source}"
                faults.append(_fault("exception_during_validation", "Exception when validating node", what))
            elif gives[slot] != wanted.kind:
                what = f"{name}, received_type({gives[slot]}) mismatch input_type({wanted.kind})"
                faults.append(_fault("return_type_mismatch", "Return type mismatch between linked nodes", what))
            else:
                _behind(graph, source, files, seen)
    return {id: faults for id, faults in seen.items() if faults}


def _value_faults(name: str, value: Any, wanted: Input, files: Container[str]) -> list[Fault]:
    if wanted.file:
        if value in files:
            return []
        what = f"{name} - Invalid image file: {value}"
        return [_fault("custom_validation_failed", "Custom validation failed for node", what, input_name=name)]
    if wanted.choices:
        if value in wanted.choices:
            return []
        return [_fault("value_not_in_list", "Value not in list", f"{name}: '{value}' not in {list(wanted.choices)}")]
    text = wanted.kind == "STRING" and isinstance(value, str)
    number = wanted.kind in ("INT", "FLOAT") and isinstance(value, (int, float))
    if not (text or number):
        what = f"Failed to convert an input value to a {wanted.kind} value"
        return [_fault("invalid_input_type", what, f"{name}, {value!r}", input_name=name)]
    if number and wanted.least is not None and value < wanted.least:
        return [_fault("value_smaller_than_min", f"Value {value} smaller than min of {wanted.least}", name)]
    if number and wanted.most is not None and value > wanted.most:
        return [_fault("value_bigger_than_max", f"Value {value} bigger than max of {wanted.most}", name)]
    return []


def _fault(type: str, message: str, details: str, **extra: Any) -> Fault:
    return {"type": type, "message": message, "details": details, "extra_info": extra}


def draw(graph: Mapping[str, Any], output: str, files: Mapping[str, bytes], look: str = "plain") -> bytes:
    """Return the PNG of an output: the size that the graph asks for, another for whatever it depends on.

    ``look`` is that of the simulators: "plain" is a tint, "drawn" lets an offline model draw the prompt.
    """
    file = io.BytesIO()
    _picture(graph, graph[output]["inputs"]["images"][0], files, look).save(file, "PNG")
    return file.getvalue()


def _picture(graph: Mapping[str, Any], id: str, files: Mapping[str, bytes], look: str) -> Image:
    """Return what a node's picture or latent looks like."""
    from PIL import Image, ImageOps

    kind, inputs = graph[id]["class_type"], graph[id]["inputs"]
    if kind.startswith("Load"):
        return Image.open(io.BytesIO(files[inputs["image"]])).convert("RGB")
    if kind.startswith("Empty"):
        return Image.new("RGB", (inputs["width"], inputs["height"]))
    if kind == "ImageScale":
        before = _picture(graph, inputs["image"][0], files, look)
        return before if not inputs["width"] else ImageOps.fit(before, (inputs["width"], inputs["height"]))
    if kind.startswith("KSampler"):
        before = _picture(graph, inputs["latent_image"][0], files, look)
        drawn = _sampled(graph, inputs, before.size, look)
        return Image.blend(before, drawn, float(inputs.get("denoise", 1.0)))
    following = next(inputs[name] for name in ("samples", "pixels") if name in inputs)
    return _picture(graph, following[0], files, look)


def _sampled(graph: Mapping[str, Any], inputs: Mapping[str, Any], size: tuple[int, int], look: str) -> Image:
    """Return what a sampler makes of nothing."""
    from PIL import Image, ImageOps

    texts = [graph[inputs[name][0]]["inputs"] for name in ("positive", "negative")]
    if look == "drawn":
        seed = int(inputs.get("seed", inputs.get("noise_seed", 0)))
        return Image.open(io.BytesIO(drawing.draw(texts[0].get("text", ""), *size, seed, look=look))).convert("RGB")
    said = repr([sorted(inputs.items(), key=str), *texts])
    tint = hashlib.sha256(said.encode()).digest()
    return ImageOps.colorize(Image.linear_gradient("L").resize(size), black=tuple(tint[:3]), white=tuple(tint[3:6]))
