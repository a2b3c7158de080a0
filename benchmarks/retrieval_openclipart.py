"""How well the offline default finds drawings of openclipart, beside what one would write in an afternoon.

``python -m benchmarks retrieval_openclipart``, or ``python -m benchmarks.retrieval_openclipart train`` for the half
that everything was tuned on.
Ours is a ``Library`` that the drawings were added to under neutral names, asked by ``library.search`` with all its
defaults but near-duplicates kept (they are right answers here); it and the baselines
answer the same queries over the same documents; a difference is that of
each query, and its interval a bootstrap over queries. What is asked for is left out of what is searched: titles are
looked for among keywords, descriptions and folders, and so on.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import openclipart_queries as ask
from benchmarks.measure import Figure, Outcome
from benchmarks.openclipart import Drawing, drawings, fetch
from benchmarks.openclipart_baselines import (
    Bm25,
    CharacterTfIdf,
    PlainMap,
    colour_and_hog,
    colour_and_hog_vectors,
    fused,
    ordered,
)
from imagegen_kit.retrieval.embedders.foreground import cut_out
from imagegen_kit.retrieval.embedders.offline import OfflineEmbedder
from imagegen_kit.retrieval.library import Library

Answer = Callable[[ask.Query], ask.Ranking]
NEAR_DUPLICATES = 200  # pictures, at most two of a folder (1,378 drawings are one star in many shapes), six edits each


@dataclass(slots=True)
class Task:
    """One table row: queries, how an answer is judged, and each arm's score a query."""

    name: str
    measure: str
    scores: dict[str, np.ndarray] = field(default_factory=dict)
    ours: str = "offline default"
    judged: bool = True  # whether the interval is a target

    def line(self) -> str:
        best, mean, low, high = self.against_best()
        arms = ", ".join(f"{name} {score.mean():.3f}" for name, score in self.scores.items())
        n = len(self.scores[self.ours])
        return f"{self.name} ({self.measure}, n={n}): {arms}; ours - {best}: {mean:+.4f} [{low:+.4f}, {high:+.4f}]"

    def against_best(self) -> tuple[str, float, float, float]:
        """Return the best baseline's name, and the mean difference to it with its 95 % interval."""
        best = max((name for name in self.scores if name != self.ours), key=lambda name: self.scores[name].mean())
        return best, *ask.interval(self.scores[self.ours] - self.scores[best])


class Corpus:
    """The drawings that are searched, in a library, and the vectors of the baseline (both kept between runs)."""

    def __init__(self, share: Path, half: str) -> None:
        every = drawings(share)
        kept = [i for i, d in enumerate(every) if half == "test" or d.half == "train"]
        self.share, self.half = share, half
        self.drawings: list[Drawing] = [every[i] for i in kept]
        self.plain = plain_vectors(share, every)[kept]
        home = share / f"library-{half}-{OfflineEmbedder().fingerprint[:16]}"
        home.mkdir(exist_ok=True)
        self.paths = [home / f"{id_of(place)}.png" for place in range(len(kept))]
        for path, drawing in zip(self.paths, self.drawings, strict=True):
            if not path.exists():
                path.hardlink_to(share / "png" / drawing.path)  # neither name nor folder says anything
        self.library = Library.open(home, embedder="offline")
        self.tell([{}] * len(kept))
        numbers = {item.id: item.number for item in self.library.items(self.library.numbers())}
        self.ours = self.library.vectors.vectors_of(np.array([numbers[id_of(i)] for i in range(len(kept))]))

    def documents(self, without: str = "") -> list[Mapping[str, str | list[str]]]:
        return [ask.document(drawing, without) for drawing in self.drawings]

    def tell(self, documents: Sequence[Mapping[str, str | list[str]]]) -> None:
        """Let the library know these texts, and nothing else; the words of a folder go with the description."""
        rows = [
            {
                "path": path,
                "id": id_of(place),
                "name": told.get("name", ""),
                "tags": list(told.get("tags", ())),
                "description": " ".join([str(told.get("description", "")), *told.get("folder", ())]).strip(),
                "told": bool(told),
            }
            for place, (path, told) in enumerate(zip(self.paths, documents, strict=True))
        ]
        report = self.library.add(rows)
        assert not report.rejected, report

    def search(self, top_k: int, *texts: str, **more: Any) -> ask.Ranking:
        """Return the places that the library finds."""
        hits = self.library.search(*texts, top_k=top_k, dedup=False, **more)
        return np.array([int(id[1:]) for id in hits.ids], dtype=np.int64)


