"""Where a command is to write: looked at before anything is made, so that nothing is paid for and then not written."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from imagegen_kit.cli.saying import say

if TYPE_CHECKING:
    from collections.abc import Iterator


def check_folder(folder: Path, option: str, *, new: bool = False) -> None:
    """Raise InvalidInput, under the name of its ``option``, where ``folder`` cannot be made or written into.

    With ``new`` it must not be there yet, or be empty.
    """
    from imagegen_kit.errors import Fault, InvalidInput

    folder = folder.expanduser()
    nearest = next((place for place in (folder, *folder.parents) if os.path.lexists(place)), Path())
    if not nearest.is_dir():
        what = f"{nearest} is a file, and a folder is to be {'it' if nearest == folder else 'below it'}."
        raise InvalidInput([Fault(option, what, "Name another folder.")])
    if new and nearest == folder and any(folder.iterdir()):
        raise InvalidInput([Fault(option, f"{folder} is there already and is not empty.", "Name a new folder.")])
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InvalidInput([Fault(option, f"nothing can be written into {nearest}.", "Name another folder.")])


def check_file(file: Path, option: str) -> None:
    """Raise InvalidInput, under the name of its ``option``, where no picture can be written to ``file``."""
    from imagegen_kit.errors import Fault, InvalidInput
    from imagegen_kit.imaging.encode import SUFFIXES

    file = file.expanduser()
    if file.is_dir():
        raise InvalidInput([Fault(option, f"{file} is a folder.", "Add a file name.")])
    if file.suffix and file.suffix.lower() not in SUFFIXES:
        what = f"{file.suffix!r} is no format that is written here."
        raise InvalidInput([Fault(option, what, f"Use {', '.join(SUFFIXES)}.")])
    check_folder(file.parent, option)


@contextmanager
def writing_out() -> Iterator[None]:
    """Say that nothing paid for is lost where the files cannot be written after all, as on a disk that is full."""
    from imagegen_kit.errors import ImagegenError

    try:
        yield
    except ImagegenError:
        say("the pictures are in the store; the same command again, writing elsewhere, buys nothing twice", err=True)
        raise
