"""Everything wrong with an ask is told together, before any money."""

from __future__ import annotations

import pytest

import imagegen_kit as ik
from imagegen_kit.capabilities import Capabilities
from imagegen_kit.errors import InvalidInput, UnsupportedRequest
from tests import corpus
from tests.engine.models import model, one, picture

PICTURES = {
    "missing": lambda folder: folder / "nowhere.png",
    "folder": lambda folder: folder,
    "truncated": lambda folder: corpus.encoded("png")[:400],
    "text": lambda folder: b"just some words",
    "web page": lambda folder: corpus.NO_PICTURES["html"],
    "bomb": lambda folder: corpus.png_claiming(60_000, 60_000),
    "animation": lambda folder: corpus.animated_png(3, 16),
    "gif": lambda folder: corpus.encoded("gif"),
    "number": lambda folder: 42,
}
WRONG = {
    "model": {"model": "lab/ona"},
    "style": {"style": "vintage-mascott"},
    "prompt": {"prompt": " \n"},
    "prompt (long)": {"prompt": "x" * 40_000},
    "prompt (no text)": {"prompt": 7},
    "size": {"size": 0},
    "size (negative)": {"size": (-5, 10)},
    "size (huge)": {"size": 100_000},
    "size (text)": {"size": "biggish"},
    "aspect_ratio": {"aspect_ratio": "wide"},
    "seed": {"seed": -1},
    "seed (text)": {"seed": "7"},
    "n": {"n": 0},
    "n (many)": {"n": 101},
    "quality": {"quality": 5},
    "negative_prompt": {"negative_prompt": ["rain"]},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_wrong_argument_is_refused_before_anything_runs(wrong):
    script = model()
    call = {"prompt": "a cup", "model": "lab/one", **wrong}
    prompt = call.pop("prompt")
    with pytest.raises(InvalidInput) as caught:
        ik.generate(prompt, **call)
    assert next(iter(wrong)) in str(caught.value)
    with pytest.raises(InvalidInput):
        ik.Experiment(vary={"prompt": [prompt]}, fixed=call)
    assert script.calls == 0


@pytest.mark.parametrize("make", PICTURES.values(), ids=PICTURES)
@pytest.mark.parametrize("place", ["references", "mask"])
def test_a_reference_that_is_no_sound_picture_is_refused_before_anything_runs(make, place, tmp_path):
    script = model()
    with pytest.raises(InvalidInput) as caught:
        ik.generate("a cup", model="lab/one", **{place: make(tmp_path)})
    assert place.rstrip("s") in str(caught.value)
    with pytest.raises(InvalidInput):
        ik.Experiment(vary={"prompt": ["a"]}, fixed={"model": "lab/one", place: make(tmp_path)})
    assert script.calls == 0


def test_near_names_are_suggested():
    model()
    with pytest.raises(InvalidInput, match="Did you mean 'lab/one'"):
        ik.generate("a", model="lab/ome")
    with pytest.raises(InvalidInput, match="Did you mean 'vintage-mascot'"):
        ik.generate("a", style="vintage-mascott")
    with pytest.raises(InvalidInput, match="Did you mean 'aspect_ratio'"):
        ik.generate("a", aspectratio="1:1")


def test_size_and_aspect_ratio_that_disagree_are_refused():
    with pytest.raises(InvalidInput, match="conflict"):
        ik.generate("a", size=(512, 512), aspect_ratio="16:9")
    model()
    assert one(size="2K", aspect_ratio="16:9").request.size.aspect == pytest.approx(16 / 9)


def test_all_faults_of_a_call_come_together():
    with pytest.raises(InvalidInput) as caught:
        ik.generate("", model="nobody/none", size=0, seed=-1, references="gone.png", style="unheard-of")
    assert len(caught.value.faults) >= 6


def test_what_a_model_cannot_do_is_refused_and_says_who_can():
    model("lab/one", can=Capabilities())
    model("able/two")
    with pytest.raises(UnsupportedRequest, match="able/two"):
        ik.generate("a", model="lab/one", references=[picture()])
    with pytest.raises(InvalidInput, match="mood"):
        ik.generate("a", model="lab/one", mood="calm")


def test_a_refused_request_is_a_row_of_a_batch():
    model("lab/one", can=Capabilities())
    result = one(references=[picture()])
    assert (result.status, result.cost.usd, result.error_type) == ("failed", 0.0, "UnsupportedRequest")
    table = ik.open_run("latest").table()
    assert table.status.tolist() == ["failed"]
    assert table.attempts.tolist() == [0]


def test_what_to_avoid_counts_when_it_is_put_into_the_prompt():
    model("lab/one", can=Capabilities(max_prompt_chars=30))
    assert one("a short prompt").status == "ok"
    assert one("a short prompt", negative_prompt="a long list of things").error_type == "UnsupportedRequest"


def test_several_prompts_are_several_pictures_in_order():
    script = model()

    async def three(job):
        return await job.images(["a", "b", "c"], model="lab/one", n=2)

    answer = ik.run(three)
    assert [(r.request.prompt, r.request.sample) for r in answer] == [(p, i) for p in "abc" for i in (0, 1)]
    assert script.calls == 6


def test_several_prompts_may_each_have_a_model_a_style_and_labels():
    model("lab/one")
    model("pen/two")

    async def each(job, models, styles):
        ask = {"model": models, "style": styles, "labels": [{"k": n} for n in range(len(models))]}
        return await job.images(["a"] * len(models), **ask)

    answer = ik.run(each, models=["lab/one", "pen/two", None], styles=[None, "film-noir", "watercolor"])
    assert [r.request.model for r in answer] == ["lab/one", "pen/two", "offline/collage"]
    assert [r.request.prompt == "a" for r in answer] == [True, False, False]
    assert [r.request.labels["k"] for r in answer] == [0, 1, 2]
    alone = ik.run(each, models=["pen/two"], styles=["film-noir"])
    assert alone.again(seed=3).results[0].request.model == "pen/two"


def test_a_wrong_style_of_one_of_several_prompts_is_refused_before_any_is_sent():
    script = model()

    async def each(job, styles):
        return await job.images(["a", "b"], model="lab/one", style=styles)

    for styles, words in ((["film-noir", "film-nor"], "film-noir"), (["film-noir"], "1 are given for 2 prompts")):
        with pytest.raises(InvalidInput, match=words):
            ik.run(each, styles=styles)
    assert script.calls == 0


def test_image_gives_one_picture_and_says_so():
    async def recipe(job):
        return await job.image("a", n=2)

    with pytest.raises(InvalidInput, match="one picture"):
        ik.run(recipe)


def test_an_edit_sends_the_picture_first_and_the_references_after_it():
    script = model()

    async def recipe(job):
        base = await job.image("a face", model="lab/one")
        return await job.edit(base.picture, "older", model="lab/one", references=[picture(9)], mask=picture(5))

    answer = ik.run(recipe)
    request = script.requests[1]
    base = ik.open_run("latest")[0].artifacts[0].sha256
    assert request.references[0].picture.sha256 == base
    assert len(request.references) == 2
    assert request.mask is not None
    assert answer.status == "ok"


def test_a_recipe_parameter_reaches_the_provider_as_an_option():
    script = model()
    one(mood="calm", quality="high", negative_prompt="rain", size=(640, 320))
    (request,) = script.requests
    assert (dict(request.options), request.quality, request.negative_prompt, str(request.size)) == (
        {"mood": "calm"}, "high", "rain", "640x320",
    )  # fmt: skip


def test_the_configured_model_is_used_where_none_is_named():
    script = model()
    ik.configure(model="lab/one")
    assert ik.generate("a").status == "ok"
    assert script.calls == 1


def test_the_file_format_can_be_asked_of_any_model_and_an_option_by_an_alias():
    script = model(can=Capabilities(formats=("png", "webp"), options={"mood": "the mood"}), aliases=("one-alias",))
    ik.generate("a cup", model="one-alias", output_format="webp", mood="calm")
    assert script.requests[0].options == {"output_format": "webp", "mood": "calm"}
    told = ik.generate("a cup", model="offline/poster", output_format="webp")
    assert "output_format webp → png (comparable)" in told.table()["adaptations"][0]
