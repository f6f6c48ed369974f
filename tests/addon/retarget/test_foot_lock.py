# SPDX-License-Identifier: GPL-3.0-or-later
"""Feet that step by plan on bodies whose legs are others than the person's; and recorded ones, where there are any."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reel_to_rig.addon.retarget.foot_lock import FootLock, Ground, feet_of, lock_feet, lock_hands
from reel_to_rig.addon.retarget.posed import posed
from reel_to_rig.addon.retarget.quality import measure
from reel_to_rig.addon.retarget.solve import ELBOWS, WRISTS, Solution, Target, solve

from model.motion.contacts import contacts, spans
from model.motion.motion import forward_kinematics
from model.motion.planting import settled
from model.motion.rotations import matrix_from_axis_angle
from model.motion.skeleton import JOINTS, PARENTS
from tests.addon.blender import Blender
from tests.addon.retarget.figures import MOCAP, UPRIGHT, Array, random_rotation, recorded, recorded_labels, rest
from tests.addon.retarget.steps import MOTIONS, soles, stepping
from tests.addon.retarget.test_solve import armature, placement

SEEDS = st.integers(0, 2**32 - 1)
LEGS = ("hip", "knee", "ankle", "foot")


def other_legs(rng: np.random.Generator, world: Array | None = None) -> Target:
    """An armature on its own floor whose hips, thighs, shins and feet are up to a third longer or shorter."""
    joints = rest()
    longer = {name: rng.uniform(0.75, 1.33) for name in LEGS}
    for joint in range(1, 24):
        part = rest()[joint] - rest()[PARENTS[joint]]
        joints[joint] = joints[PARENTS[joint]] + part * longer.get(JOINTS[joint].partition("_")[2], 1.0)
    joints[:, 1] -= joints[JOINTS.index("left_foot"), 1] - 0.025
    return armature(joints, UPRIGHT, np.eye(4) if world is None else world, rng)


def report(target: Target, solution: Solution, motion: tuple[Array, Array, Array], rests: Array, time_s: Array):
    local, trans, body = motion
    return measure(target, solution, local, trans, body, rests, time_s, time_s * 30, {"rotation": time_s[:, None]})


def knees_deg(target: Target, solution: Solution, body: Array) -> Array:
    """How far both knees are bent (T, 2)."""
    bends = []
    for foot in feet_of(target, Ground.under(target, body), *posed(target, solution)).values():
        upper, lower = foot.leg.lengths
        cosine = (foot.leg.extent**2 - upper**2 - lower**2) / (2 * upper * lower)
        bends.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    return np.stack(bends, -1)


@pytest.mark.parametrize("fps", [24.0, 60.0, None])
@pytest.mark.parametrize("kind", MOTIONS)
def test_feet_that_rest_neither_slide_nor_sink_on_other_legs(kind: str, fps: float | None) -> None:
    """By the known contacts, at any frame rate; None is a wildly uneven one."""
    rng = np.random.default_rng(5)
    time_s, motion, rests = stepping(kind, fps)
    target = other_legs(rng)
    before = solve(target, *motion)
    after = lock_feet(target, before, motion[2], rests, time_s)
    quality = report(target, after, motion, rests, time_s)
    assert quality.slide
    assert quality.penetration
    assert quality.slide.value < 1.0, quality.slide
    assert quality.penetration.value < 0.5, quality.penetration
    assert float(quality.slide.note.split()[-1]) < 1.0
    assert quality.worst_limb.value < 15, quality.worst_limb
    step = np.diff(time_s)
    pops = np.abs(np.diff(knees_deg(target, after, motion[2]), axis=0)).max(-1) / step
    natural = np.abs(np.diff(knees_deg(target, before, motion[2]), axis=0)).max(-1) / step
    assert pops.max() < natural.max() + 350, "a knee pops"


@settings(max_examples=25)
@given(SEEDS, st.sampled_from(MOTIONS))
def test_any_placement_and_roll_of_the_rig(seed: int, kind: str) -> None:
    """Soles are held on the world's floor, whatever the object's matrix; bones keep their lengths by construction."""
    rng = np.random.default_rng(seed)
    time_s, motion, rests = stepping(kind, 30.0)
    world = placement(rng, even=True)
    world[:3, 3] = 0
    world[:3, :3] = random_rotation(rng) * np.cbrt(np.linalg.det(world[:3, :3]))
    target = other_legs(rng, world)
    quality = report(target, lock_feet(target, solve(target, *motion), motion[2], rests, time_s), motion, rests, time_s)
    assert quality.slide
    assert quality.penetration
    size = target.leg_m / 0.86
    assert quality.slide.value < 1.0 * size
    assert quality.penetration.value < 0.5 * size


@pytest.mark.parametrize("fps", [24.0, 30.0, 60.0, None])
@pytest.mark.parametrize("kind", MOTIONS)
def test_the_detector_finds_the_contacts_that_were_planned(kind: str, fps: float | None) -> None:
    """Measured at 30 fps: walk 0.97, run 0.91, jump 0.99, dance 1.00, crouch 1.00, turn 0.98; at 24 fps run 0.89.

    By the plan a sole rests until it begins to move, and a runner's heel rests for a tenth of a second. What is found
    beyond the plan is next to the place where the sole rests.
    """
    time_s, motion, rests = stepping(kind, fps)
    found, truth = contacts(soles(*motion), time_s) > 0.5, rests > 0.5
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > (0.9 if fps == 30.0 else 0.88)
    for point in range(4):
        places = [soles(*motion)[first:end, point].mean(0) for first, end in spans(truth[:, point])]
        more = soles(*motion)[found[:, point] & ~truth[:, point], point]
        off = np.min([np.linalg.norm(more - place, axis=-1) for place in places], axis=0)
        assert (off < 0.015).all()


def test_the_same_body_is_left_nearly_as_it_is() -> None:
    time_s, motion, rests = stepping("walk", 30.0)
    target = armature(rest() - [0, rest()[10, 1] - 0.025, 0], UPRIGHT, np.eye(4), np.random.default_rng(0))
    before = solve(target, *motion)
    after = lock_feet(target, before, motion[2], rests, time_s)
    quality = report(target, after, motion, rests, time_s)
    assert quality.worst_limb.value < 2.0, quality.worst_limb
    np.testing.assert_allclose(after.location, before.location, atol=0.02)


def test_modes() -> None:
    time_s, motion, rests = stepping("walk", 30.0)
    target = other_legs(np.random.default_rng(1))
    before = solve(target, *motion)
    assert lock_feet(target, before, motion[2], rests, time_s, FootLock.NEVER) is before
    ground = report(target, lock_feet(target, before, motion[2], rests, time_s, FootLock.GROUND), motion, rests, time_s)
    assert ground.penetration
    assert ground.slide
    assert ground.penetration.value < 0.5
    assert ground.slide.value > 1.0

    time_s, motion, rests = stepping("crouch", 30.0)
    nothing = np.zeros_like(rests)
    always = lock_feet(target, solve(target, *motion), motion[2], nothing, time_s, FootLock.ALWAYS)
    quality = report(target, always, motion, np.ones_like(rests), time_s)
    assert quality.slide
    assert quality.slide.value < 1.0


def test_a_rig_without_whole_legs_is_left_alone() -> None:
    time_s, motion, rests = stepping("walk", 30.0)
    whole = other_legs(np.random.default_rng(2))
    legs = {whole.at[JOINTS.index(f"{side}_{part}")] for side in ("left", "right") for part in LEGS[2:]}
    kept = [number for number in range(len(whole.bones)) if number not in legs]
    bones = [replace(whole.bones[n], parent=kept.index(whole.bones[n].parent) if n else -1) for n in kept]
    target = Target(bones, whole.world)
    before = solve(target, *motion)
    assert lock_feet(target, before, motion[2], rests, time_s) is before


def test_a_report_without_contacts_says_so() -> None:
    """Of feet that never rest it is not known whether they slide."""
    time_s, motion, rests = stepping("jump", 30.0)
    target = other_legs(np.random.default_rng(1))
    solution = solve(target, *motion)
    slide = report(target, solution, motion, rests, time_s).slide
    unknown = report(target, solution, motion, np.zeros_like(rests), time_s).slide
    assert slide
    assert unknown
    assert f"a foot rests in {np.mean((rests > 0.5).any(1)):.0%} of frames" in slide.note
    assert "a foot rests in 0% of frames" in unknown.note
    assert unknown.value == 0
    assert unknown.doubtful


def test_hands_that_are_still_are_held() -> None:
    """Hands that drift a little while the person crouches are held; moving hands are not."""
    time_s, (local, trans, body), _ = stepping("crouch", 30.0)
    for elbow, bend in zip(ELBOWS, (-1.5, 1.5), strict=True):
        local[:, elbow] = matrix_from_axis_angle([0, bend, 0])
    target = other_legs(np.random.default_rng(3))
    before = solve(target, local, trans, body)
    sources = forward_kinematics(local, body)[1] + trans[:, None]
    resting = np.repeat(sources[:1, list(WRISTS)], len(time_s), 0)
    after = lock_hands(target, before, body, resting, time_s)
    wrist = target.at[WRISTS[0]]
    assert np.ptp(posed(target, before)[1][wrist], axis=0).max() > 0.05
    assert np.ptp(posed(target, after)[1][wrist], axis=0).max() < 0.02
    np.testing.assert_allclose(posed(target, after)[0][wrist], posed(target, before)[0][wrist], atol=1e-9)
    moving = resting + 0.5 * time_s[:, None, None]
    np.testing.assert_allclose(lock_hands(target, before, body, moving, time_s).basis, before.basis, atol=1e-6)


@pytest.mark.skipif(not MOCAP.exists(), reason="no recorded motion on this machine")
def test_recorded_motion_of_people_that_no_training_saw() -> None:
    slides, depths = [], []
    for clip, _ in enumerate(recorded_labels()):
        motion = recorded(clip, 200)
        body, time_s = motion[2], np.arange(len(motion[0])) / 30
        rests = contacts(soles(*motion), time_s)
        target = other_legs(np.random.default_rng(clip))
        after = lock_feet(target, solve(target, *motion), body, rests, time_s)
        quality = report(target, after, motion, rests, time_s)
        assert quality.slide
        assert quality.penetration
        slides.append(quality.slide.value)
        depths.append(quality.penetration.value)
        assert settled(rests, time_s).shape == rests.shape
    assert max(slides) < 1.0, slides
    assert max(depths) < 0.5, depths


@pytest.mark.blender
def test_blender_moves_the_feet_as_they_were_locked_and_keeps_the_report(blender: Blender, tmp_path: Path) -> None:
    """On FK controls, on IK controls and with sparse keys: the bones that move the mesh."""
    time_s, (local, trans, body), rests = stepping("walk", 30.0)
    some = slice(30, 66)  # Each of the frames costs a generated rig's evaluation.
    file = tmp_path / "walk.npz"
    np.savez(file, local=local[some], trans=trans[some], rest=body, contacts=rests[some], time_s=time_s[some])
    done = blender.run(
        Path(__file__).parent / "blender_foot_lock.py",
        timeout_s=400,
        motion_file=str(file),
        blend_file=str(tmp_path / "walk.blend"),
    ).result
    assert done["before"]["slide_cm_s"] > 3
    for name in ("after", "ik"):
        assert done[name]["slide_cm_s"] < 1.0, (name, done[name])
        assert done[name]["deep_cm"] < 0.5, (name, done[name])
    assert done["sparse"]["slide_cm_s"] < 3.0
    assert done["sparse"]["keys"] < 0.8 * done["after"]["keys"]
    assert done["before"]["report"]["Foot slide"] == pytest.approx(done["before"]["slide_cm_s"], rel=0.4)
    assert done["after"]["report"]["Foot slide"] < 1.0
    assert done["after"]["report"]["Flips"] == 0
    assert any(line.startswith("Foot slide: ") for line in done["panel"])
    assert "reel_to_rig.worst_frame" in done["panel"]
    names = ("before", "after", "ik", "sparse")
    assert [done[name]["measured before"] for name in names] == ["", "", "IK", "sparse keys"]
    assert "Measured before sparse keys" in done["panel of sparse"]
    assert not [line for line in done["panel"] if "Measured" in line]
    assert done["reopened"]
    assert done["at worst"]
