"""Stories for the tests: small ones as mappings, and a model that draws the character that it is sent."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import yaml
from PIL import Image, ImageDraw

from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.types import Reply

FIGURE = Image.new("RGB", (96, 128), "white")
_pen = ImageDraw.Draw(FIGURE)
_pen.ellipse((24, 4, 72, 52), fill=(240, 200, 60), outline="black", width=3)
_pen.rectangle((30, 50, 66, 104), fill=(40, 60, 160), outline="black", width=3)
_pen.rectangle((30, 104, 42, 126), fill=(180, 30, 40))
_pen.rectangle((54, 104, 66, 126), fill=(20, 120, 60))


def write_figure(folder: Path, name: str = "ada.png") -> Path:
    """Write the character's picture and return its path."""
    FIGURE.save(folder / name)
    return folder / name


def story(segments: int = 3, settings: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return a story of Ada, whose picture lies here as ada.png; ``settings`` are those of its keyframes."""
    characters = {"ada": {"image": "ada.png", "description": "a robot with a yellow head and a blue coat"}}
    return {
        "keyframe_settings": {
            "image_model": "lab/one",
            "size": "128x96",
            "reference_images": {"characters": characters},
            **(settings or {}),
        },
        "segments": [
            {"name": f"scene {n}", "prompt": f"Ada in scene {n}", "references": ["ada"]} for n in range(1, segments + 1)
        ],
        **more,
    }


def write(path: Path, content: dict[str, Any]) -> Path:
    """Write a story as YAML and return its path."""
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def scene(shade: int, figure: Image.Image | None, size: tuple[int, int] = (128, 96)) -> bytes:
    """Return a picture with stripes of a shade, and before them ``figure`` in the middle."""
    image = Image.linear_gradient("L").resize(size).point(lambda v: (v // 2 + shade) % 256).convert("RGB")
    if figure is not None:
        small = figure.resize((48, 64))
        image.paste(small, (40, 24), small.convert("L").point(lambda v: 255 if v < 250 else 0))
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


async def true_to_reference(script: Any, request: Any, _: Any) -> Reply:
    """Draw the first character that is sent before a background of its own; nobody where none is sent."""
    sent = [r for r in request.references if r.role == "character"]
    figure = open_picture(sent[0].picture).image.convert("RGB") if sent else None
    return Reply(pictures=(scene(script.calls * 20, figure),))


async def somebody_else(script: Any, request: Any, _: Any) -> Reply:
    """Draw the background alone, whoever is sent."""
    return Reply(pictures=(scene(script.calls * 20, None),))
