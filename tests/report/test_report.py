"""``run.report``: one page that says what was asked, what holds and what does not, with every picture's recipe."""

from __future__ import annotations

import os
import re
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import imagegen_kit as ik
from imagegen_kit.cli import app
from imagegen_kit.errors import InvalidInput, StoreError
from imagegen_kit.experiments.voting import Ballot
from imagegen_kit.settings import secrets
from tests.engine.models import model, picture
from tests.experiments.ballots import MODELS, models, run_of
from tests.report.reading import Page

EVIL = '<script>alert("x")</script> & a kite'


@pytest.fixture
def run(own_registry: None):
    models()
    return run_of(6, vary={"prompt": [EVIL, *(ik.types.Prompt(f"prompt {i}", category="plain") for i in range(5))]})


@pytest.fixture(scope="module")
def written() -> dict[str, Page]:
    """A page is data once it is read, so several tests look at one."""
    return {}


@pytest.fixture
def page(request: pytest.FixtureRequest, written: dict[str, Page]) -> Page:
    """The page of a run of twelve pictures that are scored and voted on; its recipes, hashes, and places are in it."""
    if "page" not in written:
        run = request.getfixturevalue("run")
        run.score("technical", progress=False)
        ballot = Ballot(run, "model", "Ottilie Zwickel")
        for pair in ballot.open():
            ballot.choose(pair, "left")
        written["page"] = page_of(run)
        written["page"].hashes = list(run.table()["sha256"])
        written["page"].places = [str(run.path), str(Path.cwd())]
    return written["page"]


def page_of(run, **options) -> Page:
    return Page(run.report("page.html", **options))


def test_the_sections_come_in_the_order_in_which_a_reader_asks(page: Page) -> None:
    sections = re.findall(r'<section id="(\w+)"', page.html)
    assert sections == [
        "question", "answer", "design", "fairness", "pictures", "numbers", "plots", "votes", "scores", "recipes",
        "reproduce",
    ]  # fmt: skip
    assert page.headings == [1, *[2] * 11]
    assert page.open == []


def test_the_page_stands_by_itself_and_runs_nothing(page: Page) -> None:
    assert [a for a in page.addresses if not a.startswith(("data:image/webp;base64,", "#"))] == []
    assert not re.search(r"@import|url\((?!#)", page.html)
    assert "script" not in page.tags
    assert "default-src 'none'" in page.html


def test_what_was_asked_is_text_and_never_markup(page: Page) -> None:
    assert EVIL in page.words
    assert "<script" not in page.html


def test_ids_are_unique_and_every_link_leads_somewhere(page: Page) -> None:
    assert len(set(page.ids)) == len(page.ids)
    assert {a[1:] for a in page.addresses if a.startswith("#")} <= set(page.ids)


def test_every_picture_is_described_and_every_table_has_a_caption(page: Page) -> None:
    assert len(page.pictures) == 12
    assert all(picture["alt"] for picture in page.pictures)
    assert page.tables == page.captions > 5


def test_no_folder_of_this_machine_and_no_voter_is_named(page: Page) -> None:
    assert "person 1" in page.words
    for secret in ("Ottilie", *page.places, os.path.expanduser("~") + "/"):
        assert secret not in page.html


def test_where_nobody_is_ahead_nothing_is_set_as_a_claim(page: Page) -> None:
    assert "nobody is ahead" in page.said_in("answer")
    assert not re.search(r'class="claim"[^<]*nobody is ahead', page.html)


def test_votes_are_ranked_in_tiers_and_what_is_missing_is_said(page: Page) -> None:
    assert "Strengths from people's votes, in tiers" in page.words
    assert "all are in one tier" in page.words
    assert re.search(r"[\d,]+ votes missing to tell a win rate of 60% apart", page.words)


