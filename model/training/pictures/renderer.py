# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws people and their surroundings without a screen: OpenGL through EGL, on whatever Mesa offers."""

from typing import NamedTuple

import moderngl
import numpy as np
import numpy.typing as npt

from . import shaders
from .clothes import Array, Look, Palette
from .surroundings import Panorama, Surroundings, Thing

Picture = npt.NDArray[np.uint8]
NEAR_M, FAR_M = 0.1, 100.0
SHADOW_SIDE = 128


class View(NamedTuple):
    """A pinhole: matrix (3, 3) to pixels of a square picture of some side; rotation, translation from the world."""

    matrix: Array
    rotation: Array
    translation: Array
    side: int

    @property
    def eye(self) -> Array:
        return -self.rotation.T @ self.translation

    def clip(self) -> bytes:
        """OpenGL's matrix, its rows of pixels from the top."""
        s, (near, far) = 2 / self.side, (NEAR_M, FAR_M)
        K = self.matrix
        project = np.array(
            [
                [s * K[0, 0], s * K[0, 1], s * K[0, 2] - 1, 0],
                [s * K[1, 0], s * K[1, 1], s * K[1, 2] - 1, 0],
                [0, 0, (far + near) / (far - near), -2 * far * near / (far - near)],
                [0, 0, 1, 0],
            ]
        )
        rigid = np.block([[self.rotation, self.translation[:, None]], [np.zeros((1, 3)), np.ones((1, 1))]])
        return _bytes((project @ rigid).T)

    def rays(self) -> bytes:
        """From OpenGL's corners (x, y, 1) of the picture to directions in the world."""
        half = self.side / 2
        return _bytes((self.rotation.T @ np.linalg.inv(self.matrix) @ [[half, 0, half], [0, half, half], [0, 0, 1]]).T)


class Solid:
    """A mesh on the graphics side; `move` it, then have it drawn."""

    def __init__(
        self, renderer: "Renderer", faces: npt.NDArray[np.int64], rest: Array, cover: Array, palette: Palette
    ) -> None:
        context = renderer.context
        self.palette = palette
        self._fixed = context.buffer(np.concatenate([rest, cover], 1).astype(np.float32).tobytes())
        self._moving = context.buffer(reserve=len(rest) * 24)
        index = context.buffer(faces.astype(np.int32).tobytes())
        contents = [(self._moving, "3f 3f", "place", "normal"), (self._fixed, "3f 4f", "rest", "cover")]
        self.surface = context.vertex_array(renderer.solid, contents, index)
        self.outline = context.vertex_array(renderer.flat, [(self._moving, "3f 12x", "place")], index)
        self._parts = [self.surface, self.outline, self._fixed, self._moving, index]

    def move(self, vertices: Array, normals: Array) -> None:
        """Put the vertices and normals (V, 3) somewhere in the world."""
        self._moving.write(np.concatenate([vertices, normals], 1).astype(np.float32).tobytes())

    def release(self) -> None:
        for part in self._parts:
            part.release()


