"""From a brief to the prompt that is sent: styles, templates, matrices and suites."""

from imagegen_kit.prompts.compile import Part, PromptSpec, compile_prompt
from imagegen_kit.prompts.matrix import prompt_matrix
from imagegen_kit.prompts.suites import prompt_suite
from imagegen_kit.prompts.templates import Template, fields, render, template
from imagegen_kit.prompts.variation import variations

__all__ = [
    "Part",
    "PromptSpec",
    "Template",
    "compile_prompt",
    "fields",
    "prompt_matrix",
    "prompt_suite",
    "render",
    "template",
    "variations",
]
