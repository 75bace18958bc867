#!/usr/bin/env bash
# stage.sh BINARY FOLDER: what an image of the program holds, as a folder. The same binary and packages make the same bytes.
set -euo pipefail
binary=$1 root=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for each in /etc/ssl/certs/ca-certificates.crt /usr/share/zoneinfo/UTC; do
    [[ -e $each ]] || {
        echo "stage.sh: $each is missing: install the Debian packages ca-certificates and tzdata" >&2
        exit 1
    }
done
linked=$(ldd "$binary")
loader=$(sed -n 's/^\t\(\/[^ ]*ld-linux[^ ]*\) .*/\1/p' <<<"$linked")
machine=$(basename "$(dirname "$(sed -n 's/.*libc\.so\.6 => \([^ ]*\) .*/\1/p' <<<"$linked")")") # x86_64-linux-gnu
libraries=$root/usr/lib/$machine
rm -rf "$root"
mkdir -p "$root"/{usr/bin,etc/ssl/certs,usr/share/{zoneinfo,stoa},var/lib/stoa,tmp,run/secrets} "$libraries"
ln -s usr/lib "$root/lib"
# Symbols stay outside: --only-keep-debug of the binary is what a crash is read with.
strip --strip-unneeded -o "$root/usr/bin/$(basename "$binary")" "$binary"
# Every library that it is linked with, by the name it asks for.
sed -n 's/^\t\(lib[^ ]*\) => \([^ ]*\) .*/\1 \2/p' <<<"$linked" | while read -r name path; do
    install -m 644 "$(realpath "$path")" "$libraries/$name"
done
# By name at run time: name look-ups, and what decodes pictures.
for each in libnss_dns.so.2 libnss_files.so.2 libresolv.so.2; do
    [[ ! -e /lib/$machine/$each ]] || install -m 644 "$(realpath "/lib/$machine/$each")" "$libraries/$each"
done
python3 -B "$here/libvips.py" "$libraries"
mkdir -p "$root$(dirname "$loader")"
install -m 755 "$(realpath "$loader")" "$root$loader"
install -m 644 "$(realpath /etc/ssl/certs/ca-certificates.crt)" "$root/etc/ssl/certs/ca-certificates.crt"
cp -rL /usr/share/zoneinfo/{UTC,Etc,Europe,America,Asia,Africa,Australia,Pacific,Atlantic,Indian} "$root/usr/share/zoneinfo/"
printf 'root:x:0:0:root:/:/nonexistent\nstoa:x:10001:10001:Stoa:/var/lib/stoa:/nonexistent\n' >"$root/etc/passwd"
printf 'root:x:0:\nstoa:x:10001:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
python3 -B "$here/sbom.py" "$root" >"$root/usr/share/stoa/sbom.spdx.json"
# Who builds an image makes every file root's, whoever it belongs to here: the mode alone comes along, and a new volume has the
# folder's.
chmod 1777 "$root/tmp" "$root/var/lib/stoa"
chown -R 0:0 "$root"
find "$root" -exec touch -h -d @0 {} +