class Renderer:
    """One context; raises whatever moderngl raises where there is no EGL."""

    def __init__(self, panoramas: list[Panorama]) -> None:
        self.context = moderngl.create_context(standalone=True, backend="egl")  # pyright: ignore[reportArgumentType]
        self.context.front_face = "cw"  # As rows of pixels are counted from the top.
        self.solid = self.context.program(shaders.SOLID_VERTEX, shaders.SOLID_FRAGMENT)
        self.behind = self.context.program(shaders.BEHIND_VERTEX, shaders.BEHIND_FRAGMENT)
        self.flat = self.context.program(shaders.SHADOW_VERTEX, shaders.SHADOW_FRAGMENT)
        self._panoramas = panoramas
        self._textures = [self._texture(p) for p in panoramas]
        corners = np.array([[-1, -1], [3, -1], [-1, 3]], np.float32)
        self._screen = self.context.vertex_array(self.behind, self.context.buffer(corners.tobytes()), "corner")
        self._targets: dict[int, moderngl.Framebuffer] = {}

    def _texture(self, panorama: Panorama) -> moderngl.Texture:
        height, width, _ = panorama.pixels.shape
        texture = self.context.texture((width, height), 3, panorama.pixels.astype(np.float16).tobytes(), dtype="f2")
        texture.filter = moderngl.LINEAR, moderngl.LINEAR
        texture.repeat_y = False
        return texture

    def dressed(self, look: Look, faces: npt.NDArray[np.int64]) -> Solid:
        """A person, ready to be moved."""
        return Solid(self, faces, look.vertices, look.cover, look.palette)

    def placed(self, thing: Thing) -> Solid:
        """An object where it stands."""
        cover = np.tile([1.0, -1.0, -1.0, -1.0], (len(thing.vertices), 1))
        solid = Solid(self, thing.faces, thing.vertices, cover, thing.palette)
        solid.move(thing.vertices, thing.normals)
        return solid

    def draw(self, solids: list[Solid], around: Surroundings, view: View, background: bool = False) -> Picture:
        """RGB and coverage (side, side, 4) of solids, and of everything behind them if asked for."""
        target = self._target(view.side)
        target.use()
        target.clear(0, 0, 0, 0)
        if background:
            self.context.disable(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
            self._light(self.behind, around, view)
            self._put_behind(around, view)
            self._screen.render()
        self.context.enable(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        self._light(self.solid, around, view)
        _set(self.solid, "view", view.clip())
        _set(self.solid, "eye", _bytes(view.eye))
        for solid in solids:
            palette = solid.palette
            for name, value in (
                ("colours", palette.colours), ("accents", palette.accents), ("patterns", palette.pattern),
                ("frequencies", palette.frequency), ("face", palette.face), ("iris", palette.iris),
                ("lips", palette.lips), ("brow", palette.colours[4]),
            ):  # fmt: skip
                _set(self.solid, name, _bytes(value))
            solid.surface.render()
        return np.frombuffer(target.read(components=4), np.uint8).reshape(view.side, view.side, 4)

    def shadow(self, solid: Solid, around: Surroundings, view: View) -> npt.NDArray[np.uint8]:
        """Where the floor lies in a solid's shadow (SHADOW_SIDE, SHADOW_SIDE), 255 or 0."""
        target = self._target(SHADOW_SIDE)
        target.use()
        target.clear(0, 0, 0, 0)
        self.context.disable(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        _set(self.flat, "view", view.clip())
        _set(self.flat, "sun", _bytes(around.sun))
        _set(self.flat, "ground", _bytes(np.array(around.floor)))
        solid.outline.render()
        return np.frombuffer(target.read(components=1), np.uint8).reshape(SHADOW_SIDE, SHADOW_SIDE)

    def _target(self, side: int) -> moderngl.Framebuffer:
        if side not in self._targets:
            colour, depth = self.context.renderbuffer((side, side), 4), self.context.depth_renderbuffer((side, side))
            self._targets[side] = self.context.framebuffer([colour], depth)
        return self._targets[side]

    def _light(self, program: moderngl.Program, around: Surroundings, view: View) -> None:
        cos, sin = np.cos(around.yaw), np.sin(around.yaw)
        turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
        for name, value in (
            ("harmonics", self._panoramas[around.panorama].harmonics), ("unturn", turn), ("sun", around.sun),
            ("sunlight", around.sunlight), ("exposure", np.array(around.exposure)), ("eye", view.eye),
        ):  # fmt: skip
            _set(program, name, _bytes(value))  # GLSL's columns are our rows: the turn's inverse.

    def _put_behind(self, around: Surroundings, view: View) -> None:
        self._textures[around.panorama].use(0)
        _set(self.behind, "rays", view.rays())
        self.behind["kind"] = around.kind
        floor = around.floor if np.isfinite(around.floor) else -1e4
        for name, value in (
            ("ground", np.array(floor)), ("walls", around.walls), ("colours", around.colours),
            ("accents", around.accents), ("patterns", around.pattern), ("frequencies", around.frequency),
        ):  # fmt: skip
            _set(self.behind, name, _bytes(value))


def _bytes(values: npt.NDArray[np.floating]) -> bytes:
    return np.ascontiguousarray(values, np.float32).tobytes()


def _set(program: moderngl.Program, name: str, value: bytes) -> None:
    """Set a uniform, unless the compiler found no use for it."""
    uniform = program.get(name, None)
    if isinstance(uniform, moderngl.Uniform):
        uniform.write(value)
