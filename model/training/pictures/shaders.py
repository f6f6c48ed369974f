# SPDX-License-Identifier: GPL-3.0-or-later
"""The shaders (GLSL 3.30) of renderer.py: solids under light from everywhere, what is behind them, and flat shadows."""

from typing import Final

_NOISE: Final = """
float hash(vec3 p) {
    p = fract(p * vec3(0.1031, 0.1030, 0.0973)); p += dot(p, p.yxz + 33.33);
    return fract((p.x + p.y) * p.z);
}
float noise(vec3 p) {
    vec3 i = floor(p), f = fract(p); f = f * f * (3.0 - 2.0 * f);
    vec4 a = vec4(hash(i), hash(i + vec3(1,0,0)), hash(i + vec3(0,1,0)), hash(i + vec3(1,1,0)));
    vec4 b = vec4(hash(i + vec3(0,0,1)), hash(i + vec3(1,0,1)), hash(i + vec3(0,1,1)), hash(i + vec3(1,1,1)));
    vec4 c = mix(a, b, f.z); vec2 d = mix(c.xz, c.yw, f.x); return mix(d.x, d.y, f.y);
}
float pattern(int kind, vec3 p, float frequency) {
    if (kind == 1) return step(0.0, sin(p.y * frequency));
    if (kind == 2) return step(0.0, sin(p.x * frequency));
    if (kind == 3) return 0.5 * step(0.0, sin(p.y * frequency)) + 0.5 * step(0.0, sin(p.x * frequency));
    if (kind == 4) return smoothstep(0.35, 0.65, noise(p * frequency * 0.3));
    if (kind == 5) {  // Bricks or tiles.
        float row = floor(p.y * frequency * 0.3);
        vec2 q = vec2(p.x * frequency * 0.15 + 0.5 * mod(row, 2.0), p.y * frequency * 0.3);
        return step(0.06, fract(q.x)) * step(0.1, fract(q.y)) * (0.7 + 0.3 * hash(vec3(floor(q.x), row, 1.0)));
    }
    return 0.0;
}
"""

_LIGHT: Final = """
uniform vec3 harmonics[9]; uniform mat3 unturn; uniform vec3 sun; uniform vec3 sunlight; uniform float exposure;
vec3 irradiance(vec3 n) {
    vec3 d = unturn * n;
    vec3 sum = harmonics[0] * 0.282095
        + 0.488603 * (harmonics[1] * d.y + harmonics[2] * d.z + harmonics[3] * d.x)
        + 1.092548 * (harmonics[4] * d.x * d.y + harmonics[5] * d.y * d.z + harmonics[7] * d.x * d.z)
        + 0.315392 * harmonics[6] * (3.0 * d.z * d.z - 1.0) + 0.546274 * harmonics[8] * (d.x * d.x - d.y * d.y);
    return max(sum, vec3(0.03));
}
vec3 screen(vec3 light) {
    light *= exposure;
    return pow(clamp(light / (1.0 + 0.15 * light), 0.0, 1.0), vec3(1.0 / 2.2));
}
"""

SOLID_VERTEX: Final = """#version 330
uniform mat4 view;
in vec3 place; in vec3 normal; in vec3 rest; in vec4 cover;
out vec3 at; out vec3 facing; out vec3 origin; out vec4 inside;
void main() { gl_Position = view * vec4(place, 1.0); at = place; facing = normal; origin = rest; inside = cover; }
"""

SOLID_FRAGMENT: Final = (
    """#version 330
in vec3 at; in vec3 facing; in vec3 origin; in vec4 inside; out vec4 colour;
uniform vec3 colours[5]; uniform vec3 accents[5]; uniform float patterns[5]; uniform float frequencies[5];
uniform vec3 face[3]; uniform vec3 iris; uniform vec3 lips; uniform vec3 brow; uniform vec3 eye;
"""
    + _NOISE
    + _LIGHT
    + """
float oval(vec3 d, vec2 reach, float core) {  // 1 at the middle, 0 from its rim on; flat in depth.
    return 1.0 - smoothstep(core, 1.0, length(d / vec3(reach, 0.035)));
}
vec3 skin() {
    vec3 c = mix(colours[0], lips, oval(origin - face[2], vec2(0.026, 0.009), 0.7));
    for (int i = 0; i < 2; i++) {
        vec3 d = origin - face[i];
        c *= 1.0 - 0.25 * oval(d, vec2(0.026, 0.018), 0.3);
        c = mix(c, vec3(0.75), oval(d, vec2(0.015, 0.0065), 0.8));
        c = mix(c, iris, oval(d, vec2(0.006), 0.8));
        c = mix(c, brow, 0.8 * oval(d - vec3(0.0, 0.022 - 6.0 * d.x * d.x, 0.0), vec2(0.023, 0.0055), 0.7));
    }
    return c;
}
vec3 cloth(int part) {
    return mix(colours[part], accents[part], pattern(int(patterns[part] + 0.5), origin, frequencies[part]));
}
void main() {
    int part = 0;
    if (inside.y > 0.0) part = 2;
    if (inside.x > 0.0) part = 1;
    if (inside.z > 0.0) part = 3;
    if (inside.w > 0.0) part = 4;
    vec3 n = normalize(facing), toward = normalize(eye - at);
    vec3 c = part == 0 ? skin() : cloth(part);
    if (part > 0) {  // Folds, or strands.
        vec3 q = origin * (part == 4 ? vec3(90.0, 25.0, 90.0) : vec3(20.0, 16.0, 20.0));
        vec3 bump = vec3(noise(q), noise(q + 17.3), noise(q + 31.7)) - 0.5;
        n = normalize(n + (part == 3 ? 0.2 : 0.7) * bump);
    }
    float lit = max(dot(n, sun), 0.0);
    float gloss = pow(max(dot(reflect(-sun, n), toward), 0.0), 14.0) * (part == 0 || part == 4 ? 0.1 : 0.04);
    colour = vec4(screen(c * (irradiance(n) + sunlight * lit) + sunlight * gloss), 1.0);
}
"""
)

