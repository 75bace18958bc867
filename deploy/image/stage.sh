#!/usr/bin/env bash
# stage.sh BINARY FOLDER: what the image holds, as a folder. The same binary and packages make the same bytes.
set -euo pipefail
binary=$1 root=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for each in /etc/ssl/certs/ca-certificates.crt /usr/share/zoneinfo/UTC; do
    [[ -e $each ]] || {
        echo "stage.sh: $each is missing: install the Debian packages ca-certificates and tzdata" >&2
        exit 1
    }
done
rm -rf "$root"
mkdir -p "$root"/{usr/bin,usr/lib/x86_64-linux-gnu,lib64,etc/ssl/certs,usr/share/{zoneinfo,stoa},var/lib/stoa,tmp,run/secrets}
ln -s usr/lib "$root/lib"
# Symbols stay outside: --only-keep-debug of the binary is what a crash is read with.
strip --strip-unneeded -o "$root/usr/bin/stoa" "$binary"
# Every library that it is linked with, by the name it asks for.
ldd "$binary" | sed -n 's/^\t\(lib[^ ]*\) => \([^ ]*\) .*/\1 \2/p' | while read -r name path; do
    install -m 644 "$(realpath "$path")" "$root/usr/lib/x86_64-linux-gnu/$name"
done
# By name at run time: name look-ups.
for each in libnss_dns.so.2 libnss_files.so.2 libresolv.so.2; do
    [[ ! -e /lib/x86_64-linux-gnu/$each ]] || install -m 644 "$(realpath "/lib/x86_64-linux-gnu/$each")" "$root/usr/lib/x86_64-linux-gnu/$each"
done
install -m 755 "$(realpath /lib64/ld-linux-x86-64.so.2)" "$root/lib64/ld-linux-x86-64.so.2"
install -m 644 "$(realpath /etc/ssl/certs/ca-certificates.crt)" "$root/etc/ssl/certs/ca-certificates.crt"
cp -rL /usr/share/zoneinfo/{UTC,Etc,Europe,America,Asia,Africa,Australia,Pacific,Atlantic,Indian} "$root/usr/share/zoneinfo/"
printf 'root:x:0:0:root:/:/nonexistent\nstoa:x:10001:10001:Stoa:/var/lib/stoa:/nonexistent\n' >"$root/etc/passwd"
printf 'root:x:0:\nstoa:x:10001:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
python3 -B "$here/sbom.py" "$root" >"$root/usr/share/stoa/sbom.spdx.json"
chmod 1777 "$root/tmp"
chown -R 0:0 "$root"
chown 10001:10001 "$root/var/lib/stoa"
find "$root" -exec touch -h -d @0 {} +
