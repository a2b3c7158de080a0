"""Files: the one function that finds those that ship with the toolkit, and how text files are read."""

from __future__ import annotations

from pathlib import Path

from imagegen_kit.errors import Fault, InvalidInput

PACKAGE = Path(__file__).resolve().parents[1]


def find_data(relative: str) -> Path:
    """Return the path of the shipped file or folder ``relative``, such as ``"prompts/first.yaml"``.

    An installed wheel holds it in ``imagegen_kit/_data``, a checkout in ``data`` beside the package. Raises
    FileNotFoundError, naming both places, where neither has it.
    """
    places = (PACKAGE / "_data" / relative, PACKAGE.parent / "data" / relative)
    for place in places:
        if place.exists():
            return place
    raise FileNotFoundError(f"{relative!r} is not among the shipped files: neither {places[0]} nor {places[1]} exists.")


def read_text(path: Path, *, where: str, max_bytes: int) -> str:
    """Return the text of a UTF-8 file of at most ``max_bytes`` bytes; ``where`` is its name in error messages.

    Raises InvalidInput where there is no such file, or it cannot be read, is larger, or is not UTF-8.
    """
    try:
        with path.open("rb") as file:  # one read of bounded length: the file may grow, or be a device
            raw = file.read(max_bytes + 1)
    except OSError as error:
        what = "does not exist." if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}."
        raise InvalidInput([Fault(where, what)]) from error
    if len(raw) > max_bytes:
        raise InvalidInput([Fault(where, f"is larger than {max_bytes:,} bytes.", "Split it into several files.")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InvalidInput([Fault(f"{where}:{line}", "is not UTF-8 text.", "Save the file as UTF-8.")]) from error
