"""A retriever that finds references by their colours; every session imports this module, so it only describes."""

from __future__ import annotations

from imagegen_kit.providers import RetrieverSpec, hookimpl


@hookimpl
def imagegen_retrievers() -> list[RetrieverSpec]:
    """Offer one retriever."""
    return [
        RetrieverSpec(
            "palette",
            target="imagegen_kit_palette.retriever:PaletteRetriever",
            card="Finds references by colour: words like navy, codes like #e63946, or the colours of a picture.",
        )
    ]