BEHIND_VERTEX: Final = """#version 330
in vec2 corner; out vec2 place;
void main() { gl_Position = vec4(corner, 0.0, 1.0); place = corner; }
"""

BEHIND_FRAGMENT: Final = (
    """#version 330
in vec2 place; out vec4 colour;
uniform sampler2D panorama; uniform mat3 rays; uniform vec3 eye; uniform int kind; uniform float ground;
uniform vec3 walls[2];
uniform vec3 colours[4]; uniform vec3 accents[4]; uniform float patterns[4]; uniform float frequencies[4];
"""
    + _NOISE
    + _LIGHT
    + """
vec3 painted(int i, vec3 p) {
    float grain = 0.75 + 0.35 * noise(p * 3.0) + 0.2 * noise(p * 40.0);
    vec3 c = mix(colours[i], accents[i], pattern(int(patterns[i] + 0.5), p, frequencies[i]));
    return c * grain;
}
vec3 hung(vec3 c, vec3 p, int i) {  // Pictures, doors, windows: one in some cells of a wall of colour c.
    vec2 cell = floor(p.xy / vec2(1.3, 1.1)), q = fract(p.xy / vec2(1.3, 1.1));
    float r = hash(vec3(cell, float(i) + 5.0));
    vec2 low = 0.1 + 0.3 * vec2(hash(vec3(cell, 1.0)), hash(vec3(cell, 2.0)));
    vec2 high = 0.9 - 0.3 * vec2(hash(vec3(cell, 3.0)), hash(vec3(cell, 4.0)));
    if (r > 0.35 || any(lessThan(q, low)) || any(greaterThan(q, high))) return c;
    if (any(lessThan(q, low + 0.04)) || any(greaterThan(q, high - 0.04))) return accents[i] * 0.4;
    return mix(accents[(i + 1) % 4], colours[(i + 2) % 4], noise(vec3(q * 6.0, r * 90.0)));
}
vec3 room(vec3 d) {
    vec3 t = (mix(walls[0], walls[1], step(0.0, d)) - eye) / d;
    float nearest = min(t.x, min(t.y, t.z));
    vec3 p = eye + nearest * d, light;
    if (nearest == t.y) light = painted(d.y < 0.0 ? 0 : 1, p.xzy);
    else if (nearest == t.x) light = hung(painted(2, p.zyx), p.zyx - walls[0].zyx, 2);
    else light = hung(painted(3, p), p - walls[0], 3);
    light *= irradiance(-sign(d) * vec3(equal(t, vec3(nearest))));
    vec3 edge = min(p - walls[0], walls[1] - p);
    edge += step(edge, vec3(0.01)) * 10.0;  // The wall itself is no edge.
    return light * (0.65 + 0.35 * smoothstep(0.0, 0.6, min(edge.x, min(edge.y, edge.z))));
}
vec3 outside(vec3 d) {
    vec3 u = unturn * d;
    vec2 uv = vec2(atan(u.x, u.z) / 6.2831853 + 0.5, acos(clamp(u.y, -1.0, 1.0)) / 3.1415927);
    vec3 light = colours[3] * (0.25 + 0.2 * d.y);
    // Panoramas are coarse: noise stands for the detail that they lack.
    if (kind == 0) light = textureLod(panorama, uv, 0.0).rgb * (0.8 + 0.4 * noise(d * 120.0));
    if (d.y >= 0.0 || ground < -1e3) return light;
    float away = (ground - eye.y) / d.y;
    vec3 near = painted(0, (eye + away * d).xzy) * irradiance(vec3(0, 1, 0));
    return mix(near, light, smoothstep(3.0, 14.0, away));
}
void main() {
    vec3 d = normalize(rays * vec3(place, 1.0));
    colour = vec4(screen(kind == 1 ? room(d) : outside(d)), 1.0);
}
"""
)

SHADOW_VERTEX: Final = """#version 330
uniform mat4 view; uniform vec3 sun; uniform float ground; in vec3 place;
void main() {
    vec3 p = place - sun * ((place.y - ground) / max(sun.y, 0.3));
    gl_Position = view * vec4(p.x, ground, p.z, 1.0);
}
"""

SHADOW_FRAGMENT: Final = """#version 330
out vec4 colour;
void main() { colour = vec4(1.0); }
"""
