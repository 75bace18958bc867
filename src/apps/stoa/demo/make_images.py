#!/usr/bin/env python3
"""Draws images/<sku>.svg for every row of products.csv, the same bytes each time.

A drawing is a function of a palette, on a canvas of 300 x 300 with the floor at y = 240. Fails if a product has
no drawing, a drawing no product, or an image more than 2 KiB.
"""

import csv
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
MOST_BYTES = 2048


class Palette:
    """Wall, floor, and the thing itself: its colour, shade, light and a second colour."""

    def __init__(self, wall, floor, main, shade, light, second):
        self.wall, self.floor, self.main, self.shade, self.light, self.second = (
            "#" + c for c in (wall, floor, main, shade, light, second))


MOSS = Palette("e9efe2", "d3dfc8", "6f8f5f", "557247", "94b082", "c98b4e")
EMBER = Palette("fbe9e0", "f3d2c2", "d2573a", "a94129", "ea8165", "3f4652")
SEA = Palette("e2eef4", "c8dfea", "35718f", "25556e", "6aa3bd", "e8b04a")
CLAY = Palette("f7ebdf", "ecd5bd", "c27a4e", "9c5d37", "dda17a", "4f6d5b")
SUN = Palette("fdf3d8", "f6e2ac", "e5ae3a", "bd8a22", "f4cd77", "7a4b2a")
PLUM = Palette("f3e7f0", "e4cfdf", "84486f", "643353", "b07a9d", "e3a857")
INK = Palette("e8eaf2", "d0d5e5", "37436b", "27304f", "6a77a4", "d9a441")
SAND = Palette("f5f1e8", "e6dcc8", "d0b48a", "a88b60", "e8d6b6", "5d6b78")
ROSE = Palette("fdecec", "f6d3d3", "cf6478", "a84a5c", "e9969f", "4d7a6b")
TEAL = Palette("e0f1ee", "c3e2dc", "2f8578", "21655a", "65b0a4", "f0b35a")
SLATE = Palette("ecEff1", "d5dce0", "5b6b76", "434f58", "8b9aa5", "e07a4f")


def path(d, fill, more=""):
    return f'<path d="{d}" fill="{fill}"{more}/>'


def line(d, stroke, width, more=""):
    return (f'<path d="{d}" fill="none" stroke="{stroke}" stroke-width="{width}" '
            f'stroke-linecap="round" stroke-linejoin="round"{more}/>')


def rect(x, y, w, h, fill, r=0, more=""):
    rounded = f' rx="{r}"' if r else ""
    return f'<rect x="{x}" y="{y}" width="{w}" height="{h}"{rounded} fill="{fill}"{more}/>'


def oval(x, y, rx, ry, fill, more=""):
    return f'<ellipse cx="{x}" cy="{y}" rx="{rx}" ry="{ry}" fill="{fill}"{more}/>'


def disc(x, y, r, fill, more=""):
    return f'<circle cx="{x}" cy="{y}" r="{r}" fill="{fill}"{more}/>'


def turned(degrees, *parts):
    return f'<g transform="rotate({degrees} 150 150)">' + "".join(parts) + "</g>"


def shadow(width=80, y=240):
    return oval(150, y, width, 9, "#000", ' opacity=".13"')


def glint(d, width=7):
    return line(d, "#fff", width, ' opacity=".45"')


# Kitchen

def teapot(p):
    return [shadow(88), line("M202 150c52-14 52 58-6 56", p.shade, 13),
            path("M102 190c-32 0-34-42-60-54l16-8c26 8 32 26 52 30z", p.shade),
            path("M88 178c0-40 28-56 62-56s62 16 62 56c0 38-24 62-62 62s-62-24-62-62z", p.main),
            path("M104 128c6-22 86-22 92 0z", p.light), disc(150, 104, 10, p.second),
            glint("M108 186c0-22 8-36 22-42")]


def kettle(p):
    return [shadow(84), line("M92 140c0-84 116-84 116 0", p.second, 12),
            path("M92 190l-48-40 14-10 52 26z", p.shade),
            path("M90 150h120l18 80q0 10-10 10h-136q-10 0-10-10z", p.main),
            path("M104 150c2-24 90-24 92 0z", p.light), disc(150, 126, 9, p.second),
            rect(74, 222, 152, 10, p.shade), glint("M106 166l-9 40")]


def mug(p):
    return [shadow(72), line("M196 140c50-8 50 62-4 62", p.shade, 15),
            path("M90 110h112v104q0 26-26 26h-60q-26 0-26-26z", p.main),
            oval(146, 110, 56, 13, p.light), oval(146, 112, 47, 9, "#5b3a26"),
            path("M90 168h112v18h-112z", p.light, ' opacity=".6"'), glint("M106 134v66"),
            line("M130 84q-10-14 0-26t0-26M160 84q-10-14 0-26", "#fff", 6, ' opacity=".8"')]


def cup(p):
    return [oval(150, 230, 94, 15, p.shade), oval(150, 225, 94, 14, p.light),
            line("M192 160c44-6 38 44-6 42", p.shade, 12),
            path("M96 142h108c0 50-18 82-54 82s-54-32-54-82z", p.main), oval(150, 142, 54, 13, p.light),
            oval(150, 144, 45, 9, "#4a2c1b"), glint("M112 166c2 16 6 26 12 34"),
            line("M140 112q-9-13 0-24t0-24", "#fff", 6, ' opacity=".8"')]


def bowl(p):
    return [shadow(70), disc(112, 130, 26, "#d2573a"), disc(160, 120, 28, "#8fae4f"), disc(196, 134, 22, "#e5ae3a"),
            line("M160 94q2-12 12-16", "#5b3a26", 5), path("M60 140h180c0 66-40 92-64 92h-52c-24 0-64-26-64-92z", p.main),
            rect(112, 228, 76, 12, p.shade, 4), path("M60 140h180q0 10-2 18h-176q-2-8-2-18z", p.light),
            glint("M84 172c6 20 16 32 28 40")]


