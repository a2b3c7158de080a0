"""Ready recipes: coroutines over a job that ask for pictures and return something useful."""

from imagegen_kit.recipes.picture import image

__all__ = ["image"]
