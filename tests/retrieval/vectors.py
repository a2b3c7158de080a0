"""Vectors for the tests of the index: clustered, of length 1, the same ones every time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from imagegen_kit.retrieval.index import Segment, write_segment

DIMENSION = 32
NONE = np.empty(0, np.int64)


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def clustered(count: int, dimension: int = DIMENSION, *, seed: int = 0, clusters: int = 100) -> np.ndarray:
    centres = np.random.default_rng(99).standard_normal((clusters, dimension))
    luck = np.random.default_rng(seed)
    return unit(centres[luck.integers(clusters, size=count)] + 0.6 * luck.standard_normal((count, dimension)))


def segments_of(folder: Path, vectors: np.ndarray, pieces: int = 4) -> list[Segment]:
    """Write the vectors as some segments; their ids are 0, 1, 2, …"""
    parts = np.array_split(np.arange(len(vectors)), pieces)
    return [write_segment(folder, number, part, vectors[part]) for number, part in enumerate(parts)]


def brute(vectors: np.ndarray, ids: np.ndarray, queries: np.ndarray, top_k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ids and scores of the best, by comparing all in double precision."""
    scores = queries.astype(np.float64) @ vectors.astype(np.float64).T
    order = np.argsort(-scores, axis=1)[:, :top_k]
    return ids[order], np.take_along_axis(scores, order, axis=1)


def recall(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.mean([len(set(f) & set(w)) / len(w) for f, w in zip(found, wanted, strict=True)]))
