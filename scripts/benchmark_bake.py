# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a take is put on a generated Rigify human, against the two usual ways, in one run. Runs in Blender.

The usual ways are measured on fewer frames, since their time grows with the frames, and all are compared by the frame.
Smoothing and solving run on one thread: their seconds are the processor's, which other programs do not change.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

from model.motion.skeleton import JOINTS
from tests.addon.inside import empty_scene, enable_checkout, part
from tests.addon.retarget.blender_rigs import rigify_human
from tests.addon.take.example import seen_motion, write_body

FRAMES = 3000
SLOW_FRAMES = 60
SMOOTHING = 0.5
REPEATS = 3
"""Each time is the best of so many: other programs on the machine can only add to it."""


def main() -> int:
    """Measure in the folder that Blender has for its user's files, which ought to be empty."""
    folder = Path(os.environ["BLENDER_USER_RESOURCES"])
    enable_checkout()
    empty_scene()
    rig = rigify_human(0.0, 1.0)
    write_body(folder / "body.npz")
    body = part("addon.take.data").Body.load(folder / "body.npz")
    build = part("addon.take.build").build
    take = build(bpy.context, seen_motion(frames=FRAMES, noise=0.01), body, "take", SMOOTHING)
    bpy.data.objects.remove(take.reel_to_rig.body)  # The other ways would have to deform it at each frame.
    bones, bake_s, whole_s, resolve_s = ours(rig, take)
    nla_s, insert_s = nla_bake(rig, take, bones), keyframe_insert(rig, list(bones))

    ours_ms, nla_ms, insert_ms = 1e3 * bake_s / FRAMES, 1e3 * nla_s / SLOW_FRAMES, 1e3 * insert_s / SLOW_FRAMES
    print(f"{len(bones)} bones; by frame:")
    print(f"  {ours_ms:8.3f} ms  solving and keys, {FRAMES} frames in {bake_s:.3f} s")
    print(f"  {1e3 * whole_s / FRAMES:8.3f} ms  with feet locked, and the quality report")
    print(f"  {nla_ms:8.3f} ms  constraints and nla.bake, measured on {SLOW_FRAMES} frames")
    print(f"  {insert_ms:8.3f} ms  frame_set and keyframe_insert, measured on {SLOW_FRAMES} frames")
    row = {
        "speedup_over_nla_bake": round(nla_ms / ours_ms, 1),
        "speedup_over_keyframe_insert": round(insert_ms / ours_ms, 1),
        "resolve_3000_frames_s": round(resolve_s, 3),
    }
    print(json.dumps(row), flush=True)
    return 0


def ours(rig: Any, take: Any) -> tuple[dict[str, int], float, float, float]:
    """The bones that get keys with their joints, and the seconds of a bake, one with all there is, and a new solution.

    The first is what the other ways do: poses and keys. The last is smoothing and solving.
    """
    bake, data, solve = part("addon.retarget.bake"), part("addon.take.data"), part("addon.retarget.solve").solve
    write_action, foot_lock = part("addon.keyframes").write_action, part("addon.retarget.foot_lock")
    match = bake.recognise(rig)
    target = part("addon.retarget.target").describe(rig, match.bone_map)
    motion = data.read(take)

    def solved(motion: Any) -> Any:
        return solve(target, motion.local, motion.trans, motion.rest)

    def pose_and_key() -> None:
        write_action(rig, "keys", bake.motion_curves(rig, target, solved(motion)), motion.frames)

    options = bake.Options(feet=foot_lock.FootLock.AUTO)
    seconds = (
        best(pose_and_key),
        best(lambda: bake.bake(motion, rig, "bake", match, options)),
        best(lambda: solved(data.read(take)), time.process_time),
    )
    return {bone.name: max(bone.joint, 0) for bone in target.bones}, *seconds


def best(job: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> float:
    """The seconds that a job takes."""
    times: list[float] = []
    for _ in range(REPEATS):
        begun = clock()
        job()
        times.append(clock() - begun)
    return min(times)


def nla_bake(rig: Any, take: Any, bones: dict[str, int]) -> float:
    """Seconds for constraints from the take's bones and Blender's own bake."""
    rig.animation_data_clear()
    for name, joint in bones.items():
        constraint = rig.pose.bones[name].constraints.new("COPY_ROTATION")
        constraint.target, constraint.subtarget = take, JOINTS[joint]
    select(rig, set(bones))
    settings = {"only_selected": True, "visual_keying": True, "clear_constraints": False, "bake_types": {"POSE"}}
    seconds = best(lambda: bpy.ops.nla.bake(frame_start=1, frame_end=SLOW_FRAMES, **settings))
    for name in bones:
        constraints = rig.pose.bones[name].constraints
        constraints.remove(constraints[-1])
    bpy.ops.object.mode_set(mode="OBJECT")
    return seconds


def keyframe_insert(rig: Any, bones: list[str]) -> float:
    """Seconds for setting each frame, posing each bone and keying it."""
    scene = bpy.context.scene

    def job() -> None:
        rig.animation_data_clear()
        for frame in range(1, SLOW_FRAMES + 1):
            scene.frame_set(frame)
            for name in bones:
                bone = rig.pose.bones[name]
                quaternion = bone.rotation_mode == "QUATERNION"
                channel = "rotation_quaternion" if quaternion else "rotation_euler"
                setattr(bone, channel, (1.0, 0.001 * frame, 0.0, 0.0) if quaternion else (0.001 * frame, 0.0, 0.0))
                bone.keyframe_insert(channel, frame=frame)
            rig.pose.bones[bones[0]].keyframe_insert("location", frame=frame)

    return best(job)


def select(rig: Any, bones: set[str]) -> None:
    """Select these bones of the rig, and nothing else, in pose mode."""
    bpy.context.view_layer.objects.active = rig
    for item in bpy.context.view_layer.objects:
        item.select_set(item == rig)
    bpy.ops.object.mode_set(mode="POSE")
    for bone in rig.pose.bones:
        owner = bone if hasattr(bone, "select") else bone.bone  # the pose's bones from 5.0 on
        owner.select = bone.name in bones
    bpy.context.view_layer.update()


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # some versions of Blender hang or crash while they end
