# SPDX-License-Identifier: GPL-3.0-or-later

from pathlib import Path
from typing import TYPE_CHECKING, Final

import bpy
from mathutils import Vector

from ...model.protocol import Failure
from ..steps import at_once
from ..text import file_name
from . import footage, overlay
from .props import active_take, present, take_of, takes

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

LINKED: Final = "The take is linked from another file. To change it here, append it or make a library override of it"


class _Change(bpy.types.Operator):
    """An operator that changes a take itself."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        armature = active_take(context)
        cls.poll_message_set(LINKED if armature and armature.library else "Select a take")
        return armature is not None and not armature.library


class _Keying(_Change):
    """An operator that keys a take anew."""

    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        armature = active_take(context)
        assert armature
        assert context.scene
        try:
            self.key(armature, context.scene)
        except Failure as failure:
            self.report({"ERROR"}, f"{failure.message} {failure.hint}")
            return {"CANCELLED"}
        return {"FINISHED"}

    def key(self, armature: bpy.types.Object, scene: bpy.types.Scene) -> None:
        """Key a take that is shown in a scene. Raises Failure."""
        raise NotImplementedError


class Smooth(_Keying):
    bl_idname = "reel_to_rig.smooth"
    bl_label = "Apply Smoothing"
    bl_description = (
        "Key the take anew from its captured motion with the chosen smoothing. "
        "Keys that you edited by hand are kept as an action of their own"
    )

    def key(self, armature: bpy.types.Object, scene: bpy.types.Scene) -> None:
        from . import following

        at_once(following.key(armature))


class MatchRate(_Keying):
    bl_idname = "reel_to_rig.match_rate"
    bl_label = "Key at the Scene's Rate"
    bl_description = (
        "Key the take anew at the frame rate of this scene, so that it moves as fast as the person did. It begins at "
        "the same frame. Keys that you edited by hand are kept as an action of their own"
    )

    def key(self, armature: bpy.types.Object, scene: bpy.types.Scene) -> None:
        from . import rate

        rate.match(armature, scene)
        self.report({"INFO"}, f"{armature.name} is keyed at {rate.of_scene(scene):.4g} fps")


class CameraView(bpy.types.Operator):
    bl_idname = "reel_to_rig.camera_view"
    bl_label = "Camera View"
    bl_description = (
        "Look through the camera of the take, with the footage behind the body, and back again. "
        "The camera that the scene renders with stays as it is"
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        cls.poll_message_set("Select a take, in a 3D viewport")
        take = active_take(context)
        return bool(take and present(take_of(take).camera) and isinstance(context.space_data, bpy.types.SpaceView3D))

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        armature, space = active_take(context), context.space_data
        assert armature
        assert isinstance(space, bpy.types.SpaceView3D)
        assert space.region_3d
        assert context.scene
        camera = take_of(armature).camera
        if space.region_3d.view_perspective == "CAMERA" and overlay.camera_of(space, context.scene) == camera:
            space.region_3d.view_perspective = "PERSP"
            _let_go(space, camera)
        else:
            # The scene's own camera is what the animator renders with: only this view looks through the take's.
            space.use_local_camera = context.scene.camera != camera
            if space.use_local_camera:
                space.camera = camera
            space.region_3d.view_perspective = "CAMERA"
        return {"FINISHED"}


def _let_go(space: bpy.types.SpaceView3D, camera: bpy.types.Object | None) -> None:
    """Have a viewport look through the scene's camera again, if a take's was only its own."""
    if space.use_local_camera and space.camera == camera:
        space.use_local_camera = False


class SideView(bpy.types.Operator):
    bl_idname = "reel_to_rig.side_view"
    bl_label = "Side View"
    bl_description = "Look at the same moment from the side: at right angles to the take's camera, level, no footage"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        cls.poll_message_set("Select a take, in a 3D viewport")
        return bool(active_take(context)) and isinstance(context.space_data, bpy.types.SpaceView3D)

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        armature, space = active_take(context), context.space_data
        assert armature
        assert isinstance(space, bpy.types.SpaceView3D)
        view, camera = space.region_3d, present(take_of(armature).camera)
        assert view
        ahead = camera.matrix_world.to_3x3() @ Vector((0, 0, -1)) if camera else Vector((0, 1, 0))
        ahead.z = 0
        if ahead.length < 0.1:  # a camera that looks straight down
            ahead = Vector((0, 1, 0))
        assert armature.pose
        heads = [armature.matrix_world @ bone.head for bone in armature.pose.bones]
        low, high = (Vector([extreme(head[axis] for head in heads) for axis in range(3)]) for extreme in (min, max))
        view.view_perspective = "ORTHO"
        _let_go(space, camera)
        aside = Vector((ahead.y, -ahead.x, 0))
        view.view_rotation = aside.to_track_quat("Z", "Y")
        view.view_location = (low + high) / 2
        view.view_distance = 2.0 * (high - low).length
        return {"FINISHED"}


class FindFloor(_Change):
    bl_idname = "reel_to_rig.find_floor"
    bl_label = "Find Floor"
    bl_description = "Put the floor where the soles are while they rest"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        from . import data, geometry

        armature = active_take(context)
        assert armature
        take_of(armature).floor_m = geometry.floor_of(data.raw(armature))
        return {"FINISHED"}


class FindFootage(_Change):
    bl_idname = "reel_to_rig.find_footage"
    bl_label = "Find Footage"
    bl_description = (
        "Show where the footage of the take is now, if it was moved or renamed. "
        "The take has all of its motion without it; only the picture behind the body is missing"
    )
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_movie: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        assert context.window_manager
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        armature, path = active_take(context), Path(bpy.path.abspath(self.filepath))
        assert armature
        try:
            odd = footage.find(armature, path)
        except (OSError, RuntimeError) as error:
            self.report({"ERROR"}, f"{path} cannot be shown: {getattr(error, 'strerror', None) or error}")
            return {"CANCELLED"}
        if odd:
            self.report({"WARNING"}, f"{odd}: is it the same?")
        else:
            self.report({"INFO"}, f"{armature.name} shows {path.name}")
        return {"FINISHED"}


class Mark(bpy.types.Operator):
    bl_idname = "reel_to_rig.mark"
    bl_label = "Mark on Timeline"
    bl_description = "Put markers on the timeline. Those that this button made for the take before are taken away first"
    bl_options = {"REGISTER", "UNDO"}

    what: bpy.props.EnumProperty(
        name="What",
        items=(
            ("GAPS", "Gaps", "Where the person was not seen, and where again"),
            ("CONTACTS", "Contacts", "When each foot comes down and leaves"),
            ("BOTH", "Gaps and Contacts", "When feet come down and leave, and where the person was not seen"),
            ("NONE", "None", "Take the markers away"),
        ),
        default="BOTH",
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        cls.poll_message_set("Select a take")
        return active_take(context) is not None

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        from . import data, geometry, marks

        armature = active_take(context)
        assert armature
        assert context.scene
        markers, take, motion = context.scene.timeline_markers, take_of(armature), data.raw(armature)
        begin = armature.name.encode()[:50].decode(errors="ignore")  # Blender has room for 63 bytes.
        before = {begin}
        if take.marked_as not in {other.name for other in takes(context.scene)}:  # Else it is a copy of that one.
            before.add(take.marked_as)
        old = {f"{each}: {name}" for each in before for name in marks.NAMES}
        for marker in [marker for marker in markers if marker.name in old]:
            markers.remove(marker)
        if not armature.library:
            take.marked_as = begin
        frames = geometry.scene_frames(motion.time_s, take.start, take.fps)
        found: list[tuple[float, str]] = []
        if self.what in {"GAPS", "BOTH"}:
            found += marks.gaps(frames, motion.observed)
        if self.what in {"CONTACTS", "BOTH"}:
            found += marks.contacts(frames, motion.time_s, motion.contacts)
        for frame, name in found:
            markers.new(f"{begin}: {name}", frame=round(frame))
        self.report({"INFO"}, f"{len(found)} markers on the timeline" if found else "There is nothing to mark")
        return {"FINISHED"}


class Export(bpy.types.Operator):
    bl_idname = "reel_to_rig.export"
    bl_label = "Export Take"
    bl_description = "Write the take to a file that other programs read"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    format: bpy.props.EnumProperty(
        name="Format",
        items=(
            ("FBX", "FBX", "Armature, body and what is keyed, for most 3D programs and game engines"),
            ("GLTF", "glTF", "Armature, body and what is keyed, in one .glb file"),
            ("BVH", "BVH", "The skeleton and what is keyed, as text, in metres, Y up"),
            ("NPZ", "AMASS .npz", "The captured motion as SMPL-H poses, for research tools. Not hand edits"),
            ("CSV", "CSV of Joints", "The captured joints as a table, in metres, Z up. Not hand edits"),
        ),
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        cls.poll_message_set("Select a take")
        return active_take(context) is not None

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        from .export import Format

        armature = active_take(context)
        assert armature
        assert context.window_manager
        suffix = Format[self.format].value
        self.filepath = bpy.path.ensure_ext(file_name(armature.name) or "take", suffix)
        self.filter_glob = f"*{suffix}"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        from ...model.motion.motion import MotionFileError
        from .export import Format, write

        armature, kind = active_take(context), Format[self.format]
        assert armature
        path = Path(bpy.path.ensure_ext(bpy.path.abspath(self.filepath), kind.value))
        try:
            remarks = write(context, armature, kind, path)
        except (OSError, RuntimeError, MotionFileError) as error:
            self.report({"ERROR"}, f"{path} could not be written: {error}")
            return {"CANCELLED"}
        self.report({"WARNING" if remarks else "INFO"}, "; ".join([f"Wrote {path}", *remarks]))
        return {"FINISHED"}


class ImportMotion(bpy.types.Operator):
    bl_idname = "reel_to_rig.import_motion"
    bl_label = "Import Motion (.npz)"
    bl_description = (
        "Make a take from a motion file: one of ours, or any in the manner of AMASS (SMPL, SMPL-H, SMPL-X). "
        "The first take of a scene also sets its frame rate and range"
    )
    bl_options = {"UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default="*.npz", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> "set[OperatorReturnItems]":
        assert context.window_manager
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> "set[OperatorReturnItems]":
        from ...model.motion.motion import MotionFileError
        from . import exchange
        from .build import build
        from .data import Body

        path = Path(bpy.path.abspath(self.filepath))
        beside = path.with_suffix(".body.npz")
        try:
            body = Body.load(beside) if beside.is_file() else Body.average()
            motion = exchange.read_motion(path, body.joints)
        except OSError as error:
            return self._fail(f"{path} could not be read: {error.strerror}")
        except MotionFileError as error:
            return self._fail(str(error))
        except Failure as failure:
            return self._fail(failure.message)
        armature = build(context, motion, body, path.stem, 0.0)
        self.report({"INFO"}, f"Imported {armature.name}: {len(motion)} frames at {motion.mocap_framerate:g} a second")
        return {"FINISHED"}

    def _fail(self, message: str) -> "set[OperatorReturnItems]":
        self.report({"ERROR"}, message)
        return {"CANCELLED"}


CLASSES = (Smooth, MatchRate, CameraView, SideView, FindFloor, FindFootage, Mark, Export, ImportMotion)
