#!/usr/bin/env python3
"""Renders every picture in this folder from its SVG source. See README.md."""

import pathlib
import struct
import subprocess

HERE = pathlib.Path(__file__).resolve().parent


def render(source: pathlib.Path, size: int) -> bytes:
    command = ["rsvg-convert", "--width", str(size), "--height", str(size), str(source)]
    return subprocess.run(command, check=True, capture_output=True).stdout


def ico(pictures: dict[int, bytes]) -> bytes:
    """A Windows icon whose pictures are PNGs; a side of 256 pixels is written as 0."""
    head = struct.pack("<HHH", 0, 1, len(pictures))
    offset = len(head) + 16 * len(pictures)
    entries = b""
    for size, png in pictures.items():
        entries += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(png), offset)
        offset += len(png)
    return head + entries + b"".join(pictures.values())


def icns(pictures: dict[bytes, bytes]) -> bytes:
    """A macOS icon: chunks of a type, a length and a PNG."""
    chunks = b"".join(kind + struct.pack(">I", 8 + len(png)) + png for kind, png in pictures.items())
    return b"icns" + struct.pack(">I", 8 + len(chunks)) + chunks


def main() -> None:
    application = HERE / "evertoken.svg"
    for size in (32, 128, 256):
        (HERE / f"{size}x{size}.png").write_bytes(render(application, size))
    (HERE / "icon.png").write_bytes(render(application, 512))
    (HERE / "icon.ico").write_bytes(ico({size: render(application, size) for size in (16, 24, 32, 48, 64, 256)}))
    kinds = {b"ic07": 128, b"ic08": 256, b"ic09": 512, b"ic10": 1024}
    (HERE / "icon.icns").write_bytes(icns({kind: render(application, size) for kind, size in kinds.items()}))
    for state in sorted((HERE / "tray").glob("*.svg")):
        for size in (22, 44):
            state.with_name(f"{state.stem}-{size}.png").write_bytes(render(state, size))


if __name__ == "__main__":
    main()