def id_of(place: int) -> str:
    return f"n{place:05}"


def plain_vectors(share: Path, every: Sequence[Drawing]) -> np.ndarray:
    """Return the vectors of the colour + HOG baseline for all drawings."""
    kept = share / "colour-and-hog.npy"
    if not kept.is_file():
        plain = []
        for drawing in every:
            with Image.open(share / "png" / drawing.path) as image:
                plain.append(colour_and_hog(cut_out(image)))
        train = np.array([drawing.half == "train" for drawing in every])
        np.save(kept, colour_and_hog_vectors(np.stack(plain), train))
    found: np.ndarray = np.load(kept)
    return found


def scored(
    task: Task, queries: Sequence[ask.Query], judge: Callable[[ask.Query, ask.Ranking], float], arms: dict[str, Answer]
) -> Task:
    """Ask every arm every query."""
    task.scores = {name: np.array([judge(query, arm(query)) for query in queries]) for name, arm in arms.items()}
    return task


def text_tasks(corpus: Corpus) -> Iterator[Task]:
    """Words against words: what is asked for is not among what is searched."""
    for name, measure, field_, queries, judge in (
        ("known item by title", "MRR", "name", ask.titles, ask.reciprocal_rank),
        ("folder word", "P@10", "folder", ask.folder_words, ask.precision_at_10),
        ("keyword", "P@10", "tags", ask.keywords, ask.precision_at_10),
    ):
        told = corpus.documents(field_)
        arms = {"BM25": of_text(Bm25(told)), "character TF-IDF": of_text(CharacterTfIdf(told))}
        corpus.tell(told)
        top_k = 10 if judge is ask.precision_at_10 else 200
        arms["offline default"] = lambda query, top_k=top_k: corpus.search(top_k, str(query.ask))
        task = Task(name, measure, judged=name != "folder word")
        yield scored(task, queries(corpus.drawings, corpus.half), judge, arms)


def of_text(index: Callable[[str], tuple[ask.Ranking, np.ndarray]]) -> Answer:
    return lambda query: index(str(query.ask))[0]


def picture_tasks(corpus: Corpus) -> Iterator[Task]:
    """Pictures against pictures, alone and with the title of the one that is asked for."""
    titles = [{"name": drawing.title} for drawing in corpus.drawings]
    plain_words = Bm25(titles)
    corpus.tell(titles)

    def nearest(vectors: np.ndarray) -> Answer:
        def answer(query: ask.Query) -> ask.Ranking:
            scores = vectors @ vectors[int(query.ask)] + 1
            scores[int(query.ask)] = 0
            return ordered(scores)[0][:1_000]

        return answer

    def title_of(query: ask.Query) -> str:
        return corpus.drawings[int(query.ask)].title

    def without(query: ask.Query, ranking: ask.Ranking) -> ask.Ranking:
        return ranking[ranking != query.ask]

    plain_pixels = nearest(corpus.plain)

    def pixels(query: ask.Query) -> ask.Ranking:
        return without(query, corpus.search(11, vector=corpus.ours[int(query.ask)]))

    def ours_with_title(query: ask.Query) -> ask.Ranking:
        texts = [title_of(query)] if title_of(query).strip() else []
        return without(query, corpus.search(11, *texts, vector=corpus.ours[int(query.ask)]))

    def plain_title(query: ask.Query) -> ask.Ranking:
        return without(query, plain_words(title_of(query))[0])

    for name, queries in (("folder", ask.like_folder), ("keyword", ask.like_keyword)):
        asked = queries(corpus.drawings, corpus.half)
        task = Task(f"picture, pixels only, same {name}", "P@10")
        yield scored(task, asked, ask.precision_at_10, {"colour + HOG": plain_pixels, "offline default": pixels})
        task = Task(f"picture and its title, same {name}", "P@10")
        both: dict[str, Answer] = {
            "BM25 of the title": plain_title,
            "BM25 + colour + HOG": lambda query: fused([plain_title(query), plain_pixels(query)]),
            "offline default": ours_with_title,
        }
        yield scored(task, asked, ask.precision_at_10, both)


