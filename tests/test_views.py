"""How objects show themselves in a cell: escaped, complete in words, the same each time, and cheap."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.checks import numeric
from imagegen_kit.errors import InvalidInput
from imagegen_kit.film import Film
from imagegen_kit.film.writing import write_film
from imagegen_kit.hookspecs import ProviderSpec
from imagegen_kit.lazy import Shown
from imagegen_kit.providers import ModelSpec, Price, Reply
from imagegen_kit.recipes.portfolio import Avatars
from imagegen_kit.scorers.sketch import auto_fix, sketch_report
from imagegen_kit.types import ImageRequest, Result, TextRequest, VideoRequest
from imagegen_kit.views import html
from imagegen_kit.views.grid import Layout, chosen, column_parameter, positions, varied
from imagegen_kit.views.words import seconds, shortened, usd, usd_sum
from tests.retrieval.small_library import shape

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("own_registry", "models")
EVIL = "<script>alert('x')</script> & \"a cat\""


@pytest.fixture
def models(own_registry: None, tmp_path: Path) -> None:
    """Two models: one free that takes seeds, one of unknown price that does not and fails on storms."""
    ik.configure(store=tmp_path / "imagegen-store")

    @ik.register(model="me/calm", seed=True, version="1", price_usd=0.0)
    def calm(request: Any) -> Image.Image:
        return Image.new("RGB", (64, 48), (len(request.prompt) % 255, request.sample * 40, 90))

    @ik.register(model="me/moody", version="1")
    def moody(request: Any) -> Image.Image:
        if "storm" in request.prompt:
            raise ValueError("the <b>sky</b> fell")
        return Image.new("RGB", (64, 64), (90, request.sample * 40, len(request.prompt) % 255))


def shown_run(**changes: Any) -> str:
    given = {"vary": {"prompt": ["a calm sea", "a storm"], "model": ["me/calm", "me/moody"]}, "name": "weather"}
    shown = html(ik.Experiment(**{**given, **changes}).run(progress=False))
    assert shown is not None
    return shown


def words(markup: str) -> str:
    """What is left where a page strips all tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", markup))


# One object of every class that shows itself; made anew at each call.
def result() -> Any:
    return ik.generate("a fox", model="me/calm", seed=7)


def library() -> ik.Library:
    filled = ik.Library.open(Path(tempfile.mkdtemp(dir=".")) / "refs")
    filled.add(shape("red"), id="red", name=EVIL, caption=f"a red ball {EVIL}", role="character", tags=[EVIL])
    filled.add(shape("blue", form="box"), id="blue", caption="a blue ball")
    return filled


def avatars() -> Any:
    """Avatars whose grid was none, with addresses and words of others."""
    drawn = result()
    return Avatars(EVIL, drawn, drawn, tuple(drawn.results), (EVIL,), ("https://a.example/1.png",), {"base": 2.0})


def call_scene() -> Any:
    policy = ik.recipes.call_scene.policy.with_(checks=None)
    return ik.run(ik.recipes.call_scene, caller_name=EVIL, call_id="c-17", model="me/calm", size="64x48", policy=policy)


def scene_batch() -> Any:
    """One scene that comes, one that fails and has a placeholder."""
    scenes = [{"image_create_prompt": EVIL}, {"image_create_prompt": f"a storm {EVIL}"}]
    policy = ik.recipes.scene_batch.policy.with_(checks=None)
    return ik.run(ik.recipes.scene_batch, scenes=scenes, model="me/moody", size="64x64", policy=policy)


def told() -> Any:
    """A story of one keyframe, with words of others."""
    shape("red").save("ada.png")
    characters = {"ada": {"image": "ada.png", "description": EVIL}}
    content = {
        "name": EVIL,
        "keyframe_settings": {"size": "128x96", "reference_images": {"characters": characters}},
        "segments": [{"name": EVIL, "prompt": f"Ada {EVIL}", "references": ["ada"]}],
    }
    Path("story.yaml").write_text(json.dumps(content), encoding="utf-8")  # which is YAML as well
    return ik.run(ik.recipes.keyframes, story="story.yaml", film_model="none")


