#!/usr/bin/env bash
# package.sh BINARY: build/functions/<function>.zip for AWS Lambda's provided.al2023, one a function of the binary.
#
# The program is built on Debian 12, whose glibc is newer than Amazon Linux 2023's: a zip brings its own loader and
# libraries, and `bootstrap` starts the program through them. The same binary and packages make the same bytes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
binary=${1:?a binary: ./dev image functions makes it} out=build/functions

[[ -x $binary ]] || {
    echo "package.sh: $binary is not there" >&2
    exit 1
}
authorities=/etc/ssl/certs/ca-certificates.crt
[[ -f $authorities ]] || {
    echo "package.sh: $authorities is missing: install the Debian package ca-certificates" >&2
    exit 1
}
rm -rf "$out/root"
mkdir -p "$out/root"/{bin,lib}
strip --strip-unneeded -o "$out/root/bin/functions" "$binary"
ldd "$binary" | sed -n 's/^\t\(lib[^ ]*\) => \([^ ]*\) .*/\1 \2/p' | while read -r name path; do
    install -m 755 "$(realpath "$path")" "$out/root/lib/$name"
    strip --strip-unneeded "$out/root/lib/$name"
done
loader=$(ldd "$binary" | sed -n 's/^\t\(\/[^ ]*ld-linux[^ ]*\) .*/\1/p')
install -m 755 "$(realpath "$loader")" "$out/root/lib/ld-linux.so"
install -m 644 "$(realpath "$authorities")" "$out/root/lib/ca-certificates.crt"
clang++-19 -std=c++23 -Os -static -s -Wall -Wextra -Werror -nostdlib++ -o "$out/root/bootstrap" deploy/functions/bootstrap.cpp
chmod 755 "$out/root" "$out/root"/{bin,lib,bootstrap} "$out/root/bin/functions"
python3 -B deploy/functions/zip.py "$out" $("$binary" --list)
