"""zip.py FOLDER NAME...: FOLDER/NAME.zip of FOLDER/root for each name; the same files make the same bytes."""

import hashlib
import pathlib
import sys
import zipfile

LARGEST_UNPACKED = 250 << 20  # what Lambda takes


def pack(root, to):
    files = sorted(each for each in root.rglob("*") if each.is_file())
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for each in files:
            entry = zipfile.ZipInfo(str(each.relative_to(root)), (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix: Lambda keeps the permissions
            entry.external_attr = (0o100755 if each.stat().st_mode & 0o100 else 0o100644) << 16
            out.writestr(entry, each.read_bytes())
    return sum(each.stat().st_size for each in files)


def main(folder, *names):
    folder = pathlib.Path(folder)
    for name in names:
        to = folder / f"{name}.zip"
        unpacked = pack(folder / "root", to)
        if unpacked > LARGEST_UNPACKED:
            sys.exit(f"{to}: {unpacked >> 20} MB unpacked, Lambda takes 250")
        digest = hashlib.sha256(to.read_bytes()).hexdigest()
        print(f"{to} {to.stat().st_size // 1000} kB packed, {unpacked // 1000} kB unpacked, sha256 {digest}")


main(*sys.argv[1:])