def uncaptioned_task(corpus: Corpus) -> Task:
    """Words against pictures that nobody described: the other half (of train: half of it) says how words look."""
    told = np.array([d.half == "train" for d in corpus.drawings])
    if corpus.half == "train":
        told = np.arange(len(corpus.drawings)) % 2 == 0
    hidden = np.flatnonzero(~told)
    searched = [corpus.drawings[i] for i in hidden]
    documents = corpus.documents()
    corpus.tell([document if told[i] else {} for i, document in enumerate(documents)])
    known = [documents[i] for i in np.flatnonzero(told)]
    plain = PlainMap(known, corpus.plain[told], corpus.plain[hidden])
    place = {number: i for i, number in enumerate(hidden.tolist())}

    def ours(query: ask.Query) -> ask.Ranking:
        found = corpus.search(10, str(query.ask), where={"told": False})
        return np.array([place[n] for n in found.tolist()], dtype=np.int64)

    queries = [*ask.folder_words(searched, corpus.half, 5), *ask.keywords(searched, corpus.half)]
    arms: dict[str, Answer] = {
        "BM25": lambda query: np.zeros(0, dtype=np.int64),  # there is not a word to find
        "kernel ridge on colour + HOG": of_text(plain),
        "offline default": ours,
    }
    return scored(Task("text to pictures without captions", "P@10"), queries, ask.precision_at_10, arms)


def near_duplicates(corpus: Corpus, of_folder: int = 2) -> dict[str, float]:
    """Return for each edit recall@1 of 200 pictures, at most ``of_folder`` of a folder.

    A picture with the very same vector as the right one (the same pixels under another name) is right too.
    """
    mine: dict[str, list[int]] = {}
    for place in np.random.default_rng(11).permutation(len(corpus.drawings)).tolist():
        drawing = corpus.drawings[place]
        if drawing.half == corpus.half and len(mine.setdefault(drawing.folder, [])) < of_folder:
            mine[drawing.folder].append(place)
    places = [place for found in mine.values() for place in found]
    if len(places) > NEAR_DUPLICATES:
        places = np.random.default_rng(12).choice(places, NEAR_DUPLICATES, replace=False).tolist()
    picked = sorted(places)
    embedder = OfflineEmbedder()
    found = {}
    for name, edit in ask.EDITS.items():
        edited = []
        for place in picked:
            with Image.open(corpus.share / "png" / corpus.drawings[place].path) as image:
                edited.append(edit(ask.on_white(image)))
        vectors = embedder.embed_images(edited)
        scores = vectors @ corpus.ours.T
        own = scores[np.arange(len(picked)), picked]
        found[name] = float((own >= scores.max(axis=1) - 1e-6).mean())
    return found


def measured(corpus: Corpus) -> Iterator[Task]:
    """Yield every task, answered."""
    yield from text_tasks(corpus)
    yield uncaptioned_task(corpus)
    yield from picture_tasks(corpus)


def plain_sample(corpus: Corpus) -> str:
    """Say how near-duplicates are found where the sample is left to chance."""
    return f"near-duplicate recall@1, plain sample: {near_duplicates(corpus, len(corpus.drawings))}"


def indexing(corpus: Corpus, count: int = 300) -> list[float]:
    """Return milliseconds of CPU a picture, from disk, in blocks of 50."""
    embedder = OfflineEmbedder()
    samples = []
    mine = corpus.drawings[:: max(1, len(corpus.drawings) // count)]
    for at in range(0, len(mine) - 49, 50):
        start = time.process_time()
        for drawing in mine[at : at + 50]:
            with Image.open(corpus.share / "png" / drawing.path) as image:
                embedder.embed_images([image])
        samples.append((time.process_time() - start) / 50 * 1e3)
    return samples


def benchmark(quick: bool, profile: bool) -> Outcome:
    """Measure it on the test half."""
    out = Outcome()
    corpus = Corpus(fetch(), "test")
    for task in measured(corpus):
        best, _, low, _ = task.against_best()
        out.notes.append(task.line())
        if task.judged:
            out.figures.append(Figure(f"{task.name}: {best} - ours, upper end of 95 %", task.measure, [-low], 0.0))
    out.notes.append(plain_sample(corpus))
    for name, recall in near_duplicates(corpus).items():
        most = None if name == "greyscale" else 0.10 if name == "mirror" else 0.08
        out.figures.append(Figure(f"near-duplicate missed, {name}", "share", [1 - recall], most))
    out.figures.append(Figure("offline embedder, from disk, CPU a picture", "ms", indexing(corpus), 1000 / 30))
    return out


if __name__ == "__main__":
    half = Corpus(fetch(), sys.argv[1] if len(sys.argv) > 1 else "test")
    for row in measured(half):
        print(row.line(), flush=True)
    print(f"near-duplicate recall@1, at most two of a folder: {near_duplicates(half)}")
    print(plain_sample(half))