def pan(p):
    return [turned(-24, rect(206, 140, 90, 18, "#6b4a2f", 9), disc(284, 149, 5, "#fff")),
            disc(134, 158, 86, p.shade), disc(134, 158, 74, p.main), oval(130, 162, 46, 40, "#fffdf6"),
            oval(152, 140, 22, 20, "#fffdf6"), disc(134, 158, 19, "#f2b233"),
            glint("M72 150c4-30 24-50 50-54", 6)]


def board(p):
    return [turned(-14, rect(74, 76, 160, 196, p.shade, 22), rect(74, 70, 160, 196, p.main, 22),
                   line("M98 110h112M98 150h112M98 190h112M98 228h112", p.light, 5, ' opacity=".8"'),
                   rect(134, 26, 40, 60, p.main, 18), disc(154, 46, 9, p.wall)),
            oval(84, 210, 37, 33, "#d2573a"), path("M84 180q14-24 36-18-8 20-36 18zM84 182q-20-16-32-4 12 14 32 4z", "#6f8f5f"), glint("M60 206q4-12 14-16", 6)]


def knife(p):
    return [turned(-38, path("M42 152c20 34 80 32 132 32v-42h-140z", "#dfe5ea"),
                   path("M42 152c20 34 80 32 132 32v-10c-52 0-108 4-132-22z", "#b9c3cb"),
                   rect(172, 138, 14, 50, "#8d99a3", 3), rect(184, 138, 100, 36, p.main, 14),
                   disc(206, 156, 5, p.light), disc(234, 156, 5, p.light), disc(262, 156, 5, p.light))]


# Pantry

def tin(p):
    return [shadow(66), rect(92, 92, 116, 148, p.main, 8), oval(150, 94, 58, 14, p.shade),
            rect(88, 66, 124, 32, p.shade, 10), oval(150, 67, 62, 13, p.light),
            rect(92, 134, 116, 70, "#fffdf6"), path("M150 192c-34-8-34-36 0-48 34 12 34 40 0 48z", p.light),
            line("M150 196v-44M150 176l14-12M150 168l-12-10", p.shade, 4), glint("M104 112v14M104 212v16")]


def coffee(p):
    bean = '<g transform="rotate({0} {1} {2})">' + oval("{1}", "{2}", 15, 20, p.second) + line("M{1} {3}q-7 10 0 17t0 17", p.wall, 3) + "</g>"
    return [shadow(70), path("M92 84l-8 148q0 8 8 8h116q8 0 8-8l-8-148z", p.main),
            path("M92 84h116l4 26-124 0z", p.shade), rect(88, 58, 124, 30, p.shade, 5),
            rect(76, 78, 148, 8, p.second, 4), rect(104, 132, 92, 82, p.wall, 8),
            bean.format(-24, 136, 172, 155), bean.format(28, 168, 176, 159), glint("M98 124v92", 5)]


def jar(p):
    return [shadow(62), rect(92, 100, 116, 140, p.main, 24), rect(92, 100, 116, 40, p.light, 20),
            rect(96, 64, 108, 34, p.second, 8), rect(96, 84, 108, 6, "#000", 0, ' opacity=".15"'),
            rect(92, 152, 116, 58, "#fffdf6"), disc(150, 181, 18, p.light),
            path("M150 166l13 7v15l-13 8-13-8v-15z", p.shade), glint("M106 118v24")]


def jam(p):
    return [shadow(64), rect(90, 112, 120, 128, p.shade, 20), rect(98, 118, 104, 114, p.main, 16),
            path("M80 92q8-34 70-34t70 34l-6 30-12-10-12 12-14-12-14 12-12-12-12 12-14-12-14 12-12-12-12 10z", "#fffdf6"),
            line("M96 78h108M88 94h124M116 62v50M150 58v54M184 62v50", p.light, 4), rect(92, 98, 116, 7, p.second),
            disc(136, 192, 15, "#fffdf6"), disc(164, 196, 15, "#fffdf6"), disc(136, 192, 11, p.main),
            disc(164, 196, 11, p.main), line("M136 182q6-18 22-22M164 186l-6-26", "#557247", 4)]


def oil(p):
    return [shadow(48), rect(134, 34, 32, 28, p.second, 4), path("M136 60h28v42c0 16 32 22 32 52v76q0 10-10 10h-72q-10 0-10-10v-76c0-30 32-36 32-52z", p.main),
            rect(104, 160, 92, 54, "#fffdf6"), path("M128 204c4-26 20-38 44-36-2 26-18 40-44 36z", p.light),
            line("M120 208q22-12 40-34", p.shade, 4), glint("M118 146q4-10 14-18M144 70v26", 6)]


def chocolate(p):
    squares = "".join(rect(x, y, 36, 30, "#7a4a30", 4) + rect(x + 6, y + 5, 24, 18, "#8d5a3c", 3)
                      for y in (54, 88) for x in (88, 128, 168))
    return [turned(-12, rect(80, 46, 132, 130, "#5b3320", 8), squares,
                   path("M72 126l12-8 12 8 12-8 12 8 12-8 12 8 12-8 12 8 12-8 12 8 12-8 16 8v126h-148z", "#e9e3d8"),
                   rect(72, 144, 148, 122, p.main, 4), rect(72, 178, 148, 46, p.wall),
                   line("M94 194h104M112 208h68", p.shade, 7))]


# Garden

def can(p):
    return [shadow(84), line("M120 118c10-66 100-50 96 34v40", p.shade, 11),
            path("M112 206l-70-84 12-12 62 56z", p.shade), path("M22 112l34-32 12 14-34 32z", p.second),
            path("M104 128h108l12 104q0 8-8 8h-116q-8 0-8-8z", p.main), oval(158, 128, 54, 12, p.light),
            line("M97 196h122", p.shade, 6), glint("M118 150l-4 34")]