def judgement() -> Any:
    class Reader:
        def __init__(self, account: Any) -> None:
            pass

        async def ask(self, request: Any, on_progress: Any) -> Reply:
            return Reply(
                text=json.dumps({"criteria": {"nice": {"reason": EVIL, "better": "first"}}, "choice": "first"})
            )

    spec = ModelSpec("reader", kind="text", price=Price(0.0), can=Capabilities(references=2, schema=True))
    ik.register(ProviderSpec("pen", models=(spec,), target=Reader, origin="local:pen"))
    run = ik.Experiment(vary={"prompt": [EVIL], "model": ["me/calm", "me/moody"]}, name=EVIL).run(progress=False)
    return run.judge("pen/reader", rubric={"nice": EVIL}, controls=0, progress=False)


OBJECTS: dict[str, Callable[[], Any]] = {
    "ImageResult": result,
    "Result": lambda: result()[0],
    "Picture": lambda: result().picture,
    "Reference": lambda: ik.Reference(result().picture, role="style", name=EVIL),
    "Library": library,
    "Hits": lambda: library().search("a red ball", image=shape("red"), top_k=2),
    "Explanation": lambda: library().search("a red ball", image=shape("red"), top_k=2).explain(),
    "Evaluation": lambda: library().evaluate([{"text": "red ball", "relevant": "red"}], top_k=1),
    "Run": lambda: ik.Experiment(vary={"prompt": [EVIL], "model": ["me/calm"]}, name=EVIL).run(progress=False),
    "Experiment": lambda: ik.Experiment(vary={"prompt": [EVIL], "model": ["me/calm"]}, name=EVIL),
    "Judgement": judgement,
    "PromptSpec": lambda: ik.compile_prompt(EVIL, style=ik.Style("s", text=EVIL, negative=EVIL), model="me/moody"),
    "Policy": lambda: ik.Policy(fallback=EVIL, assume_usd={EVIL: 0.04}),
    "Style": lambda: ik.Style("s", text=EVIL, negative=EVIL, axes={EVIL: (EVIL,)}, checks={EVIL: {EVIL: 1}}),
    "SettingsView": lambda: ik.configure(model="me/calm"),
    "SketchReport": lambda: sketch_report(shape("red"), more=[numeric(EVIL, EVIL, EVIL, lambda page: None, high=1)]),
    "Fixed": lambda: auto_fix(shape("red")),
    "Avatars": avatars,
    "CallScene": call_scene,
    "SceneBatch": scene_batch,
    "Persona": lambda: ik.recipes.Persona(EVIL, EVIL, EVIL, facebook=EVIL),
    "Sketches": lambda: ik.run(ik.recipes.concept_sketches, brief=EVIL, n=3, size="64x64"),
    "Story": told,
    "ImageRequest": lambda: ImageRequest(prompt=EVIL, model=EVIL, options={EVIL: EVIL}, mask=result().picture),
    "TextRequest": lambda: TextRequest(prompt=EVIL, model="a/b", system=EVIL),
    "Film": lambda: Film.from_bytes(write_film([Image.new("RGB", (64, 48))] * 4, size=(64, 48), comment=EVIL)),
    "VideoRequest": lambda: VideoRequest(prompt=EVIL, model="a/b", first_frame=result().picture),
}


def all_shown(cls: type = Shown) -> set[str]:
    return {c.__name__ for c in cls.__subclasses__() if not c.__name__.startswith("_")}


def test_every_class_that_shows_itself_is_among_the_objects_tested_here() -> None:
    import imagegen_kit.views  # noqa: F401  # which imports them all

    assert {name for name in all_shown() if name not in OBJECTS} == set()


