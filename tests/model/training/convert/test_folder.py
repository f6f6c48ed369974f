# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of recordings becomes a folder that training reads; what cannot be used is left out, with the reason."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.motion.skeleton import PARENTS
from model.training.convert import folder
from model.training.convert.clip import Clip, offsets_of, smpl_clip
from model.training.convert.filters import floor_m, pieces, unfit_frames
from model.training.convert.folder import Conversion, convert
from model.training.convert.recording import Recording
from model.training.motions import Motions
from tests.model.training.convert.test_mapping import MIXAMO, names
from tests.model.training.convert.written import TPOSE, Figure, figure, write_acclaim, write_bvh


def _clip(moved: Figure, fps: float = 30.0) -> Clip:
    local = np.stack([rotation.as_matrix() for rotation in moved.local], 1)
    return smpl_clip(Recording(moved.names, PARENTS, offsets_of(TPOSE), local, moved.root, fps))


def test_a_clean_clip_is_kept_whole() -> None:
    clip = _clip(figure())
    assert not any(unfit.any() for unfit in unfit_frames(clip).values())
    assert pieces(np.ones(60, bool), 30) == [(0, 60)]


def test_leaps_are_cut_out() -> None:
    clip = _clip(figure(frames=90))
    joints, local = clip.joints.copy(), clip.local.copy()
    joints[20, 20] += 0.3  # A wrist in one frame
    joints[45:] += [0.2, 0, 0]  # Everything, from then on
    joints[70, 15, 1] = floor_m(clip) - 0.3
    local[80:, 16] = local[80:, 16] @ np.diag([1.0, -1, -1])
    unfit = unfit_frames(replace(clip, joints=joints, local=local))
    assert set(np.flatnonzero(unfit["a limb leaps"])) == {19, 20, 21, 69, 70, 71}
    assert set(np.flatnonzero(unfit["the body leaps"])) == {44, 45}
    assert set(np.flatnonzero(unfit["a joint under the floor"])) == {70}
    assert set(np.flatnonzero(unfit["a joint turns over"])) == {80}
    fit = ~np.any(list(unfit.values()), axis=0)
    assert pieces(fit, 30) == [(22, 22), (46, 23)]  # 19, 8 and 9 frames are too few.


def test_limits_do_not_depend_on_the_frame_rate() -> None:
    """The same motion at 30 and 120 frames a second: one hundredth more or less than the limit, in m/s²."""
    for fps in (30, 120):
        time_s = np.arange(2 * fps) / fps
        for strength, limit in ((0.99, False), (1.01, True)):
            clip = _clip(figure(frames=2 * fps, fps=fps), fps)
            lift = 0.5 * 108 * strength * (time_s - 1) ** 2
            root = np.zeros((2 * fps, 1, 3)) + lift[:, None, None] * [0, 1, 0] + [0, 1, 0]
            found = unfit_frames(replace(clip, joints=clip.joints - clip.joints[:, :1] + root))
            assert found["the body leaps"].any() == limit


