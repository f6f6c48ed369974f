# SPDX-License-Identifier: GPL-3.0-or-later
from typing import Any

import numpy as np
import pytest
from reel_to_rig.addon.take import geometry

from model.motion.motion import forward_kinematics
from model.motion.rotations import matrix_from_axis_angle, matrix_from_quaternion
from model.motion.skeleton import JOINTS, PARENTS
from tests.model.motion.example import example_motion, rest_joints


def test_upright_stands_and_faces_the_viewer_with_its_left_on_the_right():
    head, forward, left = [0, 1, 0], [0, 0, 1], [1, 0, 0]
    assert (geometry.UPRIGHT @ np.array([head, forward, left]).T).T.tolist() == [[0, 0, 1], [0, -1, 0], [1, 0, 0]]
    assert np.linalg.det(geometry.UPRIGHT) == 1


def test_pose_channels_move_bones_of_any_roll_as_the_motion_moves_its_joints():
    random = np.random.default_rng(1)
    motion, rest = example_motion(frames=20), rest_joints()
    axes = matrix_from_axis_angle(random.normal(size=(24, 3)))
    heads = rest @ geometry.UPRIGHT.T + [0, 0, 0.3]
    local = motion.local_rotations()
    location = geometry.root_location(motion.trans, rest, axes, heads[0])
    parts = [slice(0, 5), slice(5, 24)]
    quaternions = np.concatenate([geometry.bone_turns(local[:, part], axes, part) for part in parts], 1)
    # Blender's rule: a bone's pose is its parent's pose, times its rest relative to the parent, times its channels.
    channels = matrix_from_quaternion(quaternions)
    pose = np.empty((20, 24, 3, 3))
    place = np.empty((20, 24, 3))
    for joint, parent in enumerate(PARENTS):
        if parent < 0:
            pose[:, 0] = axes[0] @ channels[:, 0]
            place[:, 0] = heads[0] + location @ axes[0].T
            continue
        pose[:, joint] = pose[:, parent] @ axes[parent].T @ axes[joint] @ channels[:, joint]
        place[:, joint] = place[:, parent] + pose[:, parent] @ axes[parent].T @ (heads[joint] - heads[parent])
    assert np.abs(place - motion.joints).max() < 1e-5
    turned = forward_kinematics(local, rest)[0] @ geometry.UPRIGHT.T @ axes
    assert np.abs(pose - turned).max() < 1e-9
    poses = np.zeros((20, 24, 4, 4))
    poses[..., :3, :3], poses[..., :3, 3] = pose, place
    back, trans = geometry.motion_of_poses(np.tile(np.eye(4), (20, 1, 1)), poses, rest, axes)
    assert np.abs(back - local).max() < 1e-9
    assert np.abs(trans - motion.trans).max() < 1e-9


def test_bones_point_along_limbs_and_toes_lie_flat():
    rest = rest_joints()
    tails = geometry.bone_tails(rest)
    index = {name: joint for joint, name in enumerate(JOINTS)}
    assert (tails[index["left_hip"]] == rest[index["left_knee"]]).all()
    assert (tails[index["pelvis"]] == rest[index["spine1"]]).all()
    assert (tails[index["spine3"]] == rest[index["neck"]]).all()
    assert (tails[index["head"]] - rest[index["head"]])[1] > 0
    for side in ("left_foot", "right_foot"):
        toes = tails[index[side]] - rest[index[side]]
        assert toes[1] == 0
        assert toes[2] > 0
    assert np.linalg.norm(tails - rest, axis=-1).min() > 0.02


@pytest.mark.parametrize("fps", [24.0, 24000 / 1001, 25.0, 30000 / 1001, 59.94, 12.5, 240.0, 0.4])
def test_scene_rate_is_the_footages(fps: float):
    whole, base = geometry.scene_rate(fps)
    assert whole / base == pytest.approx(fps, rel=1e-12)
    assert whole >= 1


def test_uneven_times_become_frames_by_time_and_the_range_holds_them():
    time_s = np.array([0, 0.03, 0.11, 0.2])
    frames = geometry.scene_frames(time_s, 101, 25)
    assert frames == pytest.approx([101, 101.75, 103.75, 106])
    assert geometry.scene_range(frames) == (101, 106)
    assert geometry.scene_range(np.array([1, 5.2])) == (1, 6)


def test_times_rounded_by_a_container_fall_on_whole_frames():
    for rate in (24000 / 1001, 30000 / 1001, 59.94):
        frames = geometry.scene_frames(np.round(np.arange(2000) * 1000 / rate) / 1000, 1, float(np.float32(rate)))
        assert (np.abs(frames - np.arange(1, 2001)) < 0.04).all()
    frames = geometry.scene_frames(np.arange(300) / 29.97, 1, float(np.float32(29.97)))
    assert (frames == np.arange(1, 301)).all()


def test_frames_never_coincide_however_fast_the_footage():
    frames = geometry.scene_frames(np.arange(5000) / 2000, 1, 24)
    assert (np.diff(frames) > 0).all()


@pytest.mark.parametrize(
    ("keys", "expected", "known"),
    [
        (range(1, 46), range(1, 46), range(45)),
        (range(21, 66), range(21, 66), range(45)),  # All moved by 20.
        ([0, *range(21, 66)], range(66), [*[-1] * 21, *range(45)]),  # And a pose to begin with.
        (range(1, 31), range(1, 31), range(30)),  # Cut off at the end,
        (range(10, 46, 5), range(10, 46), range(9, 45)),  # or at the beginning, with few keys left.
        ([*range(1, 46), 60], range(1, 61), [*range(45), *[-1] * 15]),
        (np.linspace(1, 23, 45), range(1, 24), [-1] * 23),  # Twice as fast.
        (np.linspace(10.5, 98.5, 45), [10.5, *range(11, 99), 98.5], [-1] * 90),
        ([300], [300], [0]),
    ],
)
def test_a_take_is_looked_at_where_it_is_in_time_by_now(keys: Any, expected: Any, known: Any):
    """Written for frames 1 to 45; the keys come from Blender, as float32."""
    keys = np.array([*keys], np.float32).repeat(3)
    frames = np.arange(1.0, 46 if len(keys) > 3 else 2)
    found, numbers = geometry.moved_frames(frames, keys, float(keys.min()), float(keys.max()))
    assert found.tolist() == list(expected)
    assert numbers.tolist() == list(known)
