"""The program tesseract, asked what it reads: a process a picture, on one core.

Called by itself: its two Python wrappers bring pandas along, or a second copy of the program.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

from imagegen_kit.errors import Fault, ImagegenError, InvalidInput
from imagegen_kit.imaging.encode import flatten

if TYPE_CHECKING:
    from PIL import Image

INSTALL = "apt-get install tesseract-ocr (Debian, Ubuntu), brew install tesseract (macOS)"
LEAST, MOST = 1024, 2048  # pixels of the longer side: smaller pictures are enlarged, so that small letters are read
SPARSE = "11"  # tesseract's page layout "as much text as possible in no particular order"
SECONDS = 60.0
_LANGUAGES = re.compile(r"\w+(\+\w+)*")


class Read(NamedTuple):
    """A word that was read, and how sure tesseract is of it, 0 to 100."""

    word: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Tesseract:
    """A program that is there, its version, and the languages that it reads ("eng", "eng+deu")."""

    path: str
    version: str
    language: str

    @classmethod
    def found(cls, language: str) -> Tesseract | None:
        """Return the program on the PATH, None where there is none.

        Raises InvalidInput for languages that it cannot read, and ImagegenError for a program that does not run.
        """
        if not _LANGUAGES.fullmatch(language):
            raise InvalidInput([Fault("language", f"{language!r} names no language.", 'Write "eng" or "eng+deu".')])
        path = shutil.which("tesseract")
        if path is None:
            return None
        known = _said(path, "--list-langs").split()
        missing = [one for one in language.split("+") if one not in known]
        if missing:
            what = f"tesseract does not read {', '.join(missing)} here."
            raise InvalidInput([Fault("language", what, f"Install tesseract-ocr-{missing[0]}, as Debian calls it.")])
        version = _said(path, "--version").split("\n", 1)[0].removeprefix("tesseract ").strip()
        return cls(path, version, language)

    def words(self, image: Image.Image) -> list[Read]:
        """Return what is read in ``image``, in tesseract's order. Raises ImagegenError where it fails or takes long."""
        out = BytesIO()
        _of_good_size(image).save(out, "PPM")
        table = _said(self.path, "stdin", "stdout", "--psm", SPARSE, "-l", self.language, "tsv", data=out.getvalue())
        found = []
        for line in table.splitlines()[1:]:
            fields = line.split("\t")
            if len(fields) == 12 and fields[0] == "5" and fields[11].strip():  # a word
                found.append(Read(fields[11].strip(), max(0.0, min(float(fields[10]), 100.0))))
        return found


def _of_good_size(image: Image.Image) -> Image.Image:
    from PIL.Image import Resampling

    grey = flatten(image).convert("L")
    longer = max(grey.size)
    scale = min(max(1.0, LEAST / longer), MOST / longer)
    if scale == 1:
        return grey
    size = max(1, round(grey.width * scale)), max(1, round(grey.height * scale))
    return grey.resize(size, Resampling.LANCZOS, reducing_gap=3.0)


def _said(path: str, *arguments: str, data: bytes = b"") -> str:
    """Return what the program prints. It runs on one core: several pictures are read at once as it is."""
    surroundings = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    try:
        done = subprocess.run(  # noqa: S603  # the program of that name on the user's own PATH
            [path, *arguments], input=data, capture_output=True, timeout=SECONDS, env=surroundings, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ImagegenError(f"tesseract was still reading after {SECONDS:g} s.") from error
    except OSError as error:
        raise ImagegenError(f"{path} could not be started: {error.strerror}.") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().split("\n")[-1]
        raise ImagegenError(f"tesseract failed (exit code {done.returncode}): {said[:200]}")
    return done.stdout.decode(errors="replace")
