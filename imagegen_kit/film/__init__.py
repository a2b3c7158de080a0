"""Films: what one is, keyframes into clips, clips into one film. Reading and writing need PyAV: the extra ``video``."""

from imagegen_kit.film.artifact import FORMATS, Film, open_film, stored
from imagegen_kit.film.joining import join
from imagegen_kit.film.mapping import Clip, clips, keyframes_kind
from imagegen_kit.film.reading import Facts

__all__ = ["FORMATS", "Clip", "Facts", "Film", "clips", "join", "keyframes_kind", "open_film", "stored"]