def pot(p):
    return [shadow(64), line("M150 140v-56", "#557247", 6),
            path("M150 110c-46 4-60-24-62-48 36-2 60 14 62 48zM150 92c2-42 28-58 60-56 0 32-20 56-60 56zM150 126c20-30 46-30 66-20-14 24-40 32-66 20z", "#6f8f5f"),
            path("M94 160h112l-14 72q-2 8-10 8h-64q-8 0-10-8z", p.main), rect(84, 134, 132, 32, p.light, 6),
            path("M94 166h112l-2 9h-108z", p.shade), glint("M108 186l6 34")]


def glazed(p):
    return [oval(150, 238, 84, 11, p.shade), line("M150 130q-2-40-30-64M150 130q2-46 32-78M150 130v-86", "#557247", 5),
            disc(118, 62, 17, p.second), disc(150, 42, 18, p.second), disc(184, 52, 17, p.second),
            disc(118, 62, 7, "#fffdf6"), disc(150, 42, 7, "#fffdf6"), disc(184, 52, 7, "#fffdf6"),
            path("M88 128h124c18 56 2 92-24 108h-76c-26-16-42-52-24-108z", p.main),
            path("M88 128h124q5 17 6 32c-12 20-20-4-34 6s-22 18-36 2-24 14-34 4-22 8-32-8q1-18 6-36z", p.light),
            glint("M98 184q4 22 16 36")]


def trowel(p):
    return [turned(40, path("M150 276c-34-28-42-66-36-106h72c6 40-2 78-36 106z", "#b9c3cb"),
                   path("M150 276c-34-28-42-66-36-106h36z", "#dfe5ea"), line("M150 172v-40", "#8d99a3", 10),
                   rect(134, 28, 32, 104, p.main, 15), rect(134, 112, 32, 16, p.second), disc(150, 44, 5, p.wall),
                   line("M150 40c-22-34 26-34 2 0", "#6b4a2f", 5), glint("M142 60v40", 5))]


def poppy(p):
    return [turned(-6, rect(84, 52, 132, 188, "#fffdf6", 6), rect(84, 52, 132, 30, p.main, 6),
                   rect(96, 64, 70, 7, "#fffdf6", 3), line("M150 218q-6-40 0-70M150 196q20 0 26-18", "#557247", 5),
                   path("M150 166c-44 4-52-36-30-48 8-18 52-18 60 0 22 12 14 52-30 48z", p.main),
                   path("M150 166c-26 2-34-22-20-36 22 10 22 10 40 0 14 14 6 38-20 36z", p.shade),
                   disc(150, 144, 9, "#27304f"))]


def sunflower(p):
    petals = "".join(f'<use href="#p" transform="rotate({a} 150 138)"/>' for a in range(30, 360, 30))
    return [turned(5, rect(84, 52, 132, 188, "#fffdf6", 6), rect(84, 52, 132, 30, p.main, 6),
                   rect(96, 64, 70, 7, "#fffdf6", 3), line("M150 220v-50M150 208q24 2 30-18-26-2-30 18", "#557247", 6),
                   path("M150 138c-14-18-12-32 0-42 12 10 14 24 0 42z", p.main, ' id="p"'), petals, disc(150, 138, 18, p.second))]


def succulent(p):
    return [shadow(52), path("M150 160c-60-6-78-44-72-62 32 2 60 20 72 62zM150 160c60-6 78-44 72-62-32 2-60 20-72 62z", "#6f9f83"),
            path("M150 160c-40-24-44-70-26-92 24 16 36 52 26 92zM150 160c40-24 44-70 26-92-24 16-36 52-26 92z", "#88b89a"),
            path("M150 162c-24-34-18-80 0-102 18 22 24 68 0 102z", "#a9d2b6"),
            path("M100 156h100l-10 76q-1 8-9 8h-62q-8 0-9-8z", p.main), rect(96, 150, 108, 18, p.light, 6), glint("M116 184l4 34", 6)]


def nestbox(p):
    return [rect(136, 196, 28, 104, "#7b5a3c"), rect(92, 96, 116, 128, p.main), path("M92 96h116v14h-116z", p.shade),
            line("M92 146h116M92 186h116", p.shade, 3, ' opacity=".5"'), path("M150 40l82 52-10 16-72-46-72 46-10-16z", p.second),
            path("M104 92l46-30 46 30z", p.main), disc(150, 140, 23, "#3a2a1e"), rect(145, 174, 10, 26, "#7b5a3c", 4),
            disc(150, 140, 11, "#e5ae3a"), path("M144 142h12l-6 9z", "#d2573a"), disc(146, 137, 2, "#222"), disc(155, 137, 2, "#222")]


# Desk

def notebook(p):
    return [turned(-10, rect(82, 52, 148, 200, p.shade, 10), rect(86, 48, 142, 198, "#fffdf6", 8),
                   rect(76, 44, 146, 198, p.main, 10), rect(76, 44, 24, 198, p.shade, 8),
                   rect(122, 82, 78, 46, p.wall, 6), line("M134 100h54M134 114h34", p.light, 5),
                   line("M206 44v198", p.second, 7), path("M176 242h14v34l-7-8-7 8z", p.second))]


def pocketbook(p):
    return [turned(8, rect(96, 76, 118, 160, p.shade, 14), rect(90, 70, 118, 160, p.main, 14),
                   line("M90 112h118M90 188h118", p.light, 4), path("M149 122l22 28-22 28-22-28z", p.second),
                   rect(192, 70, 8, 160, p.shade)),
            turned(42, rect(222, 70, 14, 130, p.second, 5), path("M222 200h14l-7 22z", "#3a2a1e"))]


