"""What a bundle never holds, and what nobody can do to a reader with one."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import subprocess
import sys
import zipfile

import pytest

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput, ProviderError
from imagegen_kit.experiments.voting import Ballot
from imagegen_kit.imaging import provenance
from tests.engine.models import model, picture

pytestmark = pytest.mark.usefixtures("own_registry")


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def everything(path):
    """All bytes of a bundle, packed and unpacked."""
    return path.read_bytes() + b"\n".join(members(path).values())


def canary_run(tmp_path):
    """A run in which everything private stands somewhere."""
    model("lab/one", None, ProviderError(f"no: {tmp_path}/secret/file at 10.0.0.7", paid=False), price=0.02)
    reference = tmp_path / "canary-reference.png"
    reference.write_bytes(picture(3))
    experiment = ik.Experiment(
        vary={"prompt": ["a canaryprompt at sea", "two canaryboats"]},
        fixed={
            "model": "lab/one", "seed": 4, "negative_prompt": "canaryrain",
            "style": ik.Style("noir", text="canaryfilm"),
            "references": [ik.Reference(reference, name="canaryname", role="style")],
        },
        name="shown",
        policy=ik.Policy(concurrency=1, attempts=1),
    )  # fmt: skip
    return experiment.run(progress=False), hashlib.sha256(reference.read_bytes()).hexdigest()


SCRIPT = """
import getpass, os, socket, sys
import imagegen_kit as ik
from imagegen_kit.errors import ProviderError
from pathlib import Path

@ik.register(model="lab/one", seed=True, version="1")
def draw(request):
    if "boats" in request.prompt:
        raise ProviderError(
            f"no {Path.home()}/x/y.png, {Path.cwd()}/z, by {getpass.getuser()} on {socket.gethostname()}",
            paid=False,
        )
    from PIL import Image
    return Image.new("RGB", (32, 32), (request.seed, 3, 3))

async def own(job, prompt, photo):
    return await job.image(prompt, model="lab/one", seed=3)

