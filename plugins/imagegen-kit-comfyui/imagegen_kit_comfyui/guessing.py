"""Where a request goes in a workflow that nobody mapped: told from ComfyUI's standard nodes, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import InvalidInput
from imagegen_kit_comfyui.checking import is_link
from imagegen_kit_comfyui.workflow import Place, Places

if TYPE_CHECKING:
    from imagegen_kit.catalog import Document
    from imagegen_kit.errors import Fault

SAMPLERS = ("KSampler", "KSamplerAdvanced")
OUTPUTS = ("SaveImage", "PreviewImage")
SEEDS = ("seed", "noise_seed")


def guess_places(document: Document) -> Places:
    """Return the places in a workflow of one sampler, one text for it, and one output.

    Raises InvalidInput with everything that could be meant in more than one way, or is not there.
    """
    return _Guess(document).places()


class _Guess:
    """Follows the links of one graph and collects what it cannot tell."""

    def __init__(self, document: Document) -> None:
        self.document, self.graph = document, document.data
        self.faults: list[Fault] = []
        self.mapping = document.name.rpartition(".")[0] + ".yaml"

    def places(self) -> Places:
        sampler = self._only("sampler", SAMPLERS, "where prompt and seed go")
        output = self._output()
        pictures, masks = self._of("LoadImage"), self._of("LoadImageMask")
        for kind, found in (("references", pictures), ("mask", masks)):
            if len(found) > 1:
                self._unclear(kind, f"{len(found)} nodes load pictures ({', '.join(found)})", "which is which")
        inputs = self.graph[sampler]["inputs"] if sampler else {}
        prompt = self._text(inputs.get("positive"))
        if sampler and prompt is None:
            self._unclear("prompt", f"the positive prompt of node {sampler} is no CLIPTextEncode", "where it goes")
        if self.faults or prompt is None:
            raise InvalidInput(self.faults)
        negative = self._text(inputs.get("negative"))
        latent = self._linked(inputs.get("latent_image"))
        has_size = latent is not None and self.graph[latent]["class_type"].startswith("Empty")
        width, height = (self._literal(latent, (name,)) if has_size else None for name in ("width", "height"))
        return Places(
            prompt=prompt,
            output=output,
            negative_prompt=negative if negative != prompt else None,  # models without one are fed the prompt, zeroed
            seed=self._literal(sampler, SEEDS),
            width=width if height else None,
            height=height if width else None,
            references=tuple(Place(id, "image") for id in pictures),
            mask=next((Place(id, "image") for id in masks if self._channel(id) != "alpha"), None),
        )

    def _of(self, *classes: str) -> list[str]:
        return [id for id, node in self.graph.items() if node["class_type"] in classes]

    def _only(self, field: str, classes: tuple[str, ...], what: str) -> str:
        found = self._of(*classes)
        if len(found) == 1:
            return found[0]
        many = f"{len(found)} nodes are {' or '.join(classes)}"
        self._unclear(field, f"{many} ({', '.join(found)})" if found else f"no node is {' or '.join(classes)}", what)
        return ""

    def _output(self) -> str:
        saving = self._of(OUTPUTS[0])
        return saving[0] if len(saving) == 1 else self._only("output", OUTPUTS, "which node's pictures are the answer")

    def _text(self, link: Any) -> Place | None:
        """Return the text behind a conditioning, past nodes that only change it."""
        id = self._linked(link)
        for _ in self.graph:
            if id is None or self.graph[id]["class_type"] == "CLIPTextEncode":
                break
            id = self._linked(self.graph[id]["inputs"].get("conditioning"))
        else:
            return None  # a ring
        return self._literal(id, ("text",))

    def _linked(self, value: Any) -> str | None:
        return value[0] if is_link(value) else None

    def _literal(self, id: str | None, names: tuple[str, ...]) -> Place | None:
        inputs = self.graph[id]["inputs"] if id else {}
        return next((Place(id, n) for n in names if id and n in inputs and not is_link(inputs[n])), None)

    def _channel(self, id: str) -> Any:
        return self.graph[id]["inputs"].get("channel", "alpha")

    def _unclear(self, field: str, why: str, what: str) -> None:
        hint = f"Say {what} in {self.mapping} beside it."
        self.faults.append(self.document.fault((), f"{field} cannot be told: {why}.", hint))
