"""Files of scenes, as spreadsheets and scripts write them; what is wrong with one is told in the words of its user."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

QUOTED = "Put texts that hold commas into quotation marks."


def read_script(path: Path) -> Any:
    """Return what a .csv (a DataFrame, without empty lines) or .json file holds. Raises InvalidInput."""
    kind = path.suffix.lower()
    if kind not in (".csv", ".json"):
        raise InvalidInput([Fault("scenes", f"{path} is neither a .csv nor a .json file.")])
    try:
        return _table(path) if kind == ".csv" else json.loads(path.read_text(encoding="utf-8-sig"))
    except InvalidInput:
        raise
    except (OSError, ValueError) as error:  # pandas' and json's own errors are ValueErrors
        raise InvalidInput([_fault(path, kind, error)]) from error


def _table(path: Path) -> pd.DataFrame:
    import pandas as pd

    texts = {"image_create_prompt": str, "image_style": str}
    read = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=[""], encoding="utf-8-sig")
    (first, *others) = map(str, read.columns)
    for sign, words in ((";", "semicolons"), ("\t", "tabs")):
        if not others and sign in first:
            hint = f"Save it with commas, or give the DataFrame pd.read_csv({path.name!r}, sep={sign!r})."
            raise InvalidInput([Fault("scenes", f"{path} separates its columns by {words}, not by commas.", hint)])
    if not isinstance(read.index, pd.RangeIndex):  # pandas takes what is too much for the names of the lines
        raise InvalidInput([Fault("scenes", f"{path} has more fields in its lines than in its first.", QUOTED)])
    unnamed = [name for name in read.columns if str(name).startswith("Unnamed:") and read[name].isna().all()]
    return read.drop(columns=unnamed).dropna(how="all")  # a spreadsheet leaves commas where nothing stands


def _fault(path: Path, kind: str, error: Exception) -> Fault:
    if isinstance(error, FileNotFoundError):
        return Fault("scenes", f"{path} cannot be read: there is no such file.", "Look at the path.")
    if isinstance(error, OSError):
        return Fault("scenes", f"{path} cannot be read: {os.strerror(error.errno) if error.errno else error}.")
    if isinstance(error, UnicodeDecodeError):
        also = f", or give the DataFrame pd.read_csv({path.name!r}, encoding='latin-1')" if kind == ".csv" else ""
        return Fault("scenes", f"{path} cannot be read: it is not written in UTF-8.", f"Save it as UTF-8{also}.")
    if not path.read_bytes().strip():
        return Fault("scenes", f"{path} cannot be read: it is empty.")
    what = f"{path} cannot be read: {str(error).strip().rstrip('.')}."
    return Fault("scenes", what, QUOTED if kind == ".csv" else "")
