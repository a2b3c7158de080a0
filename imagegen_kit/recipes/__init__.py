"""Ready recipes: coroutines over a job that ask for pictures and return something useful."""

from imagegen_kit.recipes.judging import judge_pair
from imagegen_kit.recipes.picture import image
from imagegen_kit.recipes.sketches import concept_sketches

__all__ = ["concept_sketches", "image", "judge_pair"]