def pen(p):
    return [line("M50 236q26-30 48-6t46-4 50 2 52-6", p.shade, 5),
            turned(45, rect(136, 10, 28, 108, p.main, 12), rect(134, 104, 32, 12, p.shade),
                   rect(138, 116, 24, 78, p.light, 4), path("M138 194h24l-4 22-8 30-8-30z", "#dfe5ea"),
                   line("M150 216v24", "#434f58", 2), disc(150, 212, 3, "#434f58"), rect(162, 26, 7, 66, p.shade, 3), glint("M144 28v70", 5))]


def pencils(p):
    colours = (p.main, p.second, "#6f8f5f", "#e5ae3a", "#b0607c", "#35718f")
    out = []
    for i, c in enumerate(colours):
        x, y = 70 + i * 28, 92 + (i * 17) % 30
        out.append(rect(x, y, 22, 250 - y, c) + rect(x, y, 7, 250 - y, "#fff", 0, ' opacity=".25"') +
                   path(f"M{x} {y}l11-34 11 34z", "#f0d9b5") + path(f"M{x + 7} {y - 22}l4-12 4 12z", c))
    return out + [rect(58, 172, 184, 78, p.wall, 6), rect(58, 172, 184, 78, p.light, 6, ' opacity=".8"'), rect(86, 198, 128, 26, "#fffdf6", 4), line("M104 211h92", p.shade, 6)]


def ink(p):
    return [shadow(74), rect(116, 70, 68, 50, "#27304f", 8), line("M128 80v30M142 80v30M158 80v30M172 80v30", "#4a5680", 3),
            path("M124 118h52v16c40 6 48 18 48 40v54q0 12-12 12h-124q-12 0-12-12v-54c0-22 8-34 48-40z", p.light),
            path("M84 178h132v44q0 10-10 10h-112q-10 0-10-10z", p.main), rect(104, 176, 92, 40, "#fffdf6", 4),
            path("M150 182c14 18 10 28 0 28s-14-10 0-28z", p.shade), glint("M90 170q2-12 16-18", 6)]


def letter(p):
    return [turned(-7, rect(74, 60, 152, 130, "#fffdf6", 4), line("M94 84h84M94 102h112M94 120h98", p.light, 5)),
            turned(4, rect(54, 118, 192, 124, p.light, 8), path("M54 240l96-76 96 76z", p.main),
                   path("M54 122l96 82 96-82q-2-4-8-4h-176q-6 0-8 4z", p.shade), disc(150, 196, 17, p.second),
                   path("M150 205c-14-10-10-18-4-18q4 0 4 4 0-4 4-4c6 0 10 8-4 18z", "#fffdf6"))]


def clock(p):
    ticks = line("M150 66v12M150 222v12M66 150h12M222 150h12", p.shade, 7)
    small = line("M192 77l-4 7M223 108l-7 4M223 192l-7-4M192 223l-4-7M108 223l4-7M77 192l7-4M77 108l7 4M108 77l4 7", p.light, 5)
    return [oval(156, 160, 108, 108, "#000", ' opacity=".12"'), disc(150, 150, 108, p.main), disc(150, 150, 94, "#fffdf6"),
            ticks, small, line("M150 150v-54", "#27304f", 8), line("M150 150l40 24", "#27304f", 8),
            line("M150 168v-92", p.second, 3, ' transform="rotate(205 150 150)"'), disc(150, 150, 8, p.second)]


def scissors(p):
    return [turned(20, path("M140 168l32-142q16 20 10 60l-22 84z", "#dfe5ea"), path("M160 168l-32-142q-16 20-10 60l22 84z", "#b9c3cb"),
                   line("M158 166l-26 40", p.shade, 13), line("M142 166l26 40", p.main, 13),
                   f'<g fill="none" stroke-width="14">{oval(112, 232, 24, 34, "none", f""" stroke="{p.shade}" transform="rotate(24 112 232)" """)}'
                   f'{oval(188, 232, 24, 34, "none", f""" stroke="{p.main}" transform="rotate(-24 188 232)" """)}</g>', disc(150, 160, 7, "#434f58"))]


# Light

def desklamp(p):
    return [shadow(66, 242), path("M70 132l-44 108h140z", "#ffe9a8", ' opacity=".7"'),
            line("M190 228l44-88-108-66", p.shade, 9), disc(234, 140, 9, p.second), rect(146, 224, 90, 16, p.main, 8),
            turned(0, path("M136 52l-84 54q-4 20 8 34l90-52z", p.main), path("M52 106l8 34q10 12 22-4z", p.light)), disc(140, 68, 12, p.shade)]


def pendant(p):
    return [path("M72 168l-36 132h228l-36-132z", "#ffe9a8", ' opacity=".6"'), line("M150 0v62", p.shade, 5), rect(138, 56, 24, 26, p.second, 5),
            path("M58 168c0-60 40-90 92-90s92 30 92 90z", p.main), oval(150, 168, 92, 15, "#fffdf6"),
            oval(150, 170, 30, 9, "#f7cf62"), glint("M84 144c6-20 18-34 36-42")]


def tablelamp(p):
    return [shadow(54), oval(150, 130, 128, 112, "#ffe9a8", ' opacity=".45"'), path("M146 140h8v40h-8z", p.second),
            path("M118 240c-24-22-14-60 18-70h28c32 10 42 48 18 70z", p.main), path("M106 52h88l34 98h-156z", "#fbf3df"),
            path("M106 52h88l3 9h-94zM75 140l-3 10h156l-3-10z", p.light), glint("M124 226q-10-20 6-36", 6)]


def lantern(p):
    return [shadow(58), line("M102 92c-4-78 100-78 96 0", p.shade, 6), path("M116 84h68l-8-30h-52z", p.main), rect(104, 82, 92, 16, p.shade, 5),
            path("M112 98h76q20 42-2 90h-72q-22-48-2-90z", "#fff7df"), path("M150 178c-30-14-20-40 0-66 20 26 30 52 0 66z", "#f2a93b"),
            path("M150 176c-14-8-10-22 0-36 10 14 14 28 0 36z", "#fff0b8"), line("M112 98q-20 42 2 90M188 98q20 42-2 90", p.shade, 5),
            rect(104, 186, 92, 16, p.shade, 5), path("M98 202h104l12 38h-128z", p.main), glint("M106 226l3-14", 6)]


