"""What every prompt style passes: it adds words and takes none away."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, ClassVar

import pytest
from PIL import Image

from imagegen_kit.checks import run_checks
from imagegen_kit.errors import InvalidInput
from imagegen_kit.prompts.compile import SLOT, compile_prompt
from imagegen_kit.types import Reference

if TYPE_CHECKING:
    from imagegen_kit.types import Style

BRIEF = 'Zwei “Füchse” & a crane, 図書館; {curly} 100% "as written"'
PARTS = ("text", "suffix", "negative")


class StyleContract:
    """Subclass it, and name a style in ``style``, or write a fixture ``subject`` that returns the Style."""

    style: ClassVar[str] = ""

    @pytest.fixture
    def subject(self) -> Style:
        """The style under test: the installed one that ``style`` names."""
        from imagegen_kit.registry import get_registry

        return get_registry().style(self.style)

    def test_the_brief_stays_as_it_was_written(self, subject: Style) -> None:
        """The user's words come first, byte for byte; the style's follow."""
        spec = compile_prompt(BRIEF, style=subject, size="16:9")
        assert spec.text.startswith(BRIEF), f"{subject.name} changed the brief: {spec.text!r}"
        assert "".join(p.text for p in spec.parts) == spec.text, "the parts are not the text"
        assert {p.origin for p in spec.parts if p.text in BRIEF} <= {"brief"}, "the brief is told as the style's words"

    def test_it_says_something(self, subject: Style) -> None:
        """A style adds words, a negative prompt or the aspect ratio; one that adds nothing is ``style=None``."""
        said = subject.text or subject.suffix or subject.negative or subject.name_aspect
        assert said, f"{subject.name} adds nothing to a prompt: give it `text`, `suffix` or `negative`"

    def test_no_style_leaves_the_brief_alone(self, subject: Style) -> None:
        """Without the style the text is the brief, byte for byte: the control of every comparison."""
        bare = compile_prompt(f"  {BRIEF}\n", style=None)
        assert (bare.text, bare.negative, bare.style) == (f"  {BRIEF}\n", None, None)
        assert compile_prompt(BRIEF, style=subject).style == subject.name

    def test_it_is_the_same_every_time(self, subject: Style) -> None:
        """Compiling twice gives the same prompt, so that pictures are found in the cache."""
        first, again = (compile_prompt(BRIEF, style=subject, size="3:2") for _ in range(2))
        assert (first.text, first.negative, first.parts) == (again.text, again.negative, again.parts)

    def test_it_is_clean_text(self, subject: Style) -> None:
        """No invisible characters, no doubled spaces, no blanks at the ends, no slot but ``{references}``."""
        phrases = [p for axis in (subject.axes or {}).values() for p in axis]
        for text in (*(getattr(subject, part) for part in PARTS), *phrases, subject.title):
            odd = [hex(ord(c)) for c in text if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs")]
            assert not odd, f"{subject.name} holds invisible characters {odd} in {text!r}: take them out"
            assert text == text.strip() and "  " not in text, f"{subject.name} has stray blanks in {text!r}"  # noqa: PT018
            slots = set(re.findall(r"\{\w*\}", text)) - {SLOT}
            assert not slots, f"{subject.name} has the slots {sorted(slots)}; only {SLOT} is filled, in `text`"

    def test_its_negative_prompt_is_kept(self, subject: Style) -> None:
        """What the style avoids is joined with what the user avoids, and an empty one turns it off."""
        asked = compile_prompt(BRIEF, style=subject, negative_prompt="umbrellas").negative or ""
        assert "umbrellas" in asked, "the user's negative prompt is lost"
        missing = [w for w in re.split(r",\s*", subject.negative) if w and w not in asked]
        assert not missing, f"these words to avoid are lost: {missing}"
        assert compile_prompt(BRIEF, style=subject, negative_prompt="").negative is None

    def test_each_phrase_of_an_axis_makes_another_prompt(self, subject: Style) -> None:
        """Axes hold two phrases or more, no two alike, and each of them stands in the prompt."""
        if not subject.axes:
            pytest.skip(f"{subject.name} has no axes")
        for axis, phrases in subject.axes.items():
            assert len(phrases) >= 2, f"the axis {axis!r} has one phrase: nothing varies along it"
            texts = {p: compile_prompt(BRIEF, style=subject, variation={axis: p}).text for p in phrases}
            lost = [p for p, text in texts.items() if p.rstrip(".") not in text]
            assert not lost, f"these phrases of {axis!r} are not in the prompt: {lost}"
            assert len(set(texts.values())) == len(phrases), f"the axis {axis!r} has the same phrase twice"

    def test_its_checks_exist(self, subject: Style) -> None:
        """Each check is a known one, with limits that it understands."""
        if not subject.checks:
            pytest.skip(f"{subject.name} has no checks")
        try:
            outcome = run_checks(Image.new("RGB", (64, 64), "red"), subject.checks)
        except InvalidInput as error:
            pytest.fail(f"the checks of {subject.name} cannot be used: {error}")
        assert {c.name for c in outcome} <= set(subject.checks), "checks ran that the style does not name"

    def test_references_are_named_where_it_asks_for_them(self, subject: Style) -> None:
        """A slot ``{references}`` is filled with the references' names, and is gone without any."""
        if SLOT not in subject.text:
            pytest.skip(f"{subject.name} does not name references")
        given = Reference(Image.new("RGB", (8, 8)), name="Mina", role="character")  # type: ignore[arg-type]  # read at once
        named, bare = (compile_prompt(BRIEF, style=subject, references=r).text for r in ([given], []))
        assert "Mina" in named, "the slot was not filled"
        assert SLOT not in named + bare, "the slot stands in the prompt"
