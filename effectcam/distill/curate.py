"""From folders of portraits and clips to a dataset: look, refuse, tell people apart, split, weigh, write."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from effectcam.distill import data, dataset
from effectcam.distill.data_card import write_card
from effectcam.distill.dataset import Entry, Split
from effectcam.distill.fitness import Limits, Refusal
from effectcam.distill.likeness import persons, repeats
from effectcam.distill.sources import Source, find_sources
from effectcam.distill.survey import Face, Sighting, Survey
from effectcam.errors import UsageError

FEWEST_PEOPLE = 4
"""The least that leave somebody to measure on, and more than somebody to learn from."""

_EVENNESS = 0.85
"""Exponent of how rare a band is: 1 would show all bands equally often, and the one dark man of a folder
in every batch."""
_MOST_WEIGHT = 10.0
_LIGHTEST_APART = 5
"""Bands up to this one are weighed as one: what separates them in photographs is mostly the light."""


@dataclass(frozen=True)
class Curation:
    """What became of the sources."""

    entries: list[Entry]
    refused: list[Sighting]

    @property
    def people(self) -> int:
        return len({entry.person for entry in self.entries})

    @property
    def held_out(self) -> int:
        return sum(entry.split == "held-out" for entry in self.entries)


def curate(
    folders: Sequence[Path],
    out: Path,
    *,
    licence: str = "",
    limits: Limits | None = None,
    every: int = 20,
    hold_out: int = 40,
) -> Iterator[tuple[str, int, int]]:
    """Make or bring up to date the dataset ``out`` from ``folders``; yields (name, files done, files in
    all) after each picture and frame. Interrupted at any moment, it goes on from there the next time.

    ``licence`` speaks for folders without a notice of their own (see `find_sources`). ``hold_out`` people
    are kept to measure on, at most a quarter. The result lies in ``out``: `dataset.read_index`, ``DATA.md``.

    Raises UsageError, at once for sources without a licence line, in the end for those without a usable
    face and of too few people; OSError when ``out`` cannot be written.
    """
    sources = _checked(folders, out, licence)
    return _curate(sources, out, limits or Limits(), every, hold_out)


def _curate(
    sources: Sequence[Source], out: Path, limits: Limits, every: int, hold_out: int
) -> Iterator[tuple[str, int, int]]:
    total = sum(len(source.files) for source in sources)
    sightings: list[Sighting] = []
    done = 0
    with Survey(out, limits=limits, every=every) as survey:
        for source in sources:
            for name in source.files:
                for sighting in survey.look(source, name):
                    sightings.append(sighting)
                    yield sighting.name, done, total
                done += 1
                yield name, done, total
        curation = select(sightings, sources, out, hold_out=hold_out)
        _publish(curation, sources, limits, out)
        survey.tidy(sightings)


def select(
    sightings: Sequence[Sighting], sources: Sequence[Source], folder: Path, *, hold_out: int
) -> Curation:
    """Decide what counts and what for. The same sightings give the same answer, in whatever order."""
    usable = [(sighting, sighting.face) for sighting in sightings if sighting.face and sighting.usable]
    if not usable:
        raise UsageError(_nothing(sightings, sources))
    usable.sort(key=lambda pair: (*_rank(pair[1]), pair[0].name))
    refused = [sighting for sighting in sightings if not sighting.usable]
    kept: list[tuple[Sighting, Face]] = []
    for pair, same in zip(usable, repeats([bytes.fromhex(f.fingerprint) for _, f in usable]), strict=True):
        if same is None:
            kept.append(pair)
        else:
            refusal = Refusal("near duplicate", f"of {usable[same][0].name}")
            refused.append(dataclasses.replace(pair[0], refusal=refusal))
    kept.sort(key=lambda pair: pair[0].name)
    ways = {source.name: source.notice.people for source in sources}
    who = persons(
        [sighting.name for sighting, _ in kept],
        np.stack([dataset.load_thumbnail(folder, face.key) for _, face in kept]),
        [ways[sighting.source] for sighting, _ in kept],
    )
    _demand_people(who, kept)
    entries = [
        Entry(
            name=sighting.name,
            source=sighting.source,
            key=face.key,
            person=person,
            split="train",
            weight=1.0,
            tone=face.tone,
            angle=face.angle,
            monk=face.monk,
            skin=face.skin,
            eye_distance=face.fitness.eye_distance,
            yaw=face.fitness.yaw,
            pitch=face.fitness.pitch,
            roll=face.fitness.roll,
        )
        for (sighting, face), person in zip(kept, who, strict=True)
    ]
    return Curation(weighed(split(entries, hold_out)), sorted(refused, key=lambda s: s.name))


def split(entries: Sequence[Entry], count: int) -> list[Entry]:
    """Hold out ``count`` people, at most a quarter, spread over the tones: one picture of each to measure
    on, the largest, so that a person counts once; the others of that person are spare. People who
    are in clips alone are held out only when there are not enough portraits."""
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.person].append(entry)
    shown = {
        person: min(group, key=lambda e: ("#" in e.name, abs(e.yaw) > 20, -e.eye_distance, e.name))
        for person, group in groups.items()
    }
    wanted = max(1, min(count, len(groups) // 4))
    portraits = [(entry.name, entry.tone) for entry in shown.values() if "#" not in entry.name]
    chosen = data.hold_out(portraits, wanted)
    clips = [(entry.name, entry.tone) for entry in shown.values() if "#" in entry.name]
    chosen |= data.hold_out(clips, wanted - len(chosen))
    parts: dict[str, Split] = {}
    for person, group in groups.items():
        for entry in group:
            out = shown[person].name in chosen
            parts[entry.name] = "train" if not out else "held-out" if entry is shown[person] else "spare"
    return [dataclasses.replace(entry, split=parts[entry.name]) for entry in entries]


def weighed(entries: Sequence[Entry]) -> list[Entry]:
    """How often to show each: rare bands of the Monk scale more often than they come, nearly as often as
    common ones (1 to 5 count as one band), and a person's pictures together only as often as the square
    root of their number."""
    trained = [entry for entry in entries if entry.split == "train"]
    of_person = Counter(entry.person for entry in trained)
    shares = {entry.name: of_person[entry.person] ** -0.5 for entry in trained}
    in_band: dict[int, float] = defaultdict(float)
    for entry in trained:
        in_band[_weighed_as(entry)] += shares[entry.name]
    weights = {
        entry.name: shares[entry.name] * in_band[_weighed_as(entry)] ** -_EVENNESS for entry in trained
    }
    for _ in range(8):
        # Capping lowers the mean, and setting it right lifts some above the cap again.
        mean = sum(weights.values()) / len(weights)
        weights = {name: min(weight / mean, _MOST_WEIGHT) for name, weight in weights.items()}
    return [dataclasses.replace(entry, weight=round(weights.get(entry.name, 0.0), 3)) for entry in entries]


def _weighed_as(entry: Entry) -> int:
    return max(entry.monk, _LIGHTEST_APART)


def _checked(folders: Sequence[Path], out: Path, licence: str) -> list[Source]:
    """The sources, once nothing speaks against reading them and writing ``out``."""
    place = out.resolve()
    for folder in folders:
        if dataset.is_dataset(folder) or dataset.is_unfinished(folder):
            raise UsageError(f"{folder} is a curated folder already; give the folders that it was made from")
        if place == folder.resolve() or folder.resolve() in place.parents:
            raise UsageError(
                f"{out} lies in {folder}, and would be read as its own source; choose another --out"
            )
    if out.is_dir() and any(out.iterdir()) and not (out / dataset.LOG).is_file():
        raise UsageError(f"{out} holds something else; give --out a new folder")
    return find_sources(folders, licence=licence)


def _rank(face: Face) -> tuple[float, float]:
    """Of copies the larger one stays, of equally large ones the sharper."""
    return -round(face.fitness.eye_distance), face.fitness.blur


def _nothing(sightings: Sequence[Sighting], sources: Sequence[Source]) -> str:
    where = ", ".join(str(source.folder) for source in sources)
    if not any(sighting.face or _has_faces(sighting) for sighting in sightings):
        return f"no face was found in {where}; give portraits or clips with a face in view"
    reasons = Counter(sighting.refusal.reason for sighting in sightings if sighting.refusal)
    told = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    return f"no picture in {where} is good enough ({told}); bring others, or loosen the limits"


def _has_faces(sighting: Sighting) -> bool:
    return sighting.refusal is not None and sighting.refusal.reason == "several faces"


def _demand_people(who: Sequence[str], kept: Sequence[tuple[Sighting, Face]]) -> None:
    people = set(who)
    if len(people) == 1 and len(kept) > 1:
        raise UsageError(
            f"all {len(kept)} usable pictures seem to be of one person; bring others, or, if it is several "
            'people and only their names are alike, put people = "look" into source.toml'
        )
    if len(people) < FEWEST_PEOPLE:
        raise UsageError(
            f"{len(kept)} usable {'picture' if len(kept) == 1 else 'pictures'} of {len(people)} "
            f"{'person' if len(people) == 1 else 'people'}; {FEWEST_PEOPLE} people are the least that leave "
            "somebody to measure on"
        )


def _publish(curation: Curation, sources: Sequence[Source], limits: Limits, out: Path) -> None:
    """Everything but the index first: a folder whose index is there is whole."""
    rows = [
        {"name": sighting.name, "source": sighting.source, **dataclasses.asdict(sighting.refusal)}
        | ({"tone": sighting.face.tone, "monk": sighting.face.monk} if sighting.face else {})
        for sighting in curation.refused
        if sighting.refusal
    ]
    refused = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    dataset.put(out / dataset.REFUSED, refused.encode())
    dataset.put(out / dataset.ABOUT, _about(curation, sources, limits).encode())
    write_card(out, curation.entries, curation.refused, sources, limits)
    dataset.put(out / dataset.INDEX, dataset.lines(curation.entries))


def _about(curation: Curation, sources: Sequence[Source], limits: Limits) -> str:
    counts = Counter(entry.split for entry in curation.entries)
    lines = [
        "format = 1",
        f"pictures = {len(curation.entries)}",
        f"people = {curation.people}",
        f"train = {counts['train']}",
        f"held-out = {counts['held-out']}",
        f"spare = {counts['spare']}",
        f"refused = {len(curation.refused)}",
        "",
        "[limits]",
        *(f"{name} = {value}" for name, value in dataclasses.asdict(limits).items()),
    ]
    for source in sources:
        lines += ["", "[[sources]]", f"name = {_quoted(source.name)}"]
        lines += [f"licence = {_quoted(source.notice.licence)}", f"origin = {_quoted(source.notice.origin)}"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's, but for DEL, which TOML wants escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
