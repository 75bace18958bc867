#!/usr/bin/env python3
"""sbom.py FOLDER: the image's bill of materials, SPDX 2.3 in JSON: each file with its digest, each Debian package that a file is of
with its version and licence. Standard library only."""

import hashlib
import json
import pathlib
import re
import subprocess
import sys

OURS = {"libleft-out.so"}  # made by libvips.py: of no package


def packages_of(names, machine):
    """Package and version of the libraries, by dpkg."""
    found = {}
    for name in names:
        places = [f"{folder}/{machine}/{name}" for folder in ("/lib", "/usr/lib")]
        for place in places:
            real = pathlib.Path(place).resolve()
            for asked in (str(real), "/usr" + str(real), str(real).removeprefix("/usr"), place):
                told = subprocess.run(["dpkg", "-S", asked], capture_output=True, text=True)
                if told.returncode == 0:
                    found[name] = told.stdout.split(":")[0]
                    break
            if name in found:
                break
    return found


def version_of(package):
    told = subprocess.run(["dpkg-query", "-W", "-f", "${Version}\n", package], capture_output=True, text=True, check=True)
    return told.stdout.splitlines()[0]


def licence_of(package):
    text = pathlib.Path(f"/usr/share/doc/{package}/copyright")
    words = re.findall(r"^License: *(\S+)", text.read_text(errors="replace") if text.exists() else "", re.MULTILINE)
    return sorted(set(words))


def main():
    root = pathlib.Path(sys.argv[1])
    files = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink() and "zoneinfo" not in path.parts and path.name != "sbom.spdx.json")
    machine = next((root / "usr/lib").glob("*-linux-gnu")).name
    libraries = [path.name for path in files if path.parent.name == machine and path.name not in OURS]
    of = packages_of(libraries, machine)
    architecture = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
    missing = [name for name in libraries if name not in of]
    if missing:
        sys.exit(f"sbom.py: of no package: {', '.join(missing)}")
    names = sorted(set(of.values()) | {"ca-certificates", "tzdata"})
    out = {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "stoa",
           "documentNamespace": "https://github.com/example/stoa/sbom", "creationInfo": {"created": "1970-01-01T00:00:00Z", "creators": ["Tool: stoa-sbom"]},
           "packages": [{"SPDXID": "SPDXRef-stoa", "name": "stoa", "versionInfo": "0.1.0", "downloadLocation": "NOASSERTION", "licenseConcluded": "MIT",
                         "filesAnalyzed": False}],
           "files": [], "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-stoa"}]}
    for name in names:
        version = version_of(name)
        out["packages"].append({"SPDXID": f"SPDXRef-{name}", "name": name, "versionInfo": version, "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
                                "licenseConcluded": "NOASSERTION", "licenseComments": ", ".join(licence_of(name)),
                                "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                                                  "referenceLocator": f"pkg:deb/debian/{name}@{version}?arch={architecture}&distro=debian-12"}]})
        out["relationships"].append({"spdxElementId": "SPDXRef-stoa", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": f"SPDXRef-{name}"})
    for path in files:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        out["files"].append({"SPDXID": f"SPDXRef-file-{digest[:16]}", "fileName": "./" + str(path.relative_to(root)),
                             "checksums": [{"algorithm": "SHA256", "checksumValue": digest}], "licenseConcluded": "NOASSERTION", "copyrightText": "NOASSERTION"})
    json.dump(out, sys.stdout, indent=1, sort_keys=True)


if __name__ == "__main__":
    main()