def candle(p):
    return [oval(150, 238, 84, 12, p.shade), oval(150, 233, 84, 12, p.light), disc(150, 74, 48, "#ffe9a8", ' opacity=".6"'),
            rect(108, 116, 84, 116, p.main, 8), oval(150, 118, 42, 11, p.light),
            path("M120 118h16v40q-8 14-16 0zM168 118h14v22q-7 12-14 0z", p.light), line("M150 118v-18", "#3a2a1e", 4),
            path("M150 102c-22-12-12-32 0-52 12 20 22 40 0 52z", "#f2a93b"), path("M150 100c-10-6-6-16 0-28 6 12 10 22 0 28z", "#fff0b8")]


def glasscandle(p):
    return [shadow(64), disc(150, 84, 46, "#ffe9a8", ' opacity=".6"'), rect(92, 108, 116, 132, p.light, 14, ' opacity=".55"'),
            rect(98, 138, 104, 96, p.main, 10), oval(150, 138, 52, 10, p.light), line("M150 138v-18", "#3a2a1e", 4),
            path("M150 124c-20-12-11-30 0-50 11 20 20 38 0 50z", "#f2a93b"), rect(116, 164, 68, 50, "#fffdf6", 4),
            path("M150 206c-22-6-20-22-4-22 2-8 4-12 8-14 0 6 0 10 2 14 14 2 14 18-6 22z", p.shade), glint("M102 122v100", 5)]


def bulb(p):
    return [disc(150, 120, 106, "#ffe9a8", ' opacity=".55"'), path("M150 40c50 0 80 36 80 78 0 44-40 58-44 92h-72c-4-34-44-48-44-92 0-42 30-78 80-78z", "#fff3c4"),
            line("M136 208l-8-76 22 16 22-16-8 76", p.main, 5), rect(114, 208, 72, 14, "#b9c3cb", 6), rect(116, 224, 68, 14, "#8d99a3", 6),
            rect(118, 240, 64, 14, "#b9c3cb", 6), path("M128 256h44l-12 16h-20z", "#434f58"), glint("M92 116c2-26 16-44 36-50")]


def torch(p):
    return [turned(-32, path("M206 104l104-60v212l-104-60z", "#ffe9a8", ' opacity=".7"'), rect(36, 122, 124, 56, p.main, 12),
                   path("M154 122l40-22v100l-40-22z", p.shade), rect(190, 94, 20, 112, p.light, 8), rect(86, 112, 34, 16, p.second, 7),
                   line("M56 138v24M70 138v24M132 138v24M144 138v24", p.shade, 4))]


# Carry

def rucksack(p):
    return [shadow(80), line("M124 62c0-36 52-36 52 0", p.second, 9), line("M84 120q-26 50-6 96M216 120q26 50 6 96", p.shade, 13),
            path("M82 110c0-74 136-74 136 0v114q0 16-16 16h-104q-16 0-16-16z", p.main), path("M82 110c0-74 136-74 136 0v26c-30 20-106 20-136 0z", p.shade),
            rect(102, 166, 96, 60, p.light, 12), line("M102 186h96", p.shade, 4), rect(114, 124, 14, 46, p.second, 4), rect(172, 124, 14, 46, p.second, 4),
            rect(112, 146, 18, 12, "#fffdf6", 3), rect(170, 146, 18, 12, "#fffdf6", 3)]


def trailsack(p):
    return [shadow(76), rect(92, 38, 116, 44, p.second, 18), line("M90 110q-26 60-4 110M210 110q26 60 4 110", p.shade, 12),
            path("M90 96q0-26 60-26t60 26l10 120q0 24-24 24h-92q-24 0-24-24z", p.main), path("M90 96q0-26 60-26t60 26l2 26h-124z", p.shade),
            path("M106 164h88l6 56q0 12-12 12h-76q-12 0-12-12z", p.light), line("M108 176h84M150 84v26", p.second, 5),
            line("M120 134l60 20M180 134l-60 20", p.second, 4), glint("M104 140l-4 30", 5)]


def tote(p):
    return [shadow(78), line("M112 120c0-100 76-100 76 0", p.shade, 10), path("M78 108h144l10 122q0 10-10 10h-144q-10 0-10-10z", p.main),
            path("M78 108h144l1 14h-146z", p.light), line("M112 122v-20M188 122v-20", p.shade, 10),
            path("M150 216c-8-34 0-60 36-68-2 40-14 60-36 68z", p.second), path("M150 216c4-26-8-48-36-50 4 30 16 46 36 50z", p.shade),
            line("M150 222q2-30 20-52", p.wall, 3)]


def duffel(p):
    return [shadow(104), line("M104 146c0-90 92-90 92 0", p.second, 11), path("M70 122h160c30 0 38 40 34 92q-2 26-24 26h-180q-22 0-24-26c-4-52 4-92 34-92z", p.main),
            path("M70 122c-22 30-22 88 0 118h-10q-22 0-24-26c-4-52 4-92 34-92zM230 122c22 30 22 88 0 118h10q22 0 24-26c4-52-4-92-34-92z", p.shade),
            rect(96, 126, 16, 114, p.second), rect(188, 126, 16, 114, p.second), line("M112 138h76", "#e5ae3a", 5), rect(122, 168, 56, 46, p.light, 8), rect(144, 134, 12, 16, "#e5ae3a", 3)]


def umbrella(p):
    return [line("M150 60v168c0 34-44 34-44 4", "#7b5a3c", 9), line("M150 36v20", p.shade, 7), path("M30 160c0-76 60-110 120-110s120 34 120 110q-20-18-40 0-20-18-40 0-20-18-40 0-20-18-40 0-20-18-40 0-20-18-40 0z", p.main),
            path("M150 50c-36 26-42 62-40 110 20-18 40 0 40 0s20-18 40 0c2-48-4-84-40-110z", p.light),
            path("M150 50c-70 16-84 70-80 110q-20-18-40 0c0-76 60-110 120-110z", p.shade)]


