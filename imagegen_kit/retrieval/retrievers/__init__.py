"""Retrievers: who finds items of a library for a brief, what they answer, and how good they are."""

from __future__ import annotations

from imagegen_kit.retrieval.retrievers.asking import search
from imagegen_kit.retrieval.retrievers.evaluation import Evaluation, evaluate
from imagegen_kit.retrieval.retrievers.hits import Explanation, Hits
from imagegen_kit.retrieval.retrievers.loading import load_retriever

__all__ = ["Evaluation", "Explanation", "Hits", "evaluate", "load_retriever", "search"]
