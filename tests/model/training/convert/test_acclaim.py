# SPDX-License-Identifier: GPL-3.0-or-later
"""ASF and AMC, against SciPy's rotations of the same bones."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from model.training.convert import acclaim
from model.training.convert.recording import ConvertError
from tests.model.training.convert.written import CMU_UNIT_M, Posed, write_acclaim


@pytest.fixture
def posed(tmp_path: Path) -> Posed:
    return write_acclaim(tmp_path, "07_01")


def test_bones_are_where_scipy_puts_them(tmp_path: Path, posed: Posed) -> None:
    recording = acclaim.read(tmp_path / "07_01.amc")
    rotations, positions = recording.world()
    assert recording.fps == 120
    assert recording.unit_m == pytest.approx(CMU_UNIT_M)
    for joint, name in enumerate(recording.names):
        bone = name.removesuffix(" end")
        expected = posed.end(bone) if bone != name else posed.begin[bone]
        np.testing.assert_allclose(positions[:, joint] * recording.unit_m, expected, atol=1e-5)
        if bone == name:
            np.testing.assert_allclose(rotations[:, joint], posed.turn[bone].as_matrix(), atol=1e-5)


def test_radians_are_understood(tmp_path: Path, posed: Posed) -> None:
    file = tmp_path / "07_01.amc"
    lines = []
    for line in file.read_text().splitlines()[1:]:
        name, *values = line.split()
        lengths = 3 if name == "root" else 0
        turned = [f"{float(v) if i < lengths else np.deg2rad(float(v)):.9f}" for i, v in enumerate(values)]
        lines.append(":RADIANS" if name == ":DEGREES" else " ".join([name, *turned]) if values else line)
    before = acclaim.read(file)
    file.write_text("\n".join(lines))
    np.testing.assert_allclose(acclaim.read(file).local, before.local, atol=1e-6)


def test_of_several_skeletons_the_one_of_its_name_is_taken(tmp_path: Path, posed: Posed) -> None:
    (tmp_path / "0.asf").write_text("")
    (tmp_path / "08.asf").write_text("")
    assert acclaim.skeleton_of(tmp_path / "07_01.amc").name == "07.asf"


def _replaced(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("name", "old", "new", "complaint"),
    [
        ("07_01.amc", "\nltoes ", "\nltoe ", "ltoes does not have 1 numbers in each"),
        ("07_01.amc", "\nlradius ", "\nlradius nan", "lradius|not finite|numbers"),
        ("07_01.amc", "\nlradius ", "\nlradius 1 ", "lradius"),
        ("07.asf", ":hierarchy", ":family", "hierarchy"),
        ("07.asf", "name lfoot", "name lfeet", "lfoot"),
        ("07.asf", "dof rx ry rz", "dof rx ry rz l", r"do more than turn \(l\)"),
        ("07.asf", "axis 0 0 20 XYZ", "axis 0 0 20 XYW", "not X, Y or Z"),
        ("07.asf", "length 2", "length inf", "no complete skeleton"),
        ("07.asf", "direction 0", "direction O", "no complete skeleton"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, posed: Posed, name: str, old: str, new: str, complaint: str) -> None:
    _replaced(tmp_path / name, old, new)
    with pytest.raises(ConvertError, match=complaint):
        acclaim.read(tmp_path / "07_01.amc")


def test_a_motion_without_skeleton_or_frames_is_refused(tmp_path: Path, posed: Posed) -> None:
    (tmp_path / "07_02.amc").write_text(":DEGREES\n")
    with pytest.raises(ConvertError, match="no motion"):
        acclaim.read(tmp_path / "07_02.amc")
    (tmp_path / "07.asf").unlink()
    with pytest.raises(ConvertError, match="no skeleton"):
        acclaim.read(tmp_path / "07_01.amc")


def test_a_cut_off_file_is_refused(tmp_path: Path, posed: Posed) -> None:
    file = tmp_path / "07_01.amc"
    text = file.read_text()
    file.write_text(text[: text.rindex("lhand")])
    with pytest.raises(ConvertError, match="frames"):
        acclaim.read(file)


def test_the_order_of_rotations_is_the_files(tmp_path: Path) -> None:
    """X first, as "axis XYZ" means: a quarter about X takes Y to Z, the next about Z leaves it there."""
    write_acclaim(tmp_path, "07_01", frames=2)
    rows = (tmp_path / "07_01.amc").read_text().splitlines()
    rows = ["root 0 0 0 90 0 90" if row.startswith("root") else row for row in rows]
    (tmp_path / "07_01.amc").write_text("\n".join(rows))
    turn = acclaim.read(tmp_path / "07_01.amc").local[0, 0]
    np.testing.assert_allclose(turn @ [0, 1, 0], [0, 0, 1], atol=1e-9)
    np.testing.assert_allclose(turn, Rotation.from_euler("xyz", [90, 0, 90], True).as_matrix(), atol=1e-9)