def wallet(p):
    return [shadow(98, 236), turned(-6, rect(86, 62, 132, 80, p.second, 8), rect(76, 78, 132, 80, p.wall, 8), rect(76, 92, 132, 16, p.light),
                   rect(50, 110, 200, 126, p.shade, 14), rect(50, 116, 200, 120, p.main, 14), path("M250 154h-52q-22 0-22 22t22 22h52z", p.shade),
                   disc(202, 176, 9, "#e5ae3a"), line("M62 128h176M62 224h176", p.light, 3, ' stroke-dasharray="8 8"'))]


def flask(p):
    return [shadow(46), rect(120, 34, 60, 44, p.second, 10), line("M130 48h40M130 60h40", "#fff", 3, ' opacity=".4"'), rect(116, 78, 68, 12, "#b9c3cb", 3),
            path("M116 90h68q14 14 14 36v100q0 14-14 14h-68q-14 0-14-14v-100q0-22 14-36z", p.main), path("M102 186h96v40q0 14-14 14h-68q-14 0-14-14z", p.shade),
            path("M124 170l20-30 14 18 10-12 16 24z", "#fffdf6"), glint("M114 118v56")]


def cap(p):
    return [shadow(100, 222), path("M66 184c-4-70 36-106 88-106s86 40 82 106z", p.main), path("M154 78c-46 12-60 56-56 106h-32c-4-70 36-106 88-106z", p.shade),
            path("M236 184c4-8 2-20 0-24 30 8 52 26 54 42-40 16-140 16-224-2v-16z", p.light), line("M66 184q90 18 170-6", p.shade, 5), disc(154, 78, 8, p.second),
            path("M178 124l6 13 14 2-10 10 2 14-12-7-12 7 2-14-10-10 14-2z", p.second)]


# Home

def throw(p):
    fringe = "M70 240v16M86 240v16M102 240v16M118 240v16M134 240v16M150 240v16M166 240v16M182 240v16M198 240v16M214 240v16M230 240v16"
    return [line(fringe, p.main, 5), rect(58, 76, 184, 58, p.light, 26), rect(58, 118, 184, 56, p.main, 24), path("M58 150q0-10 12-10h160q12 0 12 10v92h-184z", p.light),
            path("M58 166h184v10h-184zM58 214h184v10h-184z", p.second), path("M58 182h184v5h-184zM58 203h184v5h-184z", p.shade), line("M74 195h152", p.main, 5, ' stroke-dasharray="2 12"'), line("M84 104h130", p.shade, 4, ' opacity=".4"')]


def cushion(p):
    return [shadow(98, 246), path("M50 62q100 30 200 0-26 92 0 184-100-30-200 0 26-92 0-184z", p.main),
            path("M250 62q-26 92 0 184-100-30-200 0 130-40 200-184z", p.shade, ' opacity=".45"'),
            line("M108 196q16-60 42-84t46-22M150 196q-6-50 10-94", p.light, 5), disc(196, 88, 13, p.second), disc(112, 190, 10, p.light),
            disc(162, 96, 11, p.light), disc(148, 200, 10, p.second), disc(112, 118, 9, p.second)]


def velvet(p):
    return [shadow(98, 246), path("M50 62q100 30 200 0-26 92 0 184-100-30-200 0 26-92 0-184z", p.main),
            path("M76 84q74 18 148 0-16 70 0 140-74-18-148 0 16-70 0-140z", p.light, ' opacity=".55"'),
            line("M150 154l-62-58M150 154l62-58M150 154l-62 60M150 154l62 60", p.shade, 4, ' opacity=".6"'), disc(150, 154, 12, p.shade),
            path("M50 62l-14-14 20 4zM250 62l14-14-20 4zM50 246l-14 14 20-4zM250 246l14 14-20-4z", p.second)]


def towels(p):
    return [rect(30, 60, 240, 10, "#8d99a3", 5), disc(36, 65, 10, "#434f58"), disc(264, 65, 10, "#434f58"), rect(62, 56, 84, 184, p.main, 6), rect(156, 56, 82, 150, p.light, 6),
            path("M62 204h84v12h-84z", "#fffdf6"), path("M156 172h82v12h-82z", p.shade), line("M62 88h84M62 112h84M62 136h84M62 160h84M62 184h84M84 58v144M106 58v144M128 58v144", p.shade, 2, ' opacity=".5"'),
            line("M156 88h82M156 112h82M156 136h82M156 160h82M178 58v112M200 58v112M220 58v112", p.main, 2, ' opacity=".6"')]


def vase(p):
    return [shadow(48), line("M148 132q-8-50-34-74M152 132q0-60 16-92M152 132q10-30 42-42", "#557247", 4), disc(112, 54, 16, p.second), disc(170, 38, 19, "#cf6478"),
            disc(196, 88, 14, "#fffdf6"), disc(112, 54, 6, "#fffdf6"), disc(170, 38, 7, "#f4cd77"), disc(196, 88, 5, p.second),
            path("M134 120h32c0 36 40 44 40 80 0 26-20 40-30 40h-52c-10 0-30-14-30-40 0-36 40-44 40-80z", p.main), rect(130, 114, 40, 12, p.light, 6), path("M97 184q53 18 106 0 4 10 3 22-56 18-112 0 0-12 3-22z", p.light, ' opacity=".6"'), glint("M112 196q0-16 12-30", 6)]


