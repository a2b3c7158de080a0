"""Ready recipes: coroutines over a job that ask for pictures and return something useful."""

from imagegen_kit.recipes.batch import SceneBatch
from imagegen_kit.recipes.call_picture import CallScene
from imagegen_kit.recipes.calls import call_scene
from imagegen_kit.recipes.judging import judge_pair
from imagegen_kit.recipes.moving import film
from imagegen_kit.recipes.persona import Persona
from imagegen_kit.recipes.personas import avatars
from imagegen_kit.recipes.picture import image
from imagegen_kit.recipes.scene_list import Scene, read_scenes
from imagegen_kit.recipes.scenes import scene_batch
from imagegen_kit.recipes.sketches import concept_sketches
from imagegen_kit.recipes.story import keyframes
from imagegen_kit.recipes.story_file import read_story
from imagegen_kit.recipes.story_told import Story

__all__ = [
    "CallScene",
    "Persona",
    "Scene",
    "SceneBatch",
    "Story",
    "avatars",
    "call_scene",
    "concept_sketches",
    "film",
    "image",
    "judge_pair",
    "keyframes",
    "read_scenes",
    "read_story",
    "scene_batch",
]
