"""Ready recipes: coroutines over a job that ask for pictures and return something useful."""

from imagegen_kit.recipes.judging import judge_pair
from imagegen_kit.recipes.moving import film
from imagegen_kit.recipes.persona import Persona
from imagegen_kit.recipes.personas import avatars
from imagegen_kit.recipes.picture import image

__all__ = ["Persona", "avatars", "film", "image", "judge_pair"]