@pytest.mark.parametrize("make", OBJECTS.values(), ids=OBJECTS)
class TestEveryView:
    def test_the_view_is_a_closed_piece_of_html_without_scripts_or_addresses(self, make: Callable[[], Any]) -> None:
        shown = make()._repr_html_()
        assert shown.startswith("<div")
        assert shown.endswith("</div>")
        assert "<script" not in shown
        assert "<style" not in shown
        assert " class=" not in shown
        assert not re.search(r"(https?:)?//[a-z]", re.sub(r"base64,[A-Za-z0-9+/=]*", "", shown))
        assert shown.count("<div") == shown.count("</div>")
        assert shown.count("<td") == shown.count("</td>")

    def test_text_takes_the_colour_of_the_notebook_theme_or_else_of_the_page(self, make: Callable[[], Any]) -> None:
        shown = make()._repr_html_()
        assert "color:var(--jp-content-font-color1, inherit)" in shown
        assert not re.search(r"(?<![-\w])color:\s*(#|rgb|black|white)", shown)

    def test_every_picture_has_words_and_a_width(self, make: Callable[[], Any]) -> None:
        for tag in re.findall(r"<img[^>]*>", make()._repr_html_()):
            assert re.search(r'alt="[^"]+"', tag)
            assert re.search(r'width="\d+"', tag)

    def test_the_repr_is_the_same_for_equal_objects_and_names_no_run_time_or_place(
        self, make: Callable[[], Any], tmp_path: Path
    ) -> None:
        first = make()
        ik.generate("something else", model="me/calm")
        text = repr(first)
        if type(first).__name__ != "ImageResult" and type(first).__name__ != "Result":  # the second one is cached
            assert text == repr(make())
        assert not re.search(r"0x[0-9a-f]{6}|\d{8}-\d{6}|\d\d:\d\d|[0-9a-f]{12}", text)
        if type(first).__name__ != "SettingsView":  # it shows where the store is: that is its purpose
            assert str(tmp_path) not in text


@pytest.mark.parametrize(
    "name",
    [
        "Avatars",
        "Persona",
        "SceneBatch",
        "Run",
        "Hits",
        "Explanation",
        "Experiment",
        "PromptSpec",
        "Policy",
        "Style",
        "ImageRequest",
        "TextRequest",
    ],
)
def test_foreign_text_is_shown_as_it_is_written(name: str) -> None:
    shown = OBJECTS[name]()._repr_html_()
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp;" in shown


def test_a_scene_that_failed_says_why_beside_a_dashed_placeholder() -> None:
    shown = scene_batch()._repr_html_()
    assert "2 scenes · 1 with a picture of their own" in words(shown)
    assert "1 · high-quality · me/moody · $0.00" in words(shown)
    assert "placeholder, no picture came: moody raised ValueError: the &lt;b&gt;sky&lt;/b&gt; fell" in shown
    assert shown.count("border:2px dashed") == 1


def test_scenes_without_any_picture_say_why() -> None:
    policy = ik.Policy(attempts=1)
    scenes = [{"image_create_prompt": "a storm"}]
    batch = ik.run(ik.recipes.scene_batch, scenes=scenes, model="me/moody", size="64x64", policy=policy)
    assert "failed: moody raised ValueError" in batch._repr_html_()


def test_a_call_says_which_one_it_is_and_where_it_lies() -> None:
    call = call_scene()
    assert f"call c-17 · {call.object}" in words(call._repr_html_())
    own = ik.run(ik.recipes.call_scene, own_picture=Image.new("RGB", (64, 48), "red"))
    assert "a picture of one&#x27;s own" in own._repr_html_()


def test_an_object_without_a_view_is_left_to_its_repr() -> None:
    assert html(object()) is None


