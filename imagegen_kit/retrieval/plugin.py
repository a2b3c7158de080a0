"""The embedders and the retriever that come with the kit, offered as any plugin offers its own."""

from __future__ import annotations

from imagegen_kit.hookspecs import RetrieverSpec, hookimpl


@hookimpl
def imagegen_retrievers() -> list[RetrieverSpec]:
    """Offer the embedders ``offline`` and ``clip``, and the retriever ``hybrid``."""
    return [
        RetrieverSpec(
            "offline",
            kind="embedder",
            target="imagegen_kit.retrieval.embedders.offline:OfflineEmbedder",
            card="Colours, layout and outlines of pictures. Works at once, without a download.",
        ),
        RetrieverSpec(
            "clip",
            kind="embedder",
            target="imagegen_kit.retrieval.embedders.clip:ClipEmbedder",
            card="CLIP, SigLIP and their kin from a local folder or the model cache: clip:folder-or-id.",
            install='pip install "imagegen-kit[clip]"',
        ),
        RetrieverSpec(
            "hybrid",
            target="imagegen_kit.retrieval.retrievers.hybrid:HybridRetriever",
            card="Words against captions, pictures against pictures, words against pictures, fused by weighted scores.",
        ),
    ]
