#!/usr/bin/env python3
"""A TCP proxy that fails as networks and servers do, in a process of its own so that it costs a test no interpreter time.

    fault_proxy.py PORT [LISTEN_PORT]      prints the port it listens on, then reads a fault a line:

    pass                     what comes is passed on
    refuse                   connections are cut and refused: the server is down
    black_hole               nothing is ever heard again on connections that stand, or come meanwhile
    slow MS BYTES_PER_S      either way, each connection
    cut SECONDS              connections are reset after a random time of this mean
    half_close SECONDS       likewise, but the server's side seems to have ended in order, and still takes what comes

Each line is answered by `ok`. A fault ends with the next line. What was silent stays so: as after a firewall that has
forgotten its connections, only a new one is heard.
"""

import asyncio
import contextlib
import pathlib
import random
import resource
import socket
import struct
import subprocess
import sys

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST


class End(asyncio.Protocol):
    """One end of a link."""

    def __init__(self, link):
        self.link, self.transport, self.other = link, None, None
        self.due = 0.0  # when the last byte that was delayed goes out
        self.over = False  # its peer has nothing more to say

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.link.heard(self, data)

    def eof_received(self):
        self.over = True
        return self.link.ended(self)  # whether the other direction goes on

    def connection_lost(self, _):
        self.link.lost(self)

    def pause_writing(self):
        if self.other and self.other.transport:
            self.other.transport.pause_reading()

    def resume_writing(self):
        if self.other and self.other.transport and not self.other.transport.is_closing():
            self.other.transport.resume_reading()

    def send(self, data):
        if self.transport and not self.transport.is_closing():
            self.transport.write(data)

    def reset(self):
        if not self.transport:
            return
        taken = self.transport.get_extra_info("socket")
        if taken is not None and taken.fileno() >= 0:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.transport.abort()


class Link:
    """A client's connection and the one to the server that belongs to it."""

    def __init__(self, proxy):
        self.proxy, self.client, self.server = proxy, End(self), None
        self.silent, self.closed_half, self.held, self.timer = False, False, [], None

    async def open(self):
        if self.silent:
            return
        try:
            _, self.server = await asyncio.get_running_loop().create_connection(lambda: End(self), "127.0.0.1", self.proxy.to)
        except OSError:
            self.client.reset()
            return
        self.client.other, self.server.other = self.server, self.client
        for data in self.held:
            self.heard(self.client, data)
        self.held = []

    def heard(self, end, data):
        if self.silent:
            return
        if end is self.client and self.server is None:
            self.held.append(data)
            return
        if self.closed_half:
            return
        delay, rate = self.proxy.slow
        now = asyncio.get_running_loop().time()
        end.due = max(now + delay, end.due) + (len(data) / rate if rate else 0)
        if end.due <= now:
            end.other.send(data)
        else:  # behind what is still on its way
            asyncio.get_running_loop().call_at(end.due, end.other.send, data)

    def ended(self, end):
        if self.silent or self.closed_half or not end.other or not end.other.transport or end.other.over:
            return False
        loop = asyncio.get_running_loop()
        loop.call_at(max(loop.time(), end.due), self._pass_end, end.other)
        return True

    @staticmethod
    def _pass_end(end):
        if end.transport and not end.transport.is_closing():
            with contextlib.suppress(OSError):  # reset by its peer, and not told yet
                end.transport.write_eof()

    def lost(self, end):
        """The one end is gone. The server hears of it at once, unless nothing is heard at all: then when it is again."""
        other = self.server if end is self.client else self.client
        if not (self.silent and self.proxy.swallows) and other and other.transport:
            loop = asyncio.get_running_loop()
            loop.call_at(max(loop.time(), end.due), other.transport.close)
        if end is self.client and not (self.silent and self.proxy.swallows):
            self.proxy.links.discard(self)

    def hush(self):
        self.silent = True

    def half_close(self):
        if not self.closed_half and not self.silent:
            self.closed_half = True
            self._pass_end(self.client)

    def reset(self):
        for end in (self.client, self.server):
            if end:
                end.reset()
        self.proxy.links.discard(self)


class Proxy:
    def __init__(self, to, port):
        self.to, self.port, self.links, self.random = to, port, set(), random.Random(to)
        self.server, self.slow, self.swallows, self.shortened = None, (0.0, 0.0), False, None

    async def listen(self):
        self.server = await asyncio.get_running_loop().create_server(self._taken, "127.0.0.1", self.port, reuse_address=True,
                                                                     backlog=1024)
        self.port = self.server.sockets[0].getsockname()[1]

    def _taken(self):
        link = Link(self)
        link.silent = self.swallows
        self.links.add(link)
        asyncio.get_running_loop().create_task(link.open())
        if self.shortened:
            self._shorten(link)
        return link.client

    def _shorten(self, link):
        mean, how = self.shortened
        link.timer = asyncio.get_running_loop().call_later(self.random.expovariate(1 / mean), how, link)

    async def _over(self):
        """Ends the fault that is."""
        self.slow, self.swallows, self.shortened = (0.0, 0.0), False, None
        for link in list(self.links):
            if link.timer:
                link.timer.cancel()
            gone = link.client.transport is None or link.client.transport.is_closing()
            if link.silent and gone:
                link.reset()
        if not self.server:
            await self.listen()

    async def obey(self, line):
        word, *numbers = line.split()
        numbers = [float(each) for each in numbers]
        await self._over()
        if word == "refuse":
            self.server.close()
            self.server = None
            for link in list(self.links):
                link.reset()
        elif word == "black_hole":
            self.swallows = True
            for link in self.links:
                link.hush()
        elif word == "slow":
            self.slow = (numbers[0] / 1_000, numbers[1])
        elif word in ("cut", "half_close"):
            self.shortened = (numbers[0], Link.reset if word == "cut" else Link.half_close)
            for link in self.links:
                self._shorten(link)
        elif word != "pass":
            raise ValueError(f"no fault '{word}'")


async def serve(to, port):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    proxy = Proxy(to, port)
    await proxy.listen()
    print(proxy.port, flush=True)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := (await lines.readline()).decode().strip():
        await proxy.obey(line)
        print("ok", flush=True)


class FaultProxy:
    """A proxy before the server at `port` of the loopback address; its own port is `port`. For a `with` block."""

    def __init__(self, to, port=0):
        self.process = subprocess.Popen([sys.executable, "-B", pathlib.Path(__file__).resolve(), str(to), str(port)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def now(self, fault="pass"):
        self.process.stdin.write(fault + "\n")
        self.process.stdin.flush()
        said = self.process.stdout.readline().strip()
        assert said == "ok", f"the proxy died of '{fault}'"

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
