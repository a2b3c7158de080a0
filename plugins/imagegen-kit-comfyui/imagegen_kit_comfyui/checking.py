"""What can be wrong with a workflow before any server has seen it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagegen_kit.catalog import Document
    from imagegen_kit.errors import Fault
    from imagegen_kit_comfyui.workflow import Place

EXPORT = "In ComfyUI choose Workflow > Export (API), and keep that file."


def is_link(value: object) -> bool:
    """Return whether an input's value is a link: the id of a node and the number of its output."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int)


def graph_faults(document: Document) -> list[Fault]:
    """Return what is wrong with a workflow that was read from JSON."""
    graph = document.data
    if isinstance(graph, dict) and "nodes" in graph and "links" in graph:
        return [document.fault((), "is in the format of ComfyUI's editor, not in its API format.", EXPORT)]
    if not isinstance(graph, dict) or not graph:
        return [document.fault((), "holds no nodes.", EXPORT)]
    faults = []
    for id, node in graph.items():
        if not isinstance(node, dict) or not isinstance(node.get("class_type"), str):
            faults.append(document.fault((id,), "is no node: it has no class_type.", EXPORT))
        elif not isinstance(node.get("inputs"), dict):
            faults.append(document.fault((id,), f"the node {id} ({node['class_type']}) has no inputs.", EXPORT))
    if faults:
        return faults
    for id, node in graph.items():
        for name, value in node["inputs"].items():
            path = (id, "inputs", name)
            if is_link(value) and value[0] not in graph:
                what = f"node {id} ({node['class_type']}) is linked to node {value[0]!r}, which is not there."
                faults.append(document.fault(path, what, EXPORT))
            if name == "batch_size" and isinstance(value, int) and value > 1:
                hint = "Set it to 1; for several pictures ask for n pictures."
                faults.append(document.fault(path, f"a batch of {value} is more than the one picture asked for.", hint))
    return faults


def place_faults(graph: dict[str, Any], place: Place, field: str) -> Iterator[tuple[str, str]]:
    """Yield (what, hint) for everything wrong with a place that a mapping names for ``field``."""
    node = graph.get(place.node)
    if node is None:
        yield f"there is no node {place.node!r}.", f"Nodes: {', '.join(graph)}."
        return
    title = f"node {place.node} ({node['class_type']})"
    inputs = node["inputs"]
    if place.input not in inputs:
        yield f"{title} has no input {place.input!r}.", f"It has: {', '.join(inputs)}."
    elif is_link(inputs[place.input]):
        linked = inputs[place.input][0]
        what = f"{place.input!r} of {title} comes from node {linked}."
        yield what, f"Name an input of node {linked} ({graph[linked]['class_type']}) or of one before it."
    if field == "mask" and node["class_type"] == "LoadImageMask" and inputs.get("channel") == "alpha":
        yield f"{title} reads the alpha channel.", "Masks are sent white on black: set its channel to red."
