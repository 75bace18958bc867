#!/usr/bin/env python3
"""libvips.py FOLDER: libvips and what it reads pictures of the web with, into an image's folder of libraries.

Debian's libvips is linked with readers of forty formats, 90 MB of them, which the shop neither offers nor loads (ADR 0020). Each
library that is not in KEPT stands there as a link to libleft-out.so, which has the functions that libvips asks it for: the loader is
content, and what calls one of them ends there. Standard library only."""

import pathlib
import re
import subprocess
import sys

KEPT = re.compile(r"lib(c|m|z|glib-2\.0|gio-2\.0|gobject-2\.0|gmodule-2\.0|expat|exif|jpeg|png16|webp|webpmux|webpdemux|lcms2|orc-0\.4|cgif)\.so")

# What libvips calls of them when it starts and ends, which returns.
AT_START = {"TIFFSetErrorHandler", "TIFFSetWarningHandler", "gsf_init", "gsf_shutdown"}


def said(*words):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True).stdout


def found():
    """soname → path, for all that libvips is linked with, and itself."""
    cache = said("/sbin/ldconfig", "-p")
    path = re.search(r"libvips\.so\.42 .*=> (\S+)", cache)
    if not path:
        sys.exit("libvips.py: libvips.so.42 is missing: install the Debian package libvips42")
    return pathlib.Path(path[1])


def linked(path):
    return dict(re.findall(r"(\S+) => (\S+) \(", said("ldd", path)))


def left_out_source(vips, libraries):
    """The functions that libvips has of these libraries, as C, and the versions that it knows them by."""
    asked = dict(re.findall(r"UND (\w+)(?:@(\S+))?", said("readelf", "--dyn-syms", "-W", vips)))
    names, versions = [], {}
    for path in libraries:
        for kind, name in re.findall(r"^\w+ (\w) (\w+)", said("nm", "-D", "--defined-only", path), re.MULTILINE):
            if name in asked:
                if kind not in "TW":
                    sys.exit(f"libvips.py: {name} of {path} is no function")
                names.append(name)
                if asked[name]:
                    versions.setdefault(asked[name], []).append(name)
    source = "static void left_out(void) { __builtin_trap(); }\nstatic void begun(void) {}\n"
    source += "".join(f'void {name}(void) __attribute__((alias("{"begun" if name in AT_START else "left_out"}")));\n' for name in sorted(set(names)))
    return source, "".join(f"{version} {{ global: {'; '.join(sorted(of))}; }};\n" for version, of in sorted(versions.items()))


def main():
    to = pathlib.Path(sys.argv[1])
    vips = found()
    paths = linked(vips)
    wanted = re.findall(r"\(NEEDED\).*\[(\S+)\]", said("readelf", "-d", vips))
    kept = {name: paths[name] for name in wanted if KEPT.match(name)}
    left = {name: paths[name] for name in wanted if name not in kept}
    for path in list(kept.values()):
        kept.update(linked(path))
    for name, path in {**kept, vips.name: str(vips)}.items():
        if not (to / name).exists():
            said("install", "-m", "644", pathlib.Path(path).resolve(), to / name)
    source, versions = left_out_source(vips, left.values())
    (to / "left-out.c").write_text(source)
    (to / "left-out.map").write_text(versions)
    said("clang-19", "-shared", "-nostdlib", "-fPIC", "-O1", "-s", "-fuse-ld=lld", "-Wl,-soname,libleft-out.so", "-Wl,--build-id=none",
         f"-Wl,--version-script={to}/left-out.map", "-o", to / "libleft-out.so", to / "left-out.c")
    for each in ("left-out.c", "left-out.map"):
        (to / each).unlink()
    (to / "libleft-out.so").chmod(0o644)
    for name in left:
        (to / name).symlink_to("libleft-out.so")


if __name__ == "__main__":
    main()
