# SPDX-License-Identifier: GPL-3.0-or-later
"""A package index of a few tiny wheels on this machine, and the requirements that name them."""

import base64
import functools
import hashlib
import http.server
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reel_to_rig.addon.engine.installation.plan import find_python, this_platform

CHECK = ("-c", "import alpha, beta, torch; print('device: pretended', alpha.NUMBER + beta.NUMBER + torch.NUMBER)")


class Index:
    """Wheels under `folder`, served at `url`; of the projects in `stalled` the wheels stop halfway.

    `waits` is set when one does, until the test sets `released`; then the connection is cut.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.stalled: set[str] = set()
        self.waits, self.released = threading.Event(), threading.Event()

    def add(self, name: str, version: str, needs: str = "") -> Path:
        """A wheel with one module that has a NUMBER, and 300 kB of ballast."""
        wheel = self.folder / "simple" / name / f"{name}-{version}-py3-none-any.whl"
        wheel.parent.mkdir(parents=True, exist_ok=True)
        info = f"{name}-{version}.dist-info"
        files = {
            f"{name}/__init__.py": f"NUMBER = {version.partition('.')[0]}\n",
            f"{name}/ballast.txt": "".join(hashlib.sha512(b"%d" % n).hexdigest() for n in range(2400)),
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            + (f"Requires-Dist: {needs}\n" if needs else ""),
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        rows = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in files.items()]
        files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""])
        with zipfile.ZipFile(wheel, "w") as archive:
            for path, text in files.items():
                # Without a time of its own: made again, it is the same to the last byte.
                archive.writestr(zipfile.ZipInfo(path), text, zipfile.ZIP_DEFLATED)
        links = (f'<a href="{file.name}#sha256={_hex(file)}">{file.name}</a>' for file in wheel.parent.glob("*.whl"))
        (wheel.parent / "index.html").write_text("<html>" + "".join(links), encoding="utf-8")
        return wheel

    def requirements(self, folder: Path, torch: str = "7.0") -> Path:
        """alpha, and beta which needs it, locked for this machine; torch of the build "tiny"."""
        wheels = [self.add("alpha", "1.0"), self.add("beta", "2.0", "alpha")]
        self.add("torch", f"{torch}+tiny", "alpha")
        _, version = find_python_here()
        lock = folder / "lock" / f"{version}-{this_platform()}.txt"
        lock.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            f"{name}=={wheel.name.split('-')[1]} --hash=sha256:{_hex(wheel)}  # {wheel.stat().st_size} MIT"
            for name, wheel in zip(("alpha", "beta"), wheels, strict=True)
        ]
        lock.write_text("\n".join(lines), encoding="utf-8")
        (folder / "engine.txt").write_text(f"torch=={torch}\n", encoding="utf-8")
        (folder / "torch.toml").write_text(
            f'[[build]]\nname = "tiny"\nlabel = "Tiny"\nplatforms = ["{this_platform()}"]\ndevice = "none"\n'
            f'index = "{self.url}"\nsize_mb = 1\nlicence = "MIT"\n',
            encoding="utf-8",
        )
        return folder


def find_python_here() -> tuple[Path, str]:
    from reel_to_rig.addon.engine.installation.plan import REQUIREMENTS

    return find_python(this_platform(), REQUIREMENTS)


@contextmanager
def serving(folder: Path) -> Iterator[Index]:
    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.endswith(".whl") and self.path.split("/")[-2] in index.stalled:
                content = Path(self.translate_path(self.path)).read_bytes()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: len(content) // 2])
                self.wfile.flush()
                index.waits.set()
                index.released.wait(60)
                return
            super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    index = Index(folder, f"http://127.0.0.1:{server.server_port}/simple/")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        index.released.set()
        server.shutdown()
        server.server_close()


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def _hex(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
