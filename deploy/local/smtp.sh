#!/usr/bin/env bash
# aiosmtpd, a mail server on loopback: what it takes lies in DIR/mail, a file each. `run DIR PORT` speaks plain SMTP on
# PORT, where STARTTLS is offered, and SMTP in TLS on PORT + 1 for those who log in as shop with the password secret;
# its certificate, for localhost and 127.0.0.1, is its own authority (DIR/ca.pem). By the recipient it behaves like
# others: greylisted-…@ is put off the first time (451), full@ always (452), nobody@ refused (550), spam@ refused after
# its text (554), cut@ hung up on, after-cut@ taken and hung up on, slow@ left waiting.
set -euo pipefail
name=smtp title="aiosmtpd" version=1.4.6
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

install() { make_python "aiosmtpd==$version" "fetching $title $version with pip (under a megabyte)"; }

run() {
    need openssl openssl
    mkdir -p "$1/mail"
    [[ -f $1/ca.pem ]] || openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout "$1/key.pem" -out "$1/ca.pem" \
        -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null
    exec "$place/bin/python" -B -c "$server" "$1" "$2"
}

server=$(cat <<'PYTHON'
import asyncio
import pathlib
import signal
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

folder, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])


class Behaviour:
    def __init__(self):
        self.seen, self.taken = set(), 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if name.startswith("greylisted-") and address not in self.seen:
            self.seen.add(address)
            return "451 4.7.1 Greylisted, please try again"
        if name == "full":
            return "452 4.2.2 Mailbox full"
        if name == "nobody":
            return "550 5.1.1 No such user here"
        if name == "cut":
            server.transport.abort()
        if name == "slow":
            await asyncio.sleep(3_600)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        names = [address.split("@")[0] for address in envelope.rcpt_tos]
        if "spam" in names:
            return "554 5.7.1 Looks like spam"
        self.taken += 1
        part = folder / "mail" / f".{self.taken}"
        part.write_bytes(b"".join(b"X-Envelope-To: " + to.encode() + b"\r\n" for to in envelope.rcpt_tos) +
                         b"X-Transport: " + (b"tls" if server.transport.get_extra_info("cipher") else b"plain") + b"\r\n" + envelope.content)
        part.rename(folder / "mail" / f"{self.taken}.eml")
        if "after-cut" in names:
            server.transport.abort()
        return "250 2.0.0 Taken"


def authenticate(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"shop", b"secret")
    return AuthResult(success=good, handled=good)


async def main():
    loop, behaviour, done = asyncio.get_running_loop(), Behaviour(), asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, done.set)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    await loop.create_server(lambda: SMTP(behaviour, hostname="localhost", tls_context=tls, enable_SMTPUTF8=True),
                             "127.0.0.1", port)
    await loop.create_server(lambda: SMTP(behaviour, hostname="localhost", authenticator=authenticate, auth_required=True,
                                          auth_require_tls=False, enable_SMTPUTF8=True),
                             "127.0.0.1", port + 1, ssl=tls)
    await done.wait()


asyncio.run(main())
PYTHON
)

ready() {
    local line
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    read -r -t 2 line <&3 && [[ $line == 220* ]]
}

dispatch "$@"
