# SPDX-License-Identifier: GPL-3.0-or-later
"""Calibrations, points and videos of a folder; and one folder, painted here, through the whole product."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from model.evaluation.evaluate import main
from model.evaluation.methods import BODY, DETECTOR, LIFTER, NETWORK
from model.evaluation.shots import LIMBS, SourceError
from model.evaluation.sources.camera import Camera, read_cameras
from model.evaluation.sources.footage import Reference
from model.evaluation.sources.multiview import paired
from model.evaluation.sources.points import Points, limbs, read_points
from model.footage import write_video
from model.motion.rotations import matrix_from_axis_angle
from tests.model.synthetic.picture import HEIGHT, WIDTH, camera, pictures
from tests.model.synthetic.walk import BODY as WALKER
from tests.model.synthetic.walk import FPS, walk

FRAMES = 16
RANDOM = np.random.default_rng(0)
TURN = matrix_from_axis_angle(np.array([0.3, -1.2, 0.7]))
NAMES = ["LShoulder", "RShoulder", "LElbow", "RElbow", "LWrist", "RWrist", "LHip", "RHip", "LKnee", "RKnee"]
NAMES += ["LAnkle", "RAnkle", "Nose"]
"""As Pose2Sim calls them."""


def test_a_camera_is_read_however_its_rotation_is_written(tmp_path: Path) -> None:
    vector = cv2.Rodrigues(TURN)[0].ravel().tolist()
    (tmp_path / "a.toml").write_text(
        f"""[cam_01]
name = "cam01"
size = [1088.0, 1920.0]
matrix = [[1681.0, 0.0, 533.0], [0.0, 1680.0, 948.0], [0.0, 0.0, 1.0]]
distortions = [-0.05, 0.01, 0.001, 0.002]
rotation = {vector}
translation = [300.0, 900.0, 2900.0]
fisheye = false

