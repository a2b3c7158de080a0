"""The ids of the requirements, each with the tests that show it; an id is listed here when it holds."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
MOVING = TESTS.parent / "docs/migrating.md"

# How many requirements each part has, numbered from 1.
COUNTS = {"A": 8, "B": 12, "C": 7, "D": 8, "E": 12, "F": 5, "G": 6}

# The names that old code uses, by requirement; the page on moving over says of each what it is called here.
OLD_NAMES = {
    "G.1": """generateCallImage buildSplitScreenCallPrompt generateImageWithBanana negativePrompt
        generateMultiPersonVideo callerAudio calleeAudio callId imageUrl audioDuration""",
    "G.2": """ImageGenAgent.generate_images _enhance_prompt _select_model _track_cost NanoBananaClient download_image
        scene_{n}_{8""",
    "G.3": """ImageGenerator.generate generate_async generate_streaming_async ImageModelAdapter NanaBananaAdapter
        GenerationConfig num_images image_size model_name GenerationResult metadata_path StyleRegistry().get_style
        PromptCompiler().compile ImageRetriever().retrieve""",
    "G.4": """generate_image_prompt generate_base_image generate_images_from_base flowise_prompt split_and_trim_image
        upload_images_batch""",
    "G.5": """generate_keyframe_with_gemini output_path gemini_api_key input_image_path generate_keyframes_from_json
        load_reference_images select_reference generate_video_keyframe_mode generate_flf_videos generate_i2v_videos
        BACKEND_CAPABILITIES get_capabilities()""",
    "G.6": """gemini-2.5-flash-image-preview gemini-3-pro-image-preview gpt-image-1.5 gpt-image-1 veo3
        veo-3.0-generate-preview wan2.1 sdxl-turbo stable-diffusion-2 stable-diffusion-xl""",
}

# A.1 and so on name the five source systems' behaviours; F names the toolkit's own.
SHOWN_BY: dict[str, list[str]] = {
    "A.1": ["recipes/test_calls.py", "test_offline.py"],
    "A.2": ["test_prompts_templates.py", "recipes/test_calls.py"],
    "A.3": ["recipes/test_calls.py"],
    "A.4": ["providers/test_job_api_requests.py", "recipes/test_calls.py"],
    "A.5": ["experiments/test_layouts.py", "engine/test_upload.py", "recipes/test_calls.py"],
    "A.6": ["recipes/test_calls.py", "engine/test_fallback.py"],
    "A.7": ["recipes/test_calls.py"],
    "A.8": ["recipes/test_calls.py"],
    "B.1": ["recipes/test_scenes.py"],
    "B.2": ["providers/test_job_api_requests.py", "recipes/test_scenes.py"],
    "B.3": ["recipes/test_scenes.py"],
    "B.4": ["recipes/test_scenes.py"],
    "B.5": ["recipes/test_scenes.py", "test_checks.py"],
    "B.6": ["test_styles.py", "recipes/test_scenes.py"],
    "B.7": ["recipes/test_scenes.py"],
    "B.8": ["engine/test_cache.py", "recipes/test_scenes.py"],
    "B.9": ["experiments/test_layouts.py", "store/test_clean.py", "recipes/test_scenes.py"],
    "B.10": ["test_fairness.py", "recipes/test_scenes.py"],
    "B.11": ["recipes/test_scenes.py"],
    "B.12": ["test_docs.py"],
    "C.1": ["recipes/test_sketches.py"],
    "C.2": ["engine/test_views_of_recipes.py", "recipes/test_sketches.py", "serve/test_service.py"],
    "C.3": ["recipes/test_sketches.py", "test_catalog_models.py"],
    "C.4": ["test_catalog_models.py", "recipes/test_sketches.py"],
    "C.5": ["experiments/test_layouts.py", "recipes/test_sketches.py"],
    "C.6": ["scorers/test_sketch.py", "recipes/test_sketches.py"],
    "C.7": ["providers/test_gemini_requests.py", "recipes/test_sketches.py"],
    "D.1": ["test_catalog_models.py", "providers/test_openai_simulator.py", "recipes/test_personas.py"],
    "D.2": ["recipes/test_personas.py"],
    "D.3": ["recipes/test_persona.py", "recipes/test_personas.py", "providers/test_job_api_texts.py"],
    "D.4": ["test_imaging_grid.py"],
    "D.5": ["engine/test_upload.py", "store/test_object_contract.py", "recipes/test_personas.py"],
    "D.6": ["recipes/test_personas.py"],
    "D.7": ["providers/test_openai_simulator.py", "providers/test_gemini_simulator.py", "recipes/test_personas.py"],
    "D.8": ["recipes/test_personas.py"],
    "E.1": ["test_catalog_models.py", "recipes/test_story.py"],
    "E.2": ["recipes/test_story_file.py", "retrieval/test_library_configured.py"],
    "E.3": ["test_prompts_templates.py", "recipes/test_story_file.py"],
    "E.4": ["recipes/test_story.py", "engine/test_branches.py"],
    "E.5": ["recipes/test_story.py", "scorers/test_presence.py"],
    "E.6": ["film/test_mapping.py", "engine/test_films_at_services.py", "recipes/test_story.py"],
    "E.7": ["engine/test_films_at_services.py", "test_offline_films.py", "film/test_joining.py"],
    "E.8": ["recipes/test_story.py", "recipes/test_story_file.py"],
    "E.9": [
        "engine/test_keys.py",
        "reliability/test_limits_across_processes.py",
        "reliability/test_no_key_is_written.py",
        "reliability/test_object_storage.py",
    ],
    "E.10": ["recipes/test_story.py", "experiments/test_voting.py"],
    "E.11": ["test_docs.py", "test_styles.py", "recipes/test_story.py"],
    "E.12": ["recipes/test_story.py"],
    "F.1": ["test_registry.py", "test_quarantine.py"],
    "F.2": [
        "retrieval/test_searching.py",
        "retrieval/test_feeding_requests.py",
        "retrieval/test_clip.py",
        "retrieval/test_index_search.py",
    ],
    "F.3": ["experiments/test_experiment.py"],
    "F.4": ["nbval_sanitize.cfg"],
    "F.5": ["../plugins/imagegen-kit-echo/tests/test_echo.py", "testing/test_contracts.py", "test_cli_plugins.py"],
    "G.1": ["test_docs.py", "recipes/test_calls.py"],
    "G.2": ["test_docs.py", "recipes/test_scenes.py"],
    "G.3": ["test_docs.py", "recipes/test_sketches.py"],
    "G.4": ["test_docs.py", "recipes/test_personas.py", "test_imaging_grid.py"],
    "G.5": ["test_docs.py", "recipes/test_story.py", "recipes/test_story_file.py", "film/test_mapping.py"],
    "G.6": ["test_docs.py", "test_catalog_models.py"],
}


def test_every_requirement_is_shown() -> None:
    assert set(SHOWN_BY) == {f"{part}.{number}" for part, count in COUNTS.items() for number in range(1, count + 1)}


@pytest.mark.parametrize("id", OLD_NAMES)
def test_the_page_on_moving_over_names_what_old_code_uses(id: str) -> None:
    text = MOVING.read_text(encoding="utf-8")
    assert [name for name in OLD_NAMES[id].split() if name not in text] == []


@pytest.mark.parametrize("id", SHOWN_BY)
def test_a_requirement_has_tests_that_exist(id: str) -> None:
    for name in SHOWN_BY[id]:
        path = TESTS / name
        assert path.is_file(), f"{id}: {name} is missing"
        if path.suffix == ".py":
            functions = [
                n.name
                for n in ast.walk(ast.parse(path.read_text()))
                if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
            ]
            assert any(f.startswith("test_") for f in functions), f"{id}: {name} has no test"
