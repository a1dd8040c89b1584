"""From folders of pictures to a dataset: on people made of the synthetic person of the demo clip."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

import effectcam
from effectcam.cli import main
from effectcam.distill import dataset
from effectcam.distill.curate import curate, split, weighed
from effectcam.distill.data import held_out, people
from effectcam.distill.dataset import Entry
from effectcam.distill.pairs import PairStore
from effectcam.errors import SourceError, UsageError
from effectcam.frame import Pixels

DEMO = Path(effectcam.__file__).parent / "media" / "demo.mp4"


def _somebody(frame: Pixels, number: int) -> Pixels:
    """The face of ``frame`` (BGR), longer or wider, before other walls in other colours."""
    height, width = frame.shape[:2]
    rng = np.random.default_rng(number)
    wall = cv2.resize(
        rng.integers(0, 256, (5, 7, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC
    )
    away = np.hypot(*np.meshgrid(np.linspace(-1.9, 1.9, width), np.linspace(-1.15, 1.15, height)))
    share = np.clip((away - 0.8) / 0.2, 0, 1)[..., None]
    mixed = (frame * (1 - share) + wall * share).astype(np.uint8)
    wide = width + (number - 3) * width // 20
    shaped = np.asarray(cv2.resize(mixed, (wide, height), interpolation=cv2.INTER_AREA), np.uint8)
    return np.ascontiguousarray(shaped[:, ::-1]) if number % 2 else shaped


@pytest.fixture(scope="module")
def faces() -> list[Pixels]:
    video = cv2.VideoCapture(str(DEMO))
    _, frame = video.read()
    video.release()
    return [_somebody(np.asarray(frame, np.uint8), number) for number in range(6)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, faces: list[Pixels]) -> Path:
    """Six people; one of them twice, by name; a copy, a wall, a broken file and a clip."""
    folder = tmp_path_factory.mktemp("sources") / "people"
    (folder / "clips").mkdir(parents=True)
    for number, face in enumerate(faces):
        cv2.imwrite(str(folder / f"{'abcdef'[number]}.png"), face)
    cv2.imwrite(str(folder / "zoe-1.png"), faces[0][:, ::-1])
    cv2.imwrite(str(folder / "zoe-2.png"), faces[3][:, ::-1])
    cv2.imwrite(str(folder / "copy.jpg"), cv2.resize(faces[1], None, fx=0.7, fy=0.7))
    cv2.imwrite(str(folder / "wall.png"), np.full((240, 320, 3), 90, np.uint8))
    (folder / "broken.jpg").write_bytes(b"nothing")
    shutil.copy(DEMO, folder / "clips" / "demo.mp4")
    (folder / "LICENCE").write_text("CC0, made for tests\n")
    (folder / "clips" / "source.toml").write_text('licence = "MIT"\norigin = "demo | clip"\n')
    return folder


@pytest.fixture(scope="module")
def made(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "dataset"
    steps = list(curate([folder], out, every=60))
    assert steps[-1][1:] == (12, 12)
    return out


def _refused(out: Path) -> dict[str, str]:
    rows = [json.loads(line) for line in (out / dataset.REFUSED).read_text().splitlines()]
    return {row["name"]: row["reason"] for row in rows}


def test_good_pictures_are_kept_and_each_other_has_its_reason(made: Path) -> None:
    entries = {entry.name: entry for entry in dataset.read_index(made)}
    refused = _refused(made)
    assert refused["broken.jpg"] == "unreadable"
    assert refused["wall.png"] == "no face"
    assert refused["copy.jpg"] == "near duplicate"
    assert {f"{letter}.png" for letter in "abcdef"} < set(entries)
    assert not set(entries) & set(refused)
    assert {entry.source for entry in entries.values()} == {"people", "people/clips"}
    for entry in entries.values():
        assert 1 <= entry.monk <= 10
        image, landmarks = dataset.load_picture(made, entry.key)
        inside = (landmarks[:, :2] >= 0).all() and (landmarks[:, :2] < image.shape[1::-1]).all()
        assert inside, entry.name
        # The landmarks moved with the picture.
        across = np.hypot(*(landmarks[263] - landmarks[33])[:2])
        assert 0.75 * min(entry.eye_distance, 128) < across <= 1.05 * min(entry.eye_distance, 128)


def test_a_person_stays_on_one_side(made: Path) -> None:
    entries = dataset.read_index(made)
    persons = {entry.name: entry.person for entry in entries}
    assert persons["zoe-1.png"] == persons["zoe-2.png"]
    clip = [entry for entry in entries if "#" in entry.name]
    assert len({entry.person for entry in clip}) == 1
    sides: dict[str, set[bool]] = {}
    for entry in entries:
        sides.setdefault(entry.person, set()).add(entry.split == "train")
    assert all(len(side) == 1 for side in sides.values())
    out = [entry for entry in entries if entry.split == "held-out"]
    assert len(out) == len({entry.person for entry in out}) == max(1, len(sides) // 4)
    assert all("#" not in entry.name for entry in out)


def test_the_card_counts_and_shows_nobody(made: Path) -> None:
    text = (made / "DATA.md").read_text()
    assert "CC0, made for tests" in text
    assert "demo \\| clip" in text
    entries = dataset.read_index(made)
    assert f"{len(entries)} pictures" in text
    for name in ("tones", "pose", "size", "refused"):
        plot = cv2.imread(str(made / f"{name}.png"))
        assert plot is not None
        assert f"({name}.png)" in text
        # White paper, a few colours: a plot and no photograph.
        assert (plot == 255).all(axis=2).mean() > 0.5
    assert "pictures/" not in text


def test_people_of_a_dataset_are_those_of_its_index(made: Path) -> None:
    entries = {entry.name: entry for entry in dataset.read_index(made) if entry.split != "spare"}
    crowd = list(people(made, mirrored=True))
    assert [person.name for person in crowd if not person.mirrored] == sorted(entries)
    for person in crowd:
        assert person.held_out == (entries[person.name].split == "held-out")
        assert person.weight == entries[person.name].weight
    # Mirror images of those held out would be thrown away.
    assert {p.name for p in crowd if p.mirrored} == {n for n, e in entries.items() if e.split == "train"}
    assert held_out(crowd, 1000, made) == {n for n, e in entries.items() if e.split == "held-out"}


def test_interrupted_it_goes_on_where_it_was(folder: Path, made: Path, tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    steps = curate([folder], out, every=60)
    while next(steps)[0] != "c.png":
        pass
    steps.close()  # type: ignore[attr-defined]
    assert not dataset.is_dataset(out)
    with pytest.raises(UsageError, match="is not finished"):
        next(people(out))
    # The power went in the middle of a line; what was measured before must be taken as it stands.
    log = out / dataset.LOG
    lines = log.read_text().splitlines()
    first = json.loads(lines[1]) | {"refusal": {"reason": "blur", "detail": "as remembered"}}
    log.write_text("\n".join([lines[0], json.dumps(first), *lines[2:], lines[-1][:40]]))
    list(curate([folder], out, every=60))
    assert _refused(out) == _refused(made) | {first["name"]: "blur"}
    # All but the one that was tampered with is as if nothing had happened.
    again = {entry.key for entry in dataset.read_index(out)}
    assert again == {entry.key for entry in dataset.read_index(made) if entry.name != first["name"]}


def test_the_same_sources_give_the_same_bytes_and_new_ones_are_added(
    folder: Path, made: Path, tmp_path: Path, faces: list[Pixels]
) -> None:
    before = {path.name: path.read_bytes() for path in made.rglob("*") if path.is_file()}
    list(curate([folder], made, every=60))
    assert {path.name: path.read_bytes() for path in made.rglob("*") if path.is_file()} == before
    sources, out = tmp_path / "people", tmp_path / "dataset"
    shutil.copytree(folder, sources)
    shutil.copytree(made, out)
    (key,) = (entry.key for entry in dataset.read_index(out) if entry.name == "a.png")
    (sources / "a.png").unlink()
    cv2.imwrite(str(sources / "new.png"), faces[2][:, ::-1])
    list(curate([sources], out, every=60))
    names = {entry.name for entry in dataset.read_index(out)}
    assert "new.png" in names and "a.png" not in names
    # Whoever takes a picture back takes its crop back.
    assert not dataset.has_picture(out, key)


def test_a_replaced_picture_leaves_the_old_dataset_whole_until_the_new_one_is(
    folder: Path, made: Path, tmp_path: Path, faces: list[Pixels]
) -> None:
    sources, out = tmp_path / "people", tmp_path / "dataset"
    shutil.copytree(folder, sources)
    shutil.copytree(made, out)
    before = {e.name: dataset.load_picture(out, e.key)[0] for e in dataset.read_index(out)}
    cv2.imwrite(str(sources / "a.png"), faces[2][:, ::-1])
    steps = curate([sources], out, every=60)
    assert next(steps)[0] == "a.png"
    steps.close()  # type: ignore[attr-defined]
    for entry in dataset.read_index(out):
        assert np.array_equal(dataset.load_picture(out, entry.key)[0], before[entry.name]), entry.name


def test_a_damaged_picture_is_told_with_a_way_out_that_works(
    folder: Path, made: Path, tmp_path: Path
) -> None:
    out = tmp_path / "dataset"
    shutil.copytree(made, out)
    key = dataset.read_index(out)[0].key
    file = out / dataset.PICTURES / f"{key}.npz"
    file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(SourceError, match=r"npz is missing or damaged; delete it"):
        list(curate([folder], out, every=60))
    file.unlink()
    list(curate([folder], out, every=60))
    assert dataset.load_picture(out, key)[1].shape == (478, 3)


def test_another_limit_looks_at_all_anew(folder: Path, made: Path, tmp_path: Path) -> None:
    from effectcam.distill.fitness import Limits

    out = tmp_path / "dataset"
    shutil.copytree(made, out)
    with pytest.raises(UsageError, match=r"no picture in .* is good enough \(\d+ too small"):
        list(curate([folder], out, every=60, limits=Limits(smallest=2000)))


def test_too_few_people_are_told(folder: Path, tmp_path: Path, faces: list[Pixels]) -> None:
    one = tmp_path / "one"
    one.mkdir()
    for number in (1, 2, 3):
        shutil.copy(folder / f"{'abc'[number - 1]}.png", one / f"marie-{number}.png")
    with pytest.raises(UsageError, match=r'all 3 usable pictures seem to be of one person; .*"look"'):
        list(curate([one], tmp_path / "out", licence="x"))
    (one / "source.toml").write_text('licence = "x"\npeople = "look"')
    with pytest.raises(UsageError, match="3 usable pictures of 3 people; 4 people are the least"):
        list(curate([one], tmp_path / "out"))
    walls = tmp_path / "walls"
    walls.mkdir()
    shutil.copy(folder / "wall.png", walls)
    with pytest.raises(UsageError, match="no face was found"):
        list(curate([walls], tmp_path / "walls-out", licence="x"))


def test_where_it_may_not_write(folder: Path, made: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="as its own source"):
        curate([folder], folder / "dataset")
    with pytest.raises(UsageError, match="already"):
        curate([made], tmp_path / "again")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="something else"):
        curate([folder], tmp_path)
    with pytest.raises(OSError, match=r"notes\.txt"):
        list(curate([folder], tmp_path / "notes.txt" / "dataset"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_full_disk_loses_nothing(folder: Path, made: Path, tmp_path: Path) -> None:
    import resource

    out = tmp_path / "dataset"
    shutil.copytree(made, out)
    index = (out / dataset.INDEX).read_bytes()
    (key,) = (entry.key for entry in dataset.read_index(out) if entry.name == "b.png")
    (out / dataset.PICTURES / f"{key}.png").unlink()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, before[1]))
    try:
        with pytest.raises(OSError, match=r"large.*\.png"):
            list(curate([folder], out, every=60))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(out.rglob("*.part"))
    assert (out / dataset.INDEX).read_bytes() == index
    list(curate([folder], out, every=60))
    assert (out / dataset.INDEX).read_bytes() == index


def _entry(name: str, person: str, *, monk: int = 5, tone: str = "light") -> Entry:
    return Entry(name, "s", name, person, "train", 1.0, tone, 45.0, monk, (200, 160, 130), 90.0, 0, -7, 0)


def test_rare_bands_weigh_more_and_many_pictures_of_one_person_less() -> None:
    crowd = [_entry(f"{number}.jpg", f"{number}.jpg") for number in range(60)]
    crowd += [_entry(f"c.mp4#{number}", "c.mp4#0") for number in range(36)]
    crowd += [_entry(f"d{number}.jpg", f"d{number}.jpg", monk=8) for number in range(2)]
    weights = {entry.name: entry.weight for entry in weighed(crowd)}
    assert weights["0.jpg"] == pytest.approx(6 * weights["c.mp4#0"], rel=0.02)
    assert 8 * weights["0.jpg"] < weights["d0.jpg"] <= 10
    assert np.mean(list(weights.values())) == pytest.approx(1, abs=0.02)
    # Light skin is told apart by the light above all.
    assert weighed([_entry("a", "a", monk=2), _entry("b", "b", monk=5)])[0].weight == 1


def test_held_out_people_are_spread_over_tones_and_clips_come_last() -> None:
    crowd = [_entry(f"{n:02}.jpg", f"{n:02}.jpg", tone="brown" if n < 6 else "light") for n in range(30)]
    crowd += [_entry("05-b.jpg", "05.jpg", tone="brown"), _entry("c.mp4#0", "c.mp4#0", tone="dark")]
    chosen = [entry for entry in split(crowd, 6) if entry.split == "held-out"]
    assert [sum(entry.tone == tone for entry in chosen) for tone in ("brown", "light", "dark")] == [3, 3, 0]
    everyone = split(crowd, 1000)
    assert sum(entry.split == "held-out" for entry in everyone) == 31 // 4
    twice = [entry.split for entry in everyone if entry.person == "05.jpg"]
    assert sorted(twice) in (["held-out", "spare"], ["train", "train"])
    two = split([_entry(f"{n}{m}", n) for n in "abcd" for m in "12"], 1)
    assert sorted(entry.split for entry in two) == ["held-out", "spare", *["train"] * 6]
    clips = [_entry(f"{name}.mp4#{n}", f"{name}.mp4#0") for name in "pqrs" for n in range(3)]
    parts = [entry.split for entry in split(clips, 40)]
    assert (parts.count("held-out"), parts.count("spare"), parts.count("train")) == (1, 2, 9)


def test_a_damaged_dataset_is_told(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    shutil.copytree(made, out)
    key = dataset.read_index(out)[0].key
    (out / dataset.PICTURES / f"{key}.npz").write_bytes(b"")
    with pytest.raises(SourceError, match=rf"{key}\.npz"):
        list(people(out))
    (out / dataset.INDEX).write_text('{"name": "a"}\n')
    with pytest.raises(SourceError, match="is damaged"):
        list(people(out))


def test_the_commands(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From a folder to pairs that know who is held out; and a refusal in one line."""
    bare = tmp_path / "bare"
    bare.mkdir()
    shutil.copy(folder / "a.png", bare)
    out, work = tmp_path / "dataset", tmp_path / "work"
    assert main(["distill", "data", str(bare), "--out", str(out)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "has no licence line" in told
    assert not out.exists()
    assert main(["distill", "data", str(folder), "--out", str(out), "--every", "60"]) == 0
    printed = capsys.readouterr().out
    assert "unreadable" in printed and "DATA.md" in printed
    (tmp_path / "quick.py").write_text("def teach(image, landmarks):\n    return 255 - image\n")
    recipe = tmp_path / "quick.toml"
    recipe.write_text(
        'name = "quick"\nversion = "1.0.0"\ntitle = "Q"\ndescription = "Q."\nspace = "frame"\n'
        'licence = "MIT"\nteacher = "quick:teach"\n[students.frame]\nsize = [64, 64]\n'
    )
    assert main(["distill", "pairs", str(recipe), "--data", str(out), "--work", str(work)]) == 0
    store = PairStore.load(work / "frame" / "pairs")
    entries = {entry.name: entry for entry in dataset.read_index(out)}
    measured = {name for name, held in zip(store.names, store.held_out, strict=True) if held}
    assert measured == {name for name, entry in entries.items() if entry.split == "held-out"}
    assert set(store.names) == {name for name, entry in entries.items() if entry.split != "spare"}
    assert store.weights == [entries[name].weight for name in store.names]
