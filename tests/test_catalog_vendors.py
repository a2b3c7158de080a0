"""Who made a model: by its name, wherever it is served; else by its provider or its host."""

from __future__ import annotations

import pytest

from imagegen_kit.catalog.vendors import vendor_of
from imagegen_kit.registry import get_registry


@pytest.mark.parametrize(
    ("model", "remote_name", "origin", "vendor"),
    [
        ("gemini/gemini-3.8-flash", "", "", "Google"),
        ("vertex/veo-3.1-generate-001", "", "", "Google"),
        ("fal/nano-banana-2", "", "", "Google"),
        ("openai/gpt-6-luna", "", "https://api.openai.com/v1", "OpenAI"),
        ("wavespeed/gpt-image-2.6", "", "", "OpenAI"),
        ("openai/reader", "", "https://api.openai.com/v1", "OpenAI"),
        ("openai/reader", "qwen3-vl-8b", "http://127.0.0.1:8000/v1", "Alibaba"),
        ("openai/reader", "", "http://lab.example.org:8000/v1", "lab.example.org"),
        ("openai/reader", "", "simulated:openai", "OpenAI"),
        ("bfl/flux-2-pro", "", "", "Black Forest Labs"),
        ("me/gradient", "", "", "me"),
        ("DALL-E 3", "", "", "OpenAI"),
        ("a folder of pictures", "", "", "a folder of pictures"),
        ("lab/wander", "", "", "lab"),  # no word of it is wan
    ],
)
def test_the_vendor_of(model, remote_name, origin, vendor):
    assert vendor_of(model, remote_name=remote_name, origin=origin) == vendor


def test_google_is_one_vendor_by_whichever_service():
    models = [m.id for m in get_registry().models() if m.id.startswith(("gemini/", "vertex/"))]
    assert {vendor_of(model) for model in models} == {"Google"}