def stool(p):
    return [shadow(84, 246), path("M100 120l-30 124h20l34-124zM200 120l30 124h-20l-34-124z", p.shade), path("M141 120h18v126h-18z", p.main), line("M88 196h124", p.shade, 8),
            oval(150, 118, 92, 24, p.shade), oval(150, 106, 92, 24, p.light), oval(150, 106, 60, 14, "none", f' stroke="{p.main}" stroke-width="4"'), oval(150, 106, 28, 6, "none", f' stroke="{p.main}" stroke-width="4"')]


def chair(p):
    return [shadow(90, 256), line("M82 250l14-60M218 250l-14-60", p.second, 12), path("M86 66q0-26 64-26t64 26l-6 104h-116z", p.main), line("M150 48v116M118 52v112M182 52v112", p.shade, 4, ' opacity=".5"'),
            rect(76, 164, 148, 40, p.light, 16), rect(52, 128, 40, 22, p.second, 11), rect(208, 128, 40, 22, p.second, 11), line("M72 148v54M228 148v54", p.second, 11), rect(62, 196, 176, 14, p.second, 6)]


def slippers(p):
    one = path("M94 88c-34 0-42 46-32 92 6 38 14 58 34 58s30-22 30-58c2-48 2-92-32-92z", p.shade) + path("M90 84c-34 0-42 46-32 92 6 38 14 58 34 58s30-22 30-58c2-48 2-92-32-92z", p.light) + path("M90 84c-36 0-42 50-34 88q36-22 68 0c2-46-2-88-34-88z", p.main) + line("M56 172q36-22 68 0", p.second, 6)
    return [one, f'<g transform="matrix(-1 0 0 1 302 10)">{one}</g>', disc(90, 128, 12, p.second), disc(212, 138, 12, p.second)]


# Play

def kite(p):
    return [line("M150 222c-40 20 30 30-6 62", p.shade, 4), path("M150 20l76 90-76 118-76-118z", p.main), path("M150 20l76 90h-76z", p.light), path("M150 110h76l-76 118z", p.second), path("M150 110v118l-76-118z", p.shade),
            line("M150 20v208M74 110h152", "#fffdf6", 4), path("M122 244l24 6-20 14zM166 238l-24 8 20 12zM160 280l-20-12 0 22z", p.second), path("M24 84q0-16 16-16 4-14 20-10 14-4 16 10 14 2 12 16zM232 226q0-12 12-12 6-12 18-6 12 0 12 18z", "#fff", ' opacity=".8"')]


def blocks(p):
    return [shadow(104), rect(56, 166, 74, 74, p.main, 5), rect(138, 166, 74, 74, p.second, 5), path("M212 240q0-40 40-74v74z", p.light), rect(92, 92, 74, 74, "#e5ae3a", 5), path("M90 92l39-58 39 58z", p.shade),
            path("M130 240v-26a21 21 0 0 1 42 0v26z", p.floor, ' transform="translate(24)"'), disc(203, 138, 28, "#6f8f5f"), path("M93 178l7 16 17 2-13 11 4 17-15-9-15 9 4-17-13-11 17-2z", "#fffdf6"), line("M112 116h34M112 130h34M112 144h34", "#bd8a22", 5)]


def engine(p):
    wheel = disc(96, 218, 24, "#3f4652") + disc(96, 218, 11, p.light) + disc(172, 218, 24, "#3f4652") + disc(172, 218, 11, p.light) + disc(230, 224, 18, "#3f4652") + disc(230, 224, 8, p.light)
    return [shadow(108, 244), rect(58, 84, 78, 122, p.main, 6), rect(48, 70, 98, 20, p.shade, 8), rect(76, 104, 42, 40, p.wall, 5), rect(130, 134, 116, 72, p.light, 26), rect(168, 134, 12, 72, p.second),
            rect(200, 86, 26, 52, p.shade, 3), rect(192, 76, 42, 16, p.shade, 5), disc(152, 130, 13, p.second), rect(52, 198, 200, 16, p.shade, 6), wheel, oval(236, 50, 18, 14, "#fff", ' opacity=".9"'), oval(262, 32, 24, 17, "#fff", ' opacity=".8"')]


def top(p):
    return [shadow(60, 262), turned(12, rect(142, 36, 16, 80, p.second, 7), disc(150, 38, 12, p.second), path("M66 138c0-24 168-24 168 0 0 34-54 54-76 102q-8 16-16 0c-22-48-76-68-76-102z", p.main), oval(150, 132, 84, 22, p.light), oval(150, 128, 50, 12, p.wall), oval(150, 125, 22, 5, p.second),
            path("M82 172q68 24 136 0l-16 18q-52 14-104 0z", p.second), rect(142, 84, 16, 42, p.second, 5)), line("M42 196q-8-20 0-40M262 236q14-18 10-44", p.shade, 5, ' opacity=".5"')]


def boat(p):
    return [path("M0 218q25-16 50 0t50 0 50 0 50 0 50 0 50 0v82h-300z", p.light, ' opacity=".6"'), rect(142, 36, 10, 150, "#7b5a3c"), path("M160 48c50 30 66 80 66 118h-66z", "#fffdf6"), path("M134 74c-26 30-44 62-48 92h48z", p.second), path("M152 36l34 10-34 12z", "#d2573a"),
            path("M48 184h204c-8 34-28 56-48 56h-108c-20 0-40-22-48-56z", p.main), path("M48 184h204l-4 14h-196z", p.shade), path("M0 246q25-16 50 0t50 0 50 0 50 0 50 0 50 0v54h-300z", p.main, ' opacity=".35"'), glint("M172 74c22 22 34 50 38 78", 5)]


def football(p):
    return [shadow(82, 254), disc(150, 150, 98, p.light), path("M150 52a98 98 0 0 1 0 196q70-98 0-196z", p.main, ' opacity=".5"'), path("M150 112l38 28-14 44h-48l-14-44z", p.shade), path("M150 52q30 0 54 16l-24 22h-60l-24-22q24-16 54-16zM246 130q8 44-14 76l-28-10-6-34zM54 130q-8 44 14 76l28-10 6-34zM116 242l6-30h56l6 30q-34 12-68 0z", p.shade),
            line("M150 112v-22M188 140l20-12M174 184l16 20M126 184l-16 20M112 140l-20-12", p.second, 4), glint("M82 112q14-26 36-38", 6)]