class TestRun:
    def test_models_stand_in_the_columns_and_prompts_in_the_rows(self) -> None:
        shown = shown_run()
        heads = re.findall(r'scope="col"[^>]*>([^<]*)<', shown)
        assert heads == ["prompt", "me/calm", "me/moody"]
        assert re.findall(r'scope="row"[^>]*>([^<]*)<', shown) == ["a calm sea", "a storm"]

    def test_the_alternative_text_names_model_style_prompt_and_seed(self) -> None:
        style = ik.Style("noir", text="film noir")
        shown = shown_run(
            vary={"prompt": ["a calm sea " * 20], "style": [style], "model": ["me/calm"]}, fixed={"seed": 7}
        )
        (alt,) = re.findall(r'alt="([^"]*)"', shown)
        assert alt == f"me/calm, style noir, {shortened('a calm sea ' * 20, 80)}, seed 7"

    def test_a_failed_cell_says_so_and_why(self) -> None:
        assert "failed: moody raised ValueError: the &lt;b&gt;sky&lt;/b&gt; fell" in shown_run()

    def test_a_placeholder_is_called_one_and_has_a_dashed_border(self) -> None:
        shown = shown_run(policy=ik.Policy(placeholder=True))
        assert "placeholder, no picture came" in shown
        assert re.search(r'<img[^>]*alt="placeholder, [^"]*"[^>]*border:2px dashed', shown)

    def test_a_fallback_says_which_model_answered(self) -> None:
        shown = shown_run(vary={"prompt": ["a storm"], "model": ["me/moody"]}, policy=ik.Policy(fallback="me/calm"))
        assert "fallback: me/calm answered for me/moody" in shown

    def test_what_a_model_could_not_honour_stands_under_its_picture(self) -> None:
        shown = shown_run(fixed={"seed": 7})
        assert "adapted: seed 7 ignored" in shown
        assert "seed 7<" in shown or "· seed 7" in shown

    def test_a_second_run_says_that_its_pictures_are_cached_and_gives_no_seconds(self) -> None:
        once = {"vary": {"prompt": ["a calm sea"], "model": ["me/calm"]}}
        shown_run(**once)
        assert "<small>$0.00 · cached</small>" in shown_run(**once, name="again")

    def test_the_header_counts_and_the_last_lines_sum_up_each_model(self) -> None:
        said = words(shown_run())
        assert "weather · 4 cells · 3 ok, 1 failed · cost" in said
        assert re.search(r"me/calm · p50 \d+\.\d\d s of 2 timed · cost \$0\.00", said)

    def test_an_unknown_cost_is_never_shown_as_zero(self) -> None:
        from imagegen_kit.engine.session import default_engine

        run = ik.Experiment(vary={"prompt": ["a calm sea"], "model": ["me/moody"]}).run(progress=False)
        journal = default_engine().store.journal
        journal.write([("UPDATE results SET cost_usd = NULL, price_usd = NULL, cost_basis = 'unknown'", ())]).result()
        said = words(run._repr_html_() or "")
        assert "cost unknown" in said
        assert "cost 1 unknown" in said
        assert "$0.00" not in said

    def test_repeats_stand_next_to_each_other_in_their_cell(self) -> None:
        shown = shown_run(vary={"prompt": ["a", "b"], "model": ["me/calm"]}, repeats=3)
        assert [cell.count("<img") for cell in re.findall(r"<td.*?</td>", shown)] == [3, 3]

    def test_at_most_48_pictures_are_shown_and_the_rest_is_counted(self) -> None:
        shown = shown_run(vary={"prompt": [f"prompt {i}" for i in range(30)], "model": ["me/calm", "me/moody"]})
        assert shown.count("<img") == 48
        assert "… and 12 more; run.table() has them all" in shown
        assert len(shown) < 600_000

    def test_without_a_parameter_for_the_columns_the_pictures_form_a_sheet_of_five(self) -> None:
        shown = shown_run(vary={"prompt": [f"prompt {i}" for i in range(7)]}, fixed={"model": "me/calm"})
        assert [row.count("<img") for row in re.findall(r"<tr.*?</tr>", shown)] == [5, 2]
        assert "fixed: model me/calm" in shown

    def test_a_selection_shows_only_what_was_selected(self) -> None:
        run = ik.Experiment(vary={"prompt": ["a calm sea", "a storm"], "model": ["me/calm", "me/moody"]}).run(
            progress=False
        )
        shown = run.select(status="failed")._repr_html_() or ""
        assert shown.count("<img") == 0
        assert "1 result selected · 1 failed" in shown

    def test_a_thumbnail_that_is_gone_is_made_again_and_a_picture_that_is_gone_is_reported(self) -> None:
        run = ik.Experiment(vary={"prompt": ["a calm sea"], "model": ["me/calm"]}).run(progress=False)
        blobs = run._store.blobs
        picture = run[0].artifacts[0]
        blobs.thumbnail_path(picture.sha256).unlink()
        assert "<img" in (run._repr_html_() or "")
        blobs.thumbnail_path(picture.sha256).unlink()
        blobs.path(picture.sha256, picture.format).unlink()
        assert "the picture cannot be shown" in (run._repr_html_() or "")

    def test_a_recipe_that_raises_is_a_failed_cell(self) -> None:
        async def broken(job: Any, prompt: str) -> None:
            raise RuntimeError("no <idea>")

        shown = html(ik.Experiment(broken, vary={"prompt": ["a"]}).run(progress=False)) or ""
        assert "failed: " in shown
        assert "no &lt;idea&gt;" in shown