def test_a_folder_that_training_reads(tmp_path: Path) -> None:
    """Clips of two subjects in three formats; files that hold nothing good are named, one line each."""
    source = tmp_path / "source"
    for name in ("07", "acted/anna"):
        (source / name).mkdir(parents=True)
    write_acclaim(source / "07", "07_01", seed=1)
    posed = write_acclaim(source / "07", "07_02", seed=2)
    called = names(MIXAMO, "Left{}", "Right{}")
    write_bvh(source / "acted/anna/walk.bvh", figure(called, seed=5))
    write_bvh(source / "07/07_01.bvh", figure(called))
    write_bvh(source / "short.bvh", figure(called, frames=10))
    (source / "broken.bvh").write_text("HIERARCHY")
    (source / "07/08_01.amc").write_text("1\n")
    np.savez(source / "shape.npz", betas=np.zeros(16))
    said: list[str] = []
    files = convert(Conversion(source, tmp_path / "out", validation=("cmu007",)), said.append)
    assert [file.name for file in files] == ["cmu_train_0.npz", "cmu_val.npz"]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["cmu_train_0.npz", "cmu_val.npz"]
    for complaint in (
        "07/07_01.bvh: the same clip as 07/07_01.amc", "broken.bvh: is no BVH", "07/08_01.amc: holds no motion",
        "shape.npz: holds no poses", "short.bvh: nothing in it is fit",
    ):  # fmt: skip
        assert sum(line.startswith(complaint) for line in said) == 1, (complaint, said)

    held_out, trained = Motions(tmp_path / "out", "cmu_val.npz"), Motions(tmp_path / "out", "cmu_train_*.npz")
    assert held_out.fps == trained.fps == 30
    assert set(held_out.subjects) == {"cmu007"}
    assert set(trained.subjects) == {"anna"}
    with np.load(tmp_path / "out/cmu_val.npz", allow_pickle=False) as data:
        assert list(data["clip_name"]) == ["cmu_07_01", "cmu_07_02"]
        begin, length = int(data["clip_start"][1]), int(data["clip_len"][1])
        assert length == 60  # 240 frames at 120 frames a second
        places = data["joints"][begin : begin + length].astype(float) + data["root"][begin : begin + length, None]
        for joint, bone in ((4, "ltibia"), (8, "rfoot"), (16, "lhumerus"), (19, "rradius"), (15, "head")):
            np.testing.assert_allclose(places[:, joint], posed.begin[bone][::4], atol=1e-3)
        balls = np.minimum(posed.begin["ltoes"][::4, 1], posed.begin["rtoes"][::4, 1])
        assert np.percentile(balls, 5) == pytest.approx(data["clip_floor_y"][1], abs=1e-3)
        np.testing.assert_allclose(
            np.linalg.norm(data["clip_offsets"][1][4]), np.linalg.norm(posed.vector["lfemur"]), atol=1e-4
        )
        assert data["clip_fk_err"].max() < 5e-3
    local, root, _, leg = held_out.window(
        torch.tensor([1]), torch.tensor([0.0]), torch.tensor([59.0]), 60, torch.tensor([False])
    )
    assert local.shape == (1, 60, 24, 3, 3)
    np.testing.assert_allclose(local[0, :, 0], posed.turn["root"][::4].as_matrix(), atol=1e-4)
    floor = posed.begin["lfemur"][::4, 1] + posed.begin["rfemur"][::4, 1]
    assert abs(float(root[0, :, 1].mean()) - (floor / 2 - np.percentile(balls, 5)).mean()) < 0.03
    assert float(leg[0]) == pytest.approx(
        sum(np.linalg.norm(posed.vector[bone]) for bone in ("lfemur", "ltibia")), abs=1e-3
    )


def test_much_motion_goes_into_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "FRAMES_A_FILE", 100)
    (tmp_path / "in").mkdir()
    for number in range(3):
        write_bvh(tmp_path / f"in/{number}.bvh", figure(names(MIXAMO, "Left{}", "Right{}"), seed=number))
    files = convert(Conversion(tmp_path / "in", tmp_path / "out", name="mine"), lambda _: None)
    assert [file.name for file in files] == ["mine_train_0.npz", "mine_train_1.npz"]
    assert len(Motions(tmp_path / "out", "mine_train_*.npz").lengths) == 3


def test_a_folder_without_motion_is_an_error_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert folder.main(["--from", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert [line for line in capsys.readouterr().err.splitlines() if "no motion in" in line]


def test_an_earlier_result_is_not_mixed_with_a_new_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cmu_train_7.npz").write_bytes(b"an earlier one")
    with pytest.raises(SystemExit):
        folder.main(["--from", str(tmp_path), "--out", str(tmp_path)])
    assert "cmu_train_7.npz is there already" in capsys.readouterr().err