def bear(p):
    return [shadow(74, 252), disc(102, 70, 25, p.main), disc(198, 70, 25, p.second), disc(102, 70, 12, p.light), disc(198, 70, 12, p.light), oval(94, 194, 22, 34, p.second, ' transform="rotate(24 94 194)"'), oval(206, 194, 22, 34, p.main, ' transform="rotate(-24 206 194)"'),
            oval(150, 204, 58, 48, p.light), oval(112, 240, 27, 20, p.main), oval(188, 240, 27, 20, p.second), disc(150, 106, 64, p.main), path("M150 42a64 64 0 0 1 64 64h-64z", p.light), oval(150, 128, 28, 21, "#fffdf6"), oval(150, 120, 10, 7, "#3a2a1e"),
            line("M150 126v8q-8 8-14 2M150 134q8 8 14 2", "#3a2a1e", 3), disc(126, 96, 7, "#3a2a1e"), disc(174, 96, 7, "#3a2a1e"), rect(136, 190, 28, 28, p.second, 2), line("M136 190h28v28h-28z", p.shade, 3, ' stroke-dasharray="5 6"')]


def dominoes(p):
    def stone(x, y, turn, upper, lower):
        where = {1: [(0, 0)], 2: [(-12, -12), (12, 12)], 3: [(-13, -13), (0, 0), (13, 13)], 4: [(-12, -12), (12, 12), (12, -12), (-12, 12)],
                 5: [(-13, -13), (13, 13), (13, -13), (-13, 13), (0, 0)]}
        dots = "".join(f"M{dx} {dy + at}h0" for n, at in ((upper, -34), (lower, 34)) for dx, dy in where[n])
        return (f'<g transform="translate({x} {y}) rotate({turn})">' + rect(-32, -66, 68, 138, "#000", 10, ' opacity=".15"') + rect(-34, -70, 68, 138, p.main, 10) +
                line("M-22 0h44", p.light, 4) + line(dots, p.wall, 10) + "</g>")
    return [stone(82, 128, -14, 3, 5), stone(164, 150, 8, 4, 1), stone(236, 178, 28, 2, 3)]


DRAWINGS = {
    "KIT-101": (teapot, MOSS), "KIT-102": (kettle, EMBER), "KIT-103": (mug, SEA), "KIT-104": (cup, CLAY),
    "KIT-105": (bowl, TEAL), "KIT-106": (pan, SLATE), "KIT-107": (board, SAND), "KIT-108": (knife, CLAY),
    "PAN-201": (tin, EMBER), "PAN-202": (tin, MOSS), "PAN-203": (coffee, SUN), "PAN-204": (coffee, INK),
    "PAN-205": (jar, SUN), "PAN-206": (jam, ROSE), "PAN-207": (oil, MOSS), "PAN-208": (chocolate, SEA),
    "GAR-301": (can, TEAL), "GAR-302": (pot, CLAY), "GAR-303": (glazed, SEA), "GAR-304": (trowel, SAND),
    "GAR-305": (poppy, EMBER), "GAR-306": (sunflower, SUN), "GAR-307": (succulent, ROSE), "GAR-308": (nestbox, CLAY),
    "DES-401": (notebook, INK), "DES-402": (pocketbook, EMBER), "DES-403": (pen, SUN), "DES-404": (pencils, SLATE),
    "DES-405": (ink, INK), "DES-406": (letter, ROSE), "DES-407": (clock, TEAL), "DES-408": (scissors, EMBER),
    "LIG-501": (desklamp, EMBER), "LIG-502": (pendant, TEAL), "LIG-503": (tablelamp, SEA), "LIG-504": (lantern, SLATE),
    "LIG-505": (candle, SUN), "LIG-506": (glasscandle, PLUM), "LIG-507": (bulb, SAND), "LIG-508": (torch, SLATE),
    "CAR-601": (rucksack, CLAY), "CAR-602": (trailsack, TEAL), "CAR-603": (tote, SAND), "CAR-604": (duffel, INK),
    "CAR-605": (umbrella, PLUM), "CAR-606": (wallet, CLAY), "CAR-607": (flask, MOSS), "CAR-608": (cap, SEA),
    "HOM-701": (throw, SAND), "HOM-702": (cushion, MOSS), "HOM-703": (velvet, SUN), "HOM-704": (towels, SEA),
    "HOM-705": (vase, TEAL), "HOM-706": (stool, CLAY), "HOM-707": (chair, MOSS), "HOM-708": (slippers, PLUM),
    "PLA-801": (kite, EMBER), "PLA-802": (blocks, SEA), "PLA-803": (engine, EMBER), "PLA-804": (top, TEAL),
    "PLA-805": (boat, SEA), "PLA-806": (football, SAND), "PLA-807": (bear, CLAY), "PLA-808": (dominoes, SLATE),
}


def main():
    with open(HERE / "products.csv", newline="", encoding="utf-8") as rows:
        names = {row["sku"]: row["name"] for row in csv.DictReader(rows)}
    if names.keys() != DRAWINGS.keys():
        sys.exit(f"products and drawings differ: {sorted(names.keys() ^ DRAWINGS.keys())}")
    (HERE / "images").mkdir(exist_ok=True)
    for sku, (draw, p) in DRAWINGS.items():
        svg = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 300"><title>{names[sku]}</title>' +
               rect(0, 0, 300, 300, p.wall) + path("M0 225Q150 178 300 225V300H0z", p.floor) + "".join(draw(p)) + "</svg>\n")
        if len(svg.encode()) > MOST_BYTES:
            sys.exit(f"{sku}: {len(svg.encode())} bytes, at most {MOST_BYTES}")
        (HERE / "images" / f"{sku}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