class TestExperiment:
    def test_the_first_line_gives_cells_and_estimate(self) -> None:
        experiment = ik.Experiment(vary={"prompt": ["a", "b"], "model": ["offline/collage"]}, repeats=2, name="n")
        assert re.search(r"n · 4 cells · est\. \$0\.00 · ≈ \d+\.\d\d s", words(experiment._repr_html_() or ""))

    def test_a_grid_too_long_to_plan_is_only_counted(self) -> None:
        experiment = ik.Experiment(vary={"prompt": ["a"], "seed": list(range(501)), "model": ["me/calm"]})
        said = words(experiment._repr_html_() or "")
        assert "501 cells" in said
        assert "est." not in said
        assert "0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | … 493 more" in said

    def test_what_would_come_from_the_cache_is_counted(self) -> None:
        ik.generate("a", model="me/calm")
        said = words(ik.Experiment(vary={"prompt": ["a", "b"], "model": ["me/calm"]})._repr_html_() or "")
        assert "1 in the cache" in said


class TestResults:
    def test_the_caption_gives_model_seconds_cost_and_seed(self) -> None:
        assert re.search(r"me/calm · \d+\.\d\d s · \$0\.00 · seed 7", words(result()._repr_html_() or ""))

    def test_a_repeated_ask_is_captioned_as_cached(self) -> None:
        result()
        assert "seed 7 · cached" in words(result()._repr_html_() or "")

    def test_a_picture_of_the_offline_provider_is_called_a_stand_in(self) -> None:
        shown = ik.generate("a red car", size=(64, 64))._repr_html_() or ""
        assert "offline stand-in, not a generative model" in shown

    def test_several_pictures_stand_side_by_side_as_thumbnails(self) -> None:
        assert (ik.generate("a", model="me/calm", n=3)._repr_html_() or "").count("<figure") == 3

    def test_a_result_without_a_picture_says_why(self) -> None:
        failed = Result(ImageRequest(prompt="a", model="m"), None, "blocked", error="not <allowed>")
        assert "blocked: not &lt;allowed&gt;" in (html(failed) or "")

    def test_a_prompt_names_the_origin_of_each_part_in_words(self) -> None:
        spec = ik.compile_prompt("a fox", style=ik.Style("noir", text="film noir", negative="colour"))
        said = words(spec._repr_html_() or "")
        assert "your brief a fox" in said
        assert "the style&#x27;s text (noir) film noir" in said
        assert "to avoid (negative) colour" in said


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (None, "unknown"),
        (0.0, "$0.00"),
        (0.039, "$0.039"),
        (0.04, "$0.04"),
        (0.4689, "$0.469"),
        (0.000125, "$0.000125"),
        (1e-9, "under $0.000001"),
        (1234.5, "$1,234.50"),
        (0.9999, "$1.00"),
    ],
)
def test_amounts_have_as_many_decimals_as_they_need(amount: float | None, shown: str) -> None:
    assert usd(amount) == shown


@pytest.mark.parametrize(
    ("known", "unknown", "shown"),
    [(0.47, 2, "$0.47, 2 unknown"), (0.0, 2, "2 unknown"), (0.0, 0, "$0.00"), (None, 1, "1 unknown")],
)
def test_a_sum_says_what_it_does_not_know(known: float | None, unknown: int, shown: str) -> None:
    assert usd_sum(known, unknown) == shown


