"""How each object shows itself in a notebook cell: static HTML that stays when the kernel is gone.

No scripts, no style sheets, no addresses: tables and pictures with inline styles over JupyterLab's own colours, which
read as well where a page strips all styles. Foreign text is always escaped.
"""

from __future__ import annotations

from functools import singledispatch

from imagegen_kit.engine.image_result import ImageResult
from imagegen_kit.engine.policy import Policy
from imagegen_kit.experiments.experiment import Experiment
from imagegen_kit.experiments.judging.judgement import Judgement
from imagegen_kit.experiments.run import Run
from imagegen_kit.film import Film
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.prompts.compile import PromptSpec
from imagegen_kit.recipes.batch import SceneBatch
from imagegen_kit.recipes.call_picture import CallScene
from imagegen_kit.recipes.persona import Persona
from imagegen_kit.recipes.portfolio import Avatars
from imagegen_kit.recipes.sketched import Sketches
from imagegen_kit.recipes.story_told import Story
from imagegen_kit.retrieval.library import Library
from imagegen_kit.retrieval.retrievers.evaluation import Evaluation
from imagegen_kit.retrieval.retrievers.hits import Explanation, Hits
from imagegen_kit.scorers.sketch.fix import Fixed
from imagegen_kit.scorers.sketch.report import SketchReport
from imagegen_kit.settings import SettingsView
from imagegen_kit.types import ImageRequest, Reference, Result, Style, TextRequest, VideoRequest
from imagegen_kit.views.avatars import show_avatars, show_persona
from imagegen_kit.views.calls import show_batch, show_call
from imagegen_kit.views.experiment import show_experiment
from imagegen_kit.views.films import show_film
from imagegen_kit.views.hits import show_evaluation, show_explanation, show_hits
from imagegen_kit.views.judgement import show_judgement
from imagegen_kit.views.library import show_library
from imagegen_kit.views.pictures import show_image_result, show_picture, show_reference, show_result
from imagegen_kit.views.prompt import show_prompt
from imagegen_kit.views.run import show_run
from imagegen_kit.views.settings import show_policy, show_request, show_settings, show_style
from imagegen_kit.views.sketch import show_fixed, show_sketch_report, show_sketches
from imagegen_kit.views.story import show_story


@singledispatch
def html(obj: object) -> str | None:
    """Return how ``obj`` shows itself in a cell, or None where it has no view: then its repr stands there."""
    return None


html.register(ImageResult, show_image_result)
html.register(Result, show_result)
html.register(Picture, show_picture)
html.register(Film, show_film)
html.register(Reference, show_reference)
html.register(Hits, show_hits)
html.register(Explanation, show_explanation)
html.register(Evaluation, show_evaluation)
html.register(Library, show_library)
html.register(Run, show_run)
html.register(Experiment, show_experiment)
html.register(Judgement, show_judgement)
html.register(PromptSpec, show_prompt)
html.register(SketchReport, show_sketch_report)
html.register(Fixed, show_fixed)
html.register(CallScene, show_call)
html.register(SceneBatch, show_batch)
html.register(Avatars, show_avatars)
html.register(Persona, show_persona)
html.register(Sketches, show_sketches)
html.register(Story, show_story)
html.register(Policy, show_policy)
html.register(Style, show_style)
html.register(SettingsView, show_settings)
html.register(ImageRequest, show_request)
html.register(TextRequest, show_request)
html.register(VideoRequest, show_request)

__all__ = ["html"]
