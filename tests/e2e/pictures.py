"""Pictures made by hand: PNG of a size, of noise or of nothing. Standard library only."""

import random
import struct
import zlib


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(width, height, packed):
    """Colour, 8 bits a channel; `packed` is what stands in the IDAT, whatever the head says."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def png(width, height, seed=0):
    """Stripes with some noise; another seed is another picture."""
    chance = random.Random(seed)
    rows = bytearray()
    for y in range(height):
        colour = bytes((x * 3 + y + seed * 40) & 255 for x in range(3))
        noise = bytes(chance.getrandbits(3) for _ in range(3))
        rows += b"\0" + (colour * (width // 2) + noise * (width - width // 2))
    return png_of(width, height, zlib.compress(bytes(rows), 6))


def gaping_png(width, height):
    """As many pixels as its head says, all black: a thousandth of their size."""
    squeeze, left, out = zlib.compressobj(9), height * (1 + 3 * width), b""
    while left:
        out += squeeze.compress(bytes(min(left, 1 << 20)))
        left -= min(left, 1 << 20)
    return png_of(width, height, out + squeeze.flush())