@pytest.mark.parametrize(
    ("amount", "shown"), [(0.4149, "0.41 s"), (12.34, "12.3 s"), (95.0, "95 s"), (720.0, "12 min"), (9000.0, "2.5 h")]
)
def test_seconds_become_minutes_and_hours(amount: float, shown: str) -> None:
    assert seconds(amount) == shown


@pytest.mark.parametrize(
    ("counts", "column"),
    [
        ({"prompt": 3, "model": 1}, "model"),
        ({"prompt": 3, "seed": 5, "style": 2}, "style"),
        ({"prompt": 2, "size": 1}, None),
        ({"prompt": 2, "seed": 9}, None),
        ({}, None),
    ],
)
def test_the_columns_are_the_models_or_else_the_shortest_axis(counts: dict[str, int], column: str | None) -> None:
    assert column_parameter(counts) == column


def test_cells_are_looked_at_row_by_row_whatever_the_order_of_the_axes() -> None:
    spec = {"parameters": ["model", "prompt"], "vary": {"prompt": ["x", "y", "z"], "model": ["a", "b"]}, "repeats": 2}
    assert varied(spec) == {"model": 2, "prompt": 3}
    # model a: x 0, y 1, z 2; model b: x 3, y 4, z 5; the second repeat is 6 further
    assert list(positions(spec, "model")) == [0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11]


def test_exact_points_are_looked_at_row_by_row_as_well() -> None:
    spec = {"points": [{"p": "x", "m": 1}, {"p": "y", "m": 1}, {"p": "x", "m": 2}], "repeats": 1}
    assert list(positions(spec, "m")) == [0, 2, 1]


SPEC: dict[str, Any] = {
    "parameters": ["model", "prompt", "style"],
    "vary": {"prompt": ["x", "y"], "model": ["a", "b"], "style": [None, "noir"]},
    "fixed": {"seed": 7},
    "repeats": 2,
}


class TestLayout:
    def test_what_is_asked_for_the_rows_stands_first_in_their_heads_and_orders_them(self) -> None:
        layout = Layout(SPEC, "model", "style")
        assert layout.names == ["style", "prompt"]
        assert [tuple(line.labels.values()) for line in layout.lines()] == [
            (None, "x"), (None, "y"), ("noir", "x"), ("noir", "y"),
        ]  # fmt: skip
        assert len(layout) == 4

    @pytest.mark.parametrize("column", ["model", "prompt", "style", "repeat", "seed", None])
    @pytest.mark.parametrize("row", ["model", "prompt", "style", "repeat", "seed", None])
    def test_every_cell_has_exactly_one_place(self, row: str | None, column: str | None) -> None:
        if row == column and row is not None:
            return
        points = {"points": [{"model": m, "prompt": p, "style": s} for m in "ab" for p in "xy" for s in (None, "noir")]}
        for spec in (SPEC, {**points, "fixed": {"seed": 7}, "repeats": 2}):
            assert sorted(positions(spec, column, row)) == list(range(16))

    def test_exact_points_and_axes_are_laid_out_alike(self) -> None:
        points = [{"model": m, "prompt": p} for m in "ab" for p in "xy"]
        axes = {"parameters": ["model", "prompt"], "vary": {"model": ["a", "b"], "prompt": ["x", "y"]}}
        for row, column in (("prompt", "model"), ("model", "prompt"), ("model", "repeat"), ("repeat", "model")):
            laid = [Layout({**spec, "repeats": 3}, column, row) for spec in (axes, {"points": points})]
            assert laid[0].heads == laid[1].heads
            assert [line.cells for line in laid[0].lines()] == [line.cells for line in laid[1].lines()]

    def test_names_that_are_none_of_the_run_are_refused_together(self) -> None:
        with pytest.raises(InvalidInput) as raised:
            chosen(SPEC, "promt", "modle")
        assert [fault.where for fault in raised.value.faults] == ["rows", "columns"]

    def test_what_stands_in_the_rows_is_not_chosen_for_the_columns_as_well(self) -> None:
        assert chosen(SPEC, rows="model") == ("model", "style")
