# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m model COMMAND`: the engine on the command line.

capture CLIP -o TAKE.npz   footage to a take
scan CLIP                  who is in the footage
probe CLIP                 what the file holds: size, rate, length, rotation
serve                      the process that Blender talks to, on stdin and stdout
doctor                     what is installed, on which device, and what is missing
weights                    every file of weights: origin, licence, and whether it is intact
motions, pictures, train, export, evaluate    how the weights are made and how good they are: in the checkout only
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Final

from .protocol import Cancelled, CaptureSettings, Code, Failure, encode, failed
from .serve import as_failure

MAKING: Final = ("motions", "pictures", "train", "export", "evaluate")
"""Commands for those who make the weights: it is for them to name the right folder."""


def main(arguments: list[str]) -> int:
    """Run a command; the exit status is 0 if it did what was asked."""
    commands: dict[str, Callable[[list[str]], int]] = {
        "capture": _capture, "scan": _scan, "probe": _probe, "serve": _serve, "doctor": _doctor, "weights": _weights,
        "motions": _motions, "pictures": _pictures, "train": _train, "export": _export, "evaluate": _evaluate,
    }  # fmt: skip
    if not arguments or arguments[0] not in commands:
        asked_for_help = bool(arguments) and arguments[0] in ("-h", "--help", "help")
        print(__doc__, file=sys.stdout if asked_for_help else sys.stderr)
        return 0 if asked_for_help else 2
    try:
        status = commands[arguments[0]](arguments[1:])
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Who read the output has seen enough (`| head`); the status is what a shell says of a broken pipe. Python would
        # still try to write the rest as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (Cancelled, KeyboardInterrupt):
        print("\nCancelled.", file=sys.stderr)
        return 130
    except FileNotFoundError as error:
        if arguments[0] not in MAKING:
            raise
        print(error, file=sys.stderr)
        return 1
    except Exception as error:
        failure = as_failure(error)
        if failure.code is Code.ENGINE_INTERNAL:
            raise  # A fault of ours: whoever mends it needs to see all.
        print(failure, file=sys.stderr)
        return 1


def _footage_parser(command: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m model {command}")
    parser.add_argument("footage", metavar="CLIP")
    parser.add_argument("--start", dest="start_s", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--end", dest="end_s", type=float, metavar="SECONDS")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    return parser


def _capture(arguments: list[str]) -> int:
    from . import pipeline  # noqa: PLC0415 - torch takes seconds to load; other commands need not wait for it

    parser = _footage_parser("capture")
    parser.add_argument("-o", "--output", required=True, metavar="TAKE.npz")
    parser.add_argument("--overlay", metavar="OUT.mp4", help="also draw body and keypoints over the footage")
    parser.add_argument("--person", type=int, help="number of the person, as `scan` lists them; default: the first")
    parser.add_argument("--fov", dest="fov_deg", type=float, help="horizontal field of view in degrees, if known")
    parser.add_argument("--height", dest="height_m", type=float, help="the person's height in metres, if known")
    parser.add_argument("--quality", default="full", choices=("full", "draft"))
    parser.add_argument("--camera", default="auto", choices=("auto", "static", "moving"))
    parser.add_argument(
        "--camera-pitch", dest="camera_pitch_deg", type=float, metavar="DEGREES", help="how far it looks down at first"
    )
    parser.add_argument(
        "--camera-height", dest="camera_height_m", type=float, metavar="METRES",
        help="how high it is above the floor at first; with it the person's height is found",
    )  # fmt: skip
    parser.add_argument(
        "--hold-feet", action=argparse.BooleanOptionalAction, default=True, help="hold feet where they rest"
    )
    parser.add_argument("--body", help="an SMPL model file of your own (.npz or .pkl)")
    settings = CaptureSettings(**vars(parser.parse_args(arguments)))
    settings.check()
    # To be told to end is to be cancelled: nothing half done stays behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    result = pipeline.capture(settings, _Progress(), lambda: False)
    print(json.dumps({"files": result.files, **result.summary}, indent=1))
    return 0


def _scan(arguments: list[str]) -> int:
    from . import pipeline  # noqa: PLC0415

    settings = CaptureSettings(**vars(_footage_parser("scan").parse_args(arguments)))
    settings.check()
    for track in pipeline.scan(settings, _Progress(), lambda: False):
        print(
            f"person {track.id}: {track.time_s[0]:.2f} s to {track.time_s[-1]:.2f} s, score {track.scores.mean():.2f}"
        )
    return 0


def _probe(arguments: list[str]) -> int:
    """One line of JSON for programs, Blender's among them: what the file holds, or why it is of no use."""
    from .footage.glance import glance  # noqa: PLC0415

    parser = argparse.ArgumentParser(prog="python -m model probe")
    parser.add_argument("footage", metavar="CLIP")
    parser.add_argument("--thumbnail", metavar="PICTURE.png", help="also write a small picture of it")
    options = parser.parse_args(arguments)
    try:
        answer = {"type": "footage", **asdict(glance(options.footage, options.thumbnail))}
    except Failure as failure:
        answer = failed("", failure)
    sys.stdout.write(encode(answer).decode())
    return int(answer["type"] == "failed")


def _serve(_: list[str]) -> int:
    from . import serve  # noqa: PLC0415

    return serve.main()


def _doctor(_: list[str]) -> int:
    from . import doctor  # noqa: PLC0415

    return doctor.main()


def _weights(_: list[str]) -> int:
    from .weights import registry  # noqa: PLC0415

    return registry.main()


def _motions(arguments: list[str]) -> int:
    from .training.convert import folder  # noqa: PLC0415

    return folder.main(arguments)


def _pictures(arguments: list[str]) -> int:
    from .training.pictures import generate  # noqa: PLC0415

    return generate.main(arguments)


def _train(arguments: list[str]) -> int:
    from .training import train  # noqa: PLC0415

    return train.main(arguments)


def _export(arguments: list[str]) -> int:
    from .training import export  # noqa: PLC0415

    return export.main(arguments)


def _evaluate(arguments: list[str]) -> int:
    from .evaluation import evaluate  # noqa: PLC0415

    return evaluate.main(arguments)


class _Progress:
    """One line on a terminal, rewritten by what comes next; elsewhere nothing."""

    def __init__(self) -> None:
        self._drawn, self._line = 0.0, ""

    def __call__(self, stage: str, done: int, total: int) -> None:
        line = f"{stage:10s} {done:6d} / {total}"
        due = done == total or time.monotonic() - self._drawn > 0.1
        if due and line != self._line and sys.stderr.isatty():
            self._drawn, self._line = time.monotonic(), line
            print(line, end="\n" if done == total else "\r", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