[metadata]
error = 0.0
"""
    )
    described = {"K": [[1681, 0, 533], [0, 1680, 948], [0, 0, 1]], "R": TURN.tolist(), "t": [0.3, 0.9, 2.9]}
    (tmp_path / "b.json").write_text(json.dumps({"cameras": [{"name": "cam01", **described}]}))
    (first,), (second,) = (read_cameras(tmp_path / name) for name in ("a.toml", "b.json"))
    for one in (first, second):
        assert one.name == "cam01"
        np.testing.assert_allclose(one.rotation, TURN, atol=1e-12)
        np.testing.assert_allclose(one.translation, [0.3, 0.9, 2.9])
    assert not second.distortion.any()


@pytest.mark.parametrize("fisheye", [False, True])
def test_rays_undo_the_lens(fisheye: bool) -> None:
    lens = np.array([-0.2, 0.05, 0.001, -0.002])
    one = Camera("a", np.array([[800.0, 0, 320], [0, 820, 240], [0, 0, 1]]), lens, fisheye=fisheye)
    points = np.array([[0.4, -0.3, 2.0], [-0.5, 0.5, 3.0], [0, 0, 1.0]])
    np.testing.assert_allclose(one.rays(one.pixels(points)), points[:, :2] / points[:, 2:], atol=1e-5)
    assert np.isnan(one.pixels(points * [1, 1, -1])).all()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"rotation": [[1, 0, 0], [0, 2, 0], [0, 0, 1]]}, "neither a rotation matrix"),
        ({"translation": None}, "no translation"),
        ({"translation": ["a", "b", "c"]}, "no numbers"),
        ({"matrix": None}, "describes no camera"),
        ({"matrix": [1, 2, 3]}, "expected (3, 3)"),
    ],
)
def test_a_wrong_calibration_says_what_is_wrong(tmp_path: Path, wrong: dict, said: str) -> None:
    right = {"matrix": np.eye(3).tolist(), "rotation": [0, 0, 0], "translation": [0, 0, 1]}
    described = {name: value for name, value in (right | wrong).items() if value is not None}
    (tmp_path / "calib.json").write_text(json.dumps({"one": described}))
    with pytest.raises(SourceError, match=said.replace("(", r"\(").replace(")", r"\)")):
        read_cameras(tmp_path / "calib.json")


def written_trc(path: Path, names: list[str], points: np.ndarray, fps: float, units: str) -> Path:
    """Points (N, P, 3) as OpenSim writes them; NaN is left empty."""
    rows = [
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"{fps}\t{fps}\t{len(points)}\t{len(names)}\t{units}\t{fps}\t0\t{len(points)}",
        "Frame#\tTime\t" + "".join(f"{name}\t\t\t" for name in names),
        "\t\t" + "".join(f"X{k}\tY{k}\tZ{k}\t" for k in range(1, len(names) + 1)),
    ]
    for k, frame in enumerate(points):
        cells = ["" if np.isnan(value) else f"{value:.6f}" for value in frame.ravel()]
        rows.append(f"{k}\t{k / fps:.5f}\t" + "\t".join(cells))
    path.write_text("\n".join(rows) + "\n")
    return path


def test_points_come_back_from_a_trc_and_an_npz(tmp_path: Path) -> None:
    points = RANDOM.normal(size=(5, 13, 3))
    points[2, 4] = np.nan
    found = read_points(written_trc(tmp_path / "a.trc", NAMES, 1000 * points, 50, "mm"))
    assert found.names == tuple(NAMES)
    np.testing.assert_allclose(found.positions, points, atol=1e-8)
    np.testing.assert_allclose(found.time_s, np.arange(5) / 50)
    np.savez(tmp_path / "a.npz", points=points, names=NAMES, fps=50.0)
    same = read_points(tmp_path / "a.npz")
    np.testing.assert_allclose(same.positions, points)
    np.testing.assert_allclose(same.time_s, found.time_s)


def test_joints_are_found_by_name_or_by_a_table() -> None:
    points = Points(tuple(NAMES), np.zeros(1), RANDOM.normal(size=(1, 13, 3)))
    np.testing.assert_array_equal(limbs(points), points.positions[:, :12])
    table = {"left_knee": ["LHip", "l_ankle"]}
    np.testing.assert_allclose(limbs(points, table)[:, 8], points.positions[:, [6, 10]].mean(1))
    lacking = Points(tuple(NAMES[1:]), np.zeros(1), points.positions[:, 1:])
    with pytest.raises(SourceError, match=r"no points for left_shoulder .*There are: RShoulder"):
        limbs(lacking)
    with pytest.raises(SourceError, match=r"right_hip \(RASI, RPSI\)"):
        limbs(points, {"right_hip": ["RASI", "RPSI"]})


def test_cameras_find_their_videos() -> None:
    cameras = [Camera(name, np.eye(3)) for name in ("cam_01", "int_cam2_img")]
    videos = [Path("b/cam2.mp4"), Path("a/cam01.mp4")]
    assert [video.name for _, video in paired(cameras, videos)] == ["cam01.mp4", "cam2.mp4"]
    with pytest.raises(SourceError, match=r"camera cam3 no video fits. There are: cam2.mp4, cam01.mp4"):
        paired([Camera("cam3", np.eye(3))], videos)


def test_a_reference_is_known_between_its_frames_and_not_beyond() -> None:
    time_s = np.array([0, 0.1, 0.2, 0.3, 0.9, 1.0])
    values = np.arange(6.0)[:, None, None] * np.ones((12, 3))
    values[2] = np.nan
    found = Reference(time_s, values).at(np.array([0.05, 0.1, 0.15, 0.3, 0.6, 0.95, 1.2]))[:, 0, 0]
    np.testing.assert_allclose(found, [0.5, 1, np.nan, 3, np.nan, 4.5, np.nan])


def bent(frames: Iterator[np.ndarray], lens: Camera) -> Iterator[np.ndarray]:
    """Pictures of a pinhole camera as a lens shows them."""
    rays = lens.rays(np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)), -1).astype(float))
    straight = (rays * [lens.matrix[0, 0], lens.matrix[1, 1]] + lens.matrix[:2, 2]).astype(np.float32)
    for frame in frames:
        yield cv2.remap(frame, straight, None, cv2.INTER_LINEAR)


def painted(folder: Path) -> Path:
    """A folder with a walk before two cameras, one of them rolled and with a bent lens; its points are Y up."""
    truth = walk(np.array([1.0, 0, 0]), np.zeros(3))
    level = camera()
    roll = matrix_from_axis_angle(np.array([0, 0, 0.2]))
    views = [
        Camera("cam_1", level.matrix, np.zeros(4), level.rotation, level.translation),
        Camera("cam_2", level.matrix, np.array([-0.15, 0.03, 0, 0]), roll @ level.rotation, roll @ level.translation),
    ]
    lines = []
    for number, view in enumerate(views, 1):
        frames = pictures(truth.vertices[:FRAMES], replace(level, rotation=view.rotation, translation=view.translation))
        (folder / "videos").mkdir(exist_ok=True)
        write_video(folder / "videos" / f"cam{number:02d}.mp4", bent(frames, view), FPS)
        rotation = cv2.Rodrigues(view.rotation)[0].ravel()
        lines += [f"[{view.name}]", f"matrix = {view.matrix.tolist()}", f"distortions = {view.distortion.tolist()}"]
        lines += [f"rotation = {rotation.tolist()}", f"translation = {view.translation.tolist()}", ""]
    (folder / "Calib.toml").write_text("\n".join(lines))
    (folder / "Config.toml").write_text('[project]\nname = "a walk"\n')
    points = (WALKER.keypoint_regressor.to_dense().numpy() @ truth.vertices[:FRAMES])[:, [*LIMBS, 0]]
    written_trc(folder / "walk.trc", NAMES, points[..., [1, 2, 0]], FPS, "m")
    return folder


@pytest.mark.engine
def test_a_folder_of_footage_goes_through_the_whole_product(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Measured: the network is 48 mm off, 41 mm after a similarity; BlazePose alone 76 mm and 58 mm."""
    folder, out = painted(tmp_path), tmp_path / "out.json"
    assert main(["--source", "multiview", "--folder", str(folder), "--json", str(out)]) == 0
    report = json.loads(out.read_text())
    printed = capsys.readouterr().out
    assert "axes of the points: zxy" in printed
    assert json.loads(printed.splitlines()[-1]) == report
    assert set(report["tables"]) == {"all", "cam_1", "cam_2"}
    for table in report["tables"].values():
        assert {DETECTOR, LIFTER, NETWORK, BODY} < set(table)
        assert table[NETWORK]["mpjpe"] < 75
        assert table[NETWORK]["pa_mpjpe"] < 65
        assert table[BODY]["mpjpe"] < 75
        assert table[NETWORK]["answered"] > 90
        assert table[NETWORK]["accel_smoothed"] < table[NETWORK]["accel"]