ik.configure(keys={"LAB_API_KEY": os.environ["LAB_API_KEY"]})
exp = ik.Experiment(own, vary={"prompt": ["a kite", "boats"]}, fixed={"photo": Path.home() / "private" / "me.png"})
run = exp.run(progress=False)
assert "failed" in set(run.table()["status"])
run.export(sys.argv[1]); run.export(sys.argv[2], share=True)
"""


def test_no_key_and_nothing_of_the_machine_is_in_a_bundle(tmp_path):
    """User, host, home, store and working directory appear in errors and parameters of the run, and in no bundle."""
    home, work = tmp_path / "homecanary", tmp_path / "workcanary"
    home.mkdir()
    work.mkdir()
    key = "key-" + os.urandom(12).hex()
    environment = {**os.environ, "HOME": str(home), "LOGNAME": "usercanary", "LAB_API_KEY": key}
    host = subprocess.run(
        [sys.executable, "-c", "import socket; print(socket.gethostname())"], capture_output=True, text=True
    )
    paths = [tmp_path / "whole.zip", tmp_path / "shared.zip"]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, paths)], cwd=work, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for path in paths:
        found = everything(path)
        private = [key, key[4:16], "homecanary", "workcanary", "usercanary", str(tmp_path)]
        assert [word for word in private if word.encode() in found] == []
        texts = b"".join(data for name, data in members(path).items() if not name.startswith("pictures/"))
        assert not re.search(rf"\b{re.escape(host.stdout.strip())}\b".encode(), texts)
        assert b"boats" in found or path.name == "shared.zip"
    (row,) = [json.loads(x) for x in members(paths[0])["journal/cell_ends.jsonl"].splitlines()[1:] if b"failed" in x]
    assert "…/y.png" in str(row)
    assert "by … on …" in str(row)


def test_a_shared_bundle_tells_nothing_of_what_was_asked(tmp_path):
    run, reference = canary_run(tmp_path)
    original = next(r for r in run if r.artifacts).artifacts[0].sha256
    asked = [json.loads(row[0]) for row in run._store.journal.read("SELECT asked FROM requests")]
    keys = [row[0] for row in run._store.journal.read("SELECT key FROM requests")]
    whole, shared = run.export(tmp_path / "whole.zip"), run.export(tmp_path / "shared.zip", share=True)
    private = ["canary", "at sea", "two ", reference, reference[:12], asked[0]["prompt"], "10.0.0.7", *keys]
    found = everything(whole)
    assert [word for word in private if word.encode() not in found] == []  # the scan finds what is there
    found = everything(shared)
    assert [word for word in private if word.encode() in found] == []
    assert original.encode() in found  # the shared copy names what it was made from


def test_a_shared_bundle_says_what_it_came_to(tmp_path):
    run, _ = canary_run(tmp_path)
    table, costs = run.table(), run.costs().to_csv()
    opened = ik.open_run(run.export(tmp_path / "shared.zip", share=True))
    shared = opened.table()
    same = [
        "run_id",
        "cell",
        "model",
        "seed",
        "style",
        "status",
        "cost_usd",
        "price_usd",
        "cost_basis",
        "seconds",
        "width",
    ]
    assert shared[same].to_csv() == table[same].to_csv()
    assert opened.costs().to_csv() == costs
    assert shared["prompt"].tolist() == ["prompt 1", "prompt 2"]
    assert shared["negative_prompt"].tolist() == ["negative_prompt 1"] * 2
    assert shared["reference_ids"].tolist() == [("reference 1",)] * 2
    assert shared["error"].dropna().tolist() == ["ProviderError"]
    (number,) = table.index[table["status"] == "ok"]
    made = opened[number].artifacts[0]
    record = provenance.read(made.bytes)
    assert record["parents"] == [table["sha256"][number]]
    assert record["digital_source_type"].endswith("compositeWithTrainedAlgorithmicMedia")
    assert made.image.tobytes() == run[number].artifacts[0].image.tobytes()
    assert "<img" in opened._repr_html_()
    with pytest.raises(InvalidInput, match="shared without its prompts"):
        _ = opened.experiment


def test_sharing_what_was_shared_changes_nothing(tmp_path):
    run, _ = canary_run(tmp_path)
    first = run.export(tmp_path / "a" / "s.zip", share=True)
    assert ik.open_run(first).export(tmp_path / "b" / "s.zip", share=True).read_bytes() == first.read_bytes()
    assert ik.open_run(first).export(tmp_path / "c" / "s.zip").read_bytes() == first.read_bytes()


# ---------------------------------------------------------------- hostile bundles


@pytest.fixture
def bundle(tmp_path):
    model()
    run = ik.Experiment(vary={"prompt": ["a", "b"], "seed": [1, 2]}, fixed={"model": "lab/one"}).run(progress=False)
    Ballot(run, by="seed")
    return run.export(tmp_path / "sound.zip")


def remade(bundle, change, *, seal=True):
    """Write the bundle anew after ``change(members)``; with ``seal`` the manifest is made to agree."""
    found = members(bundle)
    change(found)
    if seal and "manifest.json" in found:
        manifest = json.loads(found["manifest.json"])
        manifest["members"] = {
            n: {"sha256": hashlib.sha256(b).hexdigest(), "bytes": len(b)}
            for n, b in found.items()
            if n != "manifest.json"
        }
        found["manifest.json"] = json.dumps(manifest).encode()
    path = bundle.with_name("hostile.zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in found.items():
            archive.writestr(name, data)
    return path


def edited(table, old, new):
    def change(found):
        name = f"journal/{table}.jsonl"
        text = found[name].decode()
        assert old in text
        found[name] = text.replace(old, new).encode()

    return change


def edited_manifest(**changes):
    def change(found):
        found["manifest.json"] = json.dumps({**json.loads(found["manifest.json"]), **changes}).encode()

    return change


def first_picture(found):
    return next(name for name in found if name.startswith("pictures/"))


def flip(found):
    data = bytearray(found[first_picture(found)])
    data[40] ^= 1
    found[first_picture(found)] = bytes(data)


def adding(name, data=b"x"):
    return lambda found: found.update({name: data})


def spec_of_a_list(found):
    found["journal/runs.jsonl"] = re.sub(rb'"\{.*?\}",4,', b'"[]",4,', found["journal/runs.jsonl"])


def cut_line(found):
    found["journal/results.jsonl"] = found["journal/results.jsonl"][:-30]


def row_twice(found):
    found["journal/cells.jsonl"] += found["journal/cells.jsonl"].split(b"\n")[1]


INJECTION = '"position) VALUES (1); DROP TABLE runs; --"'
CHANGED, UNNAMED, LATER = "its bytes have changed", "no name that a bundle has", "later version made it"
HOSTILE = {
    "a name that climbs": (adding("../../escaped.png"), True, UNNAMED),
    "an absolute name": (adding("/etc/escaped"), True, UNNAMED),
    "a name of Windows": (adding("pictures\\..\\..\\x.png"), True, UNNAMED),
    "a pickle": (adding("journal.pkl"), True, UNNAMED),
    "a database": (adding("journal.sqlite"), True, UNNAMED),
    "a file that the manifest does not name": (adding(f"pictures/{'0' * 64}.png"), False, "not in the manifest"),
    "a file that is gone": (lambda found: found.pop(first_picture(found)), False, "is missing"),
    "a changed byte": (flip, False, CHANGED),
    "a changed byte and a manifest that agrees": (flip, True, "does not have the hash that it is named by"),
    "a changed row": (edited("results", "lab/one", "lab/two"), False, CHANGED),
    "no manifest": (lambda found: found.pop("manifest.json"), False, "has no manifest"),
    "a manifest that is none": (adding("manifest.json", b"[1]"), False, "manifest cannot be read"),
    "a deep manifest": (adding("manifest.json", b"[" * 100_000), False, "manifest cannot be read"),
    "a later version": (edited_manifest(bundle=2, made_by="kit 9.9"), True, r"later version \(kit 9.9\)"),
    "another run": (edited_manifest(run={"id": "other"}), True, "not hold the one run"),
    "a table that nobody knows": (adding("journal/triggers.jsonl", b"[]\n"), True, "no such table"),
    "a column that nobody knows": (edited("cells", '"position"', '"position2"'), True, LATER),
    "SQL for a column": (edited("cells", '"position"', INJECTION), True, LATER),
    "a format that is a path": (edited("results", '"png"', '"../../../etc/passwd"'), True, "is no format"),
    "text for a number": (edited("cells", ",0,0,", ',"zero",0,'), True, "position is not of the kind int"),
    "a list for a value": (edited("runs", '"imagegen_kit.recipes.picture:image"', "[1]"), True, "neither text nor"),
    "a number beyond all": (edited("cells", ",0,0,", f",0,{10**20},"), True, "neither text nor a number"),
    "an event of nobody's vote": (edited("events", '"ballot"', '"adopted"'), True, "nothing that a vote needs"),
    "a ballot without its seed": (edited("events", '\\"seed\\"', '\\"speed\\"'), True, "nothing that a vote needs"),
    "a ballot of a list": (edited("events", '\\"me\\"', "[1]"), True, "nothing that a vote needs"),
    "a spec that is no mapping": (spec_of_a_list, True, "is no mapping"),
    "NaN": (edited("results", ",0.0,", ",NaN,"), True, "is no number"),
    "a line that is cut": (cut_line, True, "cannot be read"),
    "rows twice": (row_twice, True, "rows cannot be read"),
}


@pytest.mark.parametrize(("change", "seal", "said"), HOSTILE.values(), ids=HOSTILE)
def test_a_bundle_that_was_tampered_with_is_refused_and_leaves_nothing(tmp_path, bundle, change, seal, said):
    path = remade(bundle, change, seal=seal)
    before = sorted(p for p in tmp_path.rglob("*"))
    with pytest.raises(InvalidInput, match=said) as error:
        ik.open_run(path)
    assert "hostile.zip" in str(error.value)
    left = {p for p in tmp_path.rglob("*")} - set(before) - {tmp_path / "imagegen-store" / "bundles"}
    assert left == set()


def written(path, *entries, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for info, data in entries:
            archive.writestr(info, data)
    return path


def with_entries(bundle, *more):
    """The bundle with further entries, named in the manifest as they are."""
    found = members(bundle)
    manifest = json.loads(found.pop("manifest.json"))
    for info, data in more:
        manifest["members"][info.filename] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    entries = [(zipfile.ZipInfo(n), b) for n, b in found.items()]
    last = (zipfile.ZipInfo("manifest.json"), json.dumps(manifest).encode())
    return written(bundle.with_name("hostile.zip"), *entries, *more, last)


def test_a_link_in_a_bundle_is_refused(bundle):
    info = zipfile.ZipInfo(f"pictures/{'a' * 64}.png")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(InvalidInput, match="no plain file"):
        ik.open_run(with_entries(bundle, (info, b"/etc/passwd")))


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_a_name_that_is_there_twice_is_refused(bundle):
    with pytest.raises(InvalidInput, match=r"README\.txt is there twice"):
        ik.open_run(with_entries(bundle, (zipfile.ZipInfo("README.txt"), b"other")))


def test_a_member_that_unpacks_to_far_more_than_it_is_is_refused_unread(bundle):
    info = zipfile.ZipInfo(f"pictures/{'b' * 64}.png")
    info.compress_type = zipfile.ZIP_DEFLATED
    with pytest.raises(InvalidInput, match="would unpack to 200 MiB"):
        ik.open_run(with_entries(bundle, (info, bytes(200 << 20))))


def test_a_member_that_lies_about_its_length_is_refused(bundle):
    data = bytearray(bundle.read_bytes())
    at = data.rindex(b"PK\x01\x02")  # the manifest's entry in the directory at the end
    data[at + 24 : at + 28] = (5).to_bytes(4, "little")
    path = bundle.with_name("hostile.zip")
    path.write_bytes(data)
    with pytest.raises(InvalidInput, match=r"hostile\.zip"):
        ik.open_run(path)


@pytest.mark.parametrize("cut", [0, 1, 10, 200, -400, -1])
def test_a_file_that_is_cut_or_none_at_all_is_refused(bundle, cut):
    path = bundle.with_name("hostile.zip")
    path.write_bytes(bundle.read_bytes()[:cut])
    with pytest.raises(InvalidInput, match=r"hostile\.zip"):
        ik.open_run(path)


def test_what_is_there_already_is_opened_at_once_and_only_once(bundle):
    first, second = ik.open_run(bundle), ik.open_run(bundle)
    assert first._store is second._store
    assert first.path.parent.name == "bundles"


@pytest.mark.parametrize(
    ("path", "said"), [("run.tar", "does not end in .zip"), (".", "is a folder")], ids=["another suffix", "a folder"]
)
def test_a_bundle_is_a_zip_file(bundle, path, said):
    with pytest.raises(InvalidInput, match=said):
        ik.open_run(bundle).export(path)


def test_a_selection_is_not_exported_as_if_it_were_the_run(bundle):
    with pytest.raises(InvalidInput, match="this is a selection"):
        ik.open_run(bundle).select(prompt="a").export("x.zip")
    with pytest.raises(InvalidInput, match="'small' is not a choice"):
        ik.open_run(bundle).export("x.zip", pictures="small")