def test_a_key_that_an_error_tells_is_not_on_the_page(own_registry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "canary-" + "k7" * 14
    monkeypatch.setenv("OPENAI_API_KEY", key)
    secrets("OPENAI_API_KEY")  # handed out, as to a provider

    @ik.register(model="leaky/one", version="1", price_usd=0.0)
    def leaky(request):
        raise ValueError(f"cannot open {Path.home()}/secret/folder/file.png with {key}")

    run = ik.Experiment(vary={"prompt": [f"a {key} kite"]}, fixed={"model": "leaky/one"}, name="leaky").run(
        progress=False
    )
    page = page_of(run)
    assert "file.png" in page.words
    assert key not in page.html
    assert "secret/folder" not in page.html


def test_a_difference_is_claimed_with_its_interval_and_its_prompts(own_registry: None) -> None:
    models("zebra/one", "quokka/two", failing={"quokka/two": list(range(20))})
    page = page_of(run_of(20))
    claim = r"zebra/one is better than quokka/two on success: \+1 \[[\d.]+, 1\], 20 prompts\."
    assert re.search(claim, page.words)


def test_without_enough_prompts_nothing_is_claimed(own_registry: None) -> None:
    models()
    page = page_of(run_of(2))
    assert "Nothing can be claimed yet about model." in page.words
    assert "too few prompts: at least" in page.words
    assert " is better than " not in page.words


def test_placeholders_and_failures_are_marked_where_the_picture_would_be(own_registry: None) -> None:
    models(failing={MODELS[0]: list(range(9))})
    run = run_of(3, policy=ik.Policy(placeholder=True, attempts=1))
    page = page_of(run)
    assert page.part("pictures").count('<b class="mark">placeholder</b>') == 3
    assert page.part("pictures").count('class="shot odd"') == 3
    assert "3 placeholder" in page.words


def test_a_run_in_which_everything_failed_says_so(own_registry: None) -> None:
    models(failing={name: list(range(20)) for name in MODELS})
    page = page_of(run_of(3, policy=ik.Policy(attempts=1)))
    assert "0 of 6 requests brought a picture" in page.words
    assert "nothing can be said of quality" in page.words
    assert page.pictures == []
    assert page.part("pictures").count("failed: refused") == 6


def test_one_model_is_compared_with_nobody(own_registry: None) -> None:
    models("zebra/one")
    page = page_of(run_of(2, names=("zebra/one",)))
    assert "there is nothing to compare" in page.words
    assert "there is no pair to be unfair to" in page.words


def test_what_is_cut_is_counted(run) -> None:
    page = page_of(run, pictures=5)
    assert len(page.pictures) == 5
    assert "5 of 12 shown" in page.words


def test_unknown_costs_are_said_and_never_zero(own_registry: None) -> None:
    model("dark/one", picture(1), picture(2), price=None)
    run = ik.Experiment(vary={"prompt": ["a", "b"]}, fixed={"model": "dark/one"}).run(progress=False)
    page = page_of(run)
    assert "cost 2 unknown" in page.words
    assert re.search(r'<td class="n">unknown</td>', page.part("numbers"))


def test_pictures_made_elsewhere_are_a_page_too(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    for name in ("one", "two"):
        (folder / name).mkdir(parents=True)
        Image.new("RGB", (64, 40), (9, len(name) * 40, 9)).save(folder / name / "cup.png")
    page = page_of(ik.open_run(folder))
    assert "2 pictures made elsewhere" in page.words
    assert len(page.pictures) == 2
    assert "The experiment cannot stand in a file" in page.words
    assert str(tmp_path) not in page.html


def test_an_opened_bundle_gives_the_same_pictures(run, tmp_path: Path) -> None:
    run.export("all.zip")
    own = page_of(run)
    opened = Page(ik.open_run("all.zip").report("other.html"))
    assert [p["src"] for p in opened.pictures] == [p["src"] for p in own.pictures]
    shared = ik.open_run(run.export("shared.zip", share=True))
    assert "a kite" not in Page(shared.report("shared.html")).words


def test_the_recipe_of_a_picture_tells_its_hash_cost_and_what_was_sent(page: Page) -> None:
    recipes = page.part("recipes")
    assert recipes.count("<details") == 12
    assert all(sha256 in recipes for sha256 in page.hashes)
    assert "price when bought" in recipes
    assert "&#34;prompt&#34;: &#34;prompt 4&#34;" in recipes


def test_the_file_that_the_page_shows_is_the_experiment(own_registry: None, page: Page) -> None:
    models()
    shown = re.search(r"ballots.yaml: what was asked</figcaption>\s*<pre[^>]*><code>(.*?)</code>", page.html, re.S)
    assert shown is not None
    Path("again.yaml").write_text(unescape(shown[1]), encoding="utf-8")
    assert len(ik.Experiment.from_yaml("again.yaml")) == 12


def test_what_is_compared_may_be_named(own_registry: None) -> None:
    models()
    run = run_of(2, vary={"size": ["32x32", "64x64"]})
    assert "What difference does the size make?" in page_of(run, by="size").words
    with pytest.raises(InvalidInput, match="Did you mean 'size'"):
        run.report("page.html", by="sizes")


@pytest.mark.parametrize(
    ("given", "said"), [({"path": "page.txt"}, "ends in .html"), ({"path": "p.html", "pictures": 0}, "Give 1 or more")]
)
def test_what_is_no_page_is_refused(run, given: dict, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        run.report(**given)


def test_only_a_report_is_replaced(run, tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    target.write_text("mine", encoding="utf-8")
    with pytest.raises(InvalidInput, match="is there and no report"):
        run.report(target)
    assert target.read_text(encoding="utf-8") == "mine"
    target.unlink()
    assert run.report(run.report(target)) == target


def test_a_selection_of_nothing_is_no_report(run, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no picture is selected"):
        run.select(status="failed").report(tmp_path / "page.html")
    assert not list(tmp_path.glob("*.html"))


def test_a_page_that_cannot_be_written_leaves_nothing_behind(run, tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        run.report("page.html")
    assert not list(tmp_path.glob(".page.html*"))


def test_the_command_takes_the_latest_run_or_a_named_one(run) -> None:
    done = CliRunner().invoke(app, ["report", "first.html"])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(app, ["report", "ballots", "second.html", "--pictures", "3"])
    assert done.exit_code == 0, done.output
    assert (len(Page(Path("first.html")).pictures), len(Page(Path("second.html")).pictures)) == (12, 3)


def test_a_third_word_is_refused_by_the_command() -> None:
    done = CliRunner().invoke(app, ["report", "a", "b", "c.html"])
    assert done.exit_code == 2
    assert "one run and one page" in done.output


def test_of_pictures_made_elsewhere_a_page_says_only_what_is_known(own_registry: None, tmp_path: Path) -> None:
    for label, light in (("sd", 30), ("flux", 90)):
        (tmp_path / "mine" / label).mkdir(parents=True)
        for i in range(6):
            Image.new("RGB", (64, 40), (light, 9 * i, 9)).save(tmp_path / "mine" / label / f"{i}.png")
    scorer_of_red()
    run = ik.open_run(tmp_path / "mine").score("red", progress=False)
    page = page_of(run)
    assert page.said_in("answer").startswith("The answer 12 pictures made elsewhere; what failed is not told.")
    assert "sd is better than" not in page.words
    assert "flux is better than sd on score_red: +60 [60, 60], 6 files." in page.words.replace(
        "\N{NO-BREAK SPACE}", " "
    )
    assert "Whether seeds were sent is not known." in page.said_in("design")
    assert "nobody can say who was asked alike" in page.said_in("fairness")
    for untold in (
        "No seed was sent",
        "from the model asked",
        "repeat of each combination",
        "One model:",
        "success (",
        "model asked",
    ):
        assert untold not in page.words
    assert "success is left out: only pictures that came are here" in page.said_in("numbers")
    assert list(run.compare().metric) == ["score_red"]
    plots = page.said_in("plots")  # no axes without a mark on them, no header of what has one value alone
    assert "<svg" not in page.part("plots")
    for said in ("price and latency by label, for nothing has both", "for nothing was timed", "for no cost is known"):
        assert said in plots
    heads = re.findall(r"<th[^>]*>([^<]*)</th>", page.part("pictures"))
    assert heads == ["label: flux", "label: sd"]
    assert "Pictures: label across" in page.said_in("pictures")


def test_what_a_table_tells_of_failures_and_seeds_is_on_its_page(own_registry: None) -> None:
    rows = [
        {"picture": picture(i) if i else None, "error": None if i else "refused", "prompt": f"p {i // 2}",
         "model": ("a/b", "c/d")[i % 2], "seed": i // 2}
        for i in range(6)
    ]  # fmt: skip
    page = page_of(ik.open_run(pd.DataFrame(rows)))
    assert "5 pictures made elsewhere; of 1 more it is told that none came." in page.said_in("answer")
    assert "3 seeds told (0, 1, 2)." in page.said_in("design")
    assert "success" in page.said_in("numbers")
    assert "a/b" in page.said_in("question")


def test_pictures_made_elsewhere_without_scores_have_nothing_to_compare() -> None:
    rows = [{"picture": picture(i), "prompt": f"p {i // 2}", "model": "ab"[i % 2]} for i in range(12)]
    run = ik.open_run(pd.DataFrame(rows))
    assert run.compare().empty
    assert run.aspects().empty
    assert "Nothing can be claimed yet about model." in page_of(run).words


def test_a_pair_is_named_once_above_all_that_is_compared_of_it(page: Page) -> None:
    said = page.said_in("numbers").partition("Who is better, by model")[2]
    names = f"a: {MODELS[0]}, b: {MODELS[1]}"
    assert said.count(names) == 1
    assert said.index(names) < said.index("success") < said.index("score_technical_sharpness")
    assert "Means of pairs of one prompt; medians" in said
    assert said.partition("Category by aspect")[2].index("plain") < said.partition("Category by aspect")[2].index(
        "success"
    )


def test_of_one_prompt_nobody_says_that_nothing_differs(own_registry: None) -> None:
    models()
    words = page_of(run_of(1)).said_in("answer")
    assert "intervals are 95 %. No comparison has more than one prompt, so nothing was tested." in words
    assert "nothing differs" not in words


def scorer_of_red() -> None:
    @ik.register(scorer="red", version="1", better="higher")
    def red(subject):
        return float(subject.image.convert("RGB").getpixel((0, 0))[0])
