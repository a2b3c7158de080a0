"""Models, prices and styles as dated data; the validator of such data; and where the shipped files lie."""

from imagegen_kit.catalog.entries import load_models
from imagegen_kit.catalog.files import find_data
from imagegen_kit.catalog.validation import validate
from imagegen_kit.catalog.yaml import Document, load_yaml

__all__ = ["Document", "find_data", "load_models", "load_yaml", "validate"]
