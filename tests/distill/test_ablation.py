"""The tool that shows what each loss buys."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

from benchmarks.ablation import ON, main, variants
from effectcam.distill.losses import Weights, loss_names
from effectcam.distill.recipe import BUNDLED
from effectcam.errors import UsageError


def test_each_loss_is_turned_round_once() -> None:
    found = list(variants(Weights(shift=0.5)))
    assert found[0].weights == Weights(shift=0.5)
    assert [each.name for each in found if not each.muon] == ["- muon"]
    assert len(found) == 2 + len(loss_names())
    for name, variant in zip(loss_names(), found[1:-1], strict=True):
        on = getattr(found[0].weights, name)
        assert getattr(variant.weights, name) == (0 if on else ON[name])


def test_a_short_ablation_gives_one_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inputs = np.random.default_rng(0).integers(0, 256, (4, 320, 320, 3), np.uint8)
    np.save(tmp_path / "inputs.npy", inputs)
    np.save(tmp_path / "targets.npy", 255 - inputs)
    rows = [{"name": str(i), "tone": "light", "held_out": i < 1} for i in range(4)]
    (tmp_path / "pairs.json").write_text(json.dumps(rows))
    before, _, _ = (BUNDLED / "toon.toml").read_text(encoding="utf-8").partition("[students.face]")
    before = before.replace('space = "frame+face"', 'space = "face"')
    net = "widths = [8, 8, 8, 8, 8]\ndepth = 1\nexpansion = 2\n"
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(
        f"{before}[students.face]\nsize = [256, 256]\n[students.face.net]\n{net}", encoding="utf-8"
    )
    report = tmp_path / "report.json"
    call = [str(recipe), "--pairs", str(tmp_path), "--json", str(report)]
    with pytest.raises(UsageError, match="either --steps or --minutes"):
        main(call, standalone_mode=False)
    main([*call, "--steps", "2", "--only", "shift", "--only", "edge"], standalone_mode=False)
    table = capsys.readouterr().out
    assert [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("|")][2:] == [
        "as the recipe",
        "- edge",
        "+ shift",
    ]
    figures = json.loads(report.read_text())["rows"]
    assert [row["steps"] for row in figures] == [2, 2, 2]
    assert all(row["noise"] > 0 for row in figures)
