#!/usr/bin/env python3
"""Draw the sample pictures: 32x32 PNG files that stand in for photographs.

    python3 scripts/draw_samples.py OUT_DIR                   the committed choice
    python3 scripts/draw_samples.py OUT_DIR --variants 100    seeds 0 to 99 of every class

Every picture is drawn from nothing by shapes, gradients and noise: no photograph and no
data set is involved. A picture is a function of its class and a seed. It is drawn at eight
times its size and then reduced. Needs Pillow.
"""

import argparse
import math
import os
import random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

SIDE = 32
SCALE = 8
N = SIDE * SCALE

# All roughness of surfaces is scaled by this.
ROUGH = 0.5

# File name -> seed of the picture that is committed under that name.
CHOSEN = {
    "airplane-1": 0,
    "airplane-2": 4,
    "automobile-1": 14,
    "bird-1": 1,
    "cat-1": 14,
    "deer-1": 14,
    "dog-1": 25,
    "frog-1": 59,
    "horse-1": 18,
    "ship-1": 12,
    "ship-2": 3,
    "truck-1": 6,
}


# ---- colours and textures ------------------------------------------------------------


def clamp(value):
    return max(0, min(255, int(round(value))))


def shade(colour, factor):
    """The colour, darker (factor below 1) or lighter."""
    return tuple(clamp(c * factor) for c in colour)


def mix(a, b, t):
    return tuple(clamp(x * (1 - t) + y * t) for x, y in zip(a, b))


def jitter(rng, colour, amount=14):
    """A colour near the given one."""
    light = rng.uniform(-amount, amount)
    return tuple(clamp(c + light + rng.uniform(-amount / 2, amount / 2)) for c in colour)


def gradient(top, bottom):
    """A picture that fades from top to bottom."""
    image = Image.new("RGB", (1, N))
    for y in range(N):
        image.putpixel((0, y), mix(top, bottom, y / (N - 1)))
    return image.resize((N, N))


def noise(rng, cell, strength):
    """Grey noise around 128 with blobs of about `cell` pixels."""
    side = max(2, N // cell)
    grain = Image.frombytes("L", (side, side), rng.randbytes(side * side))
    grain = grain.resize((N, N), Image.Resampling.BICUBIC)
    return grain.point(lambda v: clamp(128 + (v - 128) * strength))


def roughen(rng, image, cells=((6, 0.25), (24, 0.25))):
    """Adds noise of several sizes."""
    for cell, strength in cells:
        grain = noise(rng, cell, strength * ROUGH)
        image = ImageChops.add(image, Image.merge("RGB", [grain] * 3), 1, -128)
    return image


def soften(image, radius):
    return image.filter(ImageFilter.GaussianBlur(radius))


# ---- shapes on a canvas --------------------------------------------------------------


class Canvas:
    """A picture that parts are laid on, back to front. Coordinates are 0 to 32."""

    def __init__(self, rng, background):
        self.rng = rng
        self.image = background

    def part(self, paint, colour, light=0.35, rough=0.18, blur=2.0, cell=8):
        """Fills what `paint` draws with a colour that is lit from above and rough."""
        mask = Image.new("L", (N, N), 0)
        paint(Pen(ImageDraw.Draw(mask)))
        box = mask.getbbox()
        if box is None:
            return
        fill = gradient(colour, colour)
        span = max(1, box[3] - box[1])
        shadow = Image.new("L", (1, N))
        for y in range(N):
            t = min(1.0, max(0.0, (y - box[1]) / span))
            shadow.putpixel((0, y), clamp(128 * (1 + light * (1 - 2 * t))))
        shadow = shadow.resize((N, N))
        fill = ImageChops.add(fill, Image.merge("RGB", [shadow] * 3), 1, -128)
        if rough:
            fill = roughen(self.rng, fill, ((cell, rough), (cell * 4, rough)))
        self.image.paste(fill, (0, 0), soften(mask, blur))

    def flat(self, paint, colour, blur=1.0):
        """Fills what `paint` draws with one colour."""
        self.part(paint, colour, light=0.0, rough=0.0, blur=blur)


class Pen:
    """Draws on a mask in units of final pixels."""

    def __init__(self, draw):
        self.draw = draw

    def ellipse(self, x, y, rx, ry, angle=0.0):
        points = []
        for i in range(48):
            t = 2 * math.pi * i / 48
            a, b = rx * math.cos(t), ry * math.sin(t)
            c, s = math.cos(angle), math.sin(angle)
            points.append((x + a * c - b * s, y + a * s + b * c))
        self.polygon(points)

    def polygon(self, points):
        self.draw.polygon([(x * SCALE, y * SCALE) for x, y in points], fill=255)

    def line(self, points, width):
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self.draw.line(scaled, fill=255, width=max(1, int(width * SCALE)), joint="curve")
        for x, y in scaled:
            r = width * SCALE / 2
            self.draw.ellipse((x - r, y - r, x + r, y + r), fill=255)

    def box(self, x0, y0, x1, y1):
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


# ---- backgrounds ---------------------------------------------------------------------


def sky(rng, cloudy=True):
    top = jitter(rng, rng.choice([(88, 142, 205), (120, 170, 220), (150, 185, 215)]))
    image = gradient(top, mix(top, (235, 240, 245), rng.uniform(0.3, 0.8)))
    if cloudy:
        cloud = soften(noise(rng, 48, 1.3), 10).point(lambda v: clamp((v - 120) * 1.4))
        image.paste((240, 243, 247), (0, 0), cloud)
    return image


def ground(rng, horizon, far, near, base=None):
    """A field below a horizon (in final pixels)."""
    image = base or sky(rng)
    field = roughen(rng, gradient(far, near), ((4, 0.3), (12, 0.25), (40, 0.25)))
    mask = Image.new("L", (N, N), 0)
    ImageDraw.Draw(mask).rectangle((0, horizon * SCALE, N, N), fill=255)
    image.paste(field, (0, 0), soften(mask, 4))
    return image


def trees(rng, image, horizon, height):
    """A row of dark foliage that stands on the horizon."""
    canvas = Canvas(rng, image)
    colour = jitter(rng, (48, 72, 36))

    def crowns(pen):
        x = -2.0
        while x < 34:
            r = rng.uniform(0.5, 1.0) * height
            pen.ellipse(x, horizon - r * 0.4, r * 0.9, r)
            x += rng.uniform(1.5, 4.0)

    canvas.part(crowns, colour, rough=0.5, blur=4, cell=6)
    return canvas.image


def foliage(rng):
    """Leaves and soil, out of focus."""
    colours = [(92, 116, 60), (112, 124, 70), (84, 98, 58), (124, 116, 84), (70, 84, 48)]
    a, b = jitter(rng, rng.choice(colours)), jitter(rng, rng.choice(colours))
    return soften(roughen(rng, gradient(a, b), ((10, 0.4), (32, 0.6), (64, 0.5))), 5)


def room(rng):
    """A wall and a floor or a blanket, out of focus."""
    colours = [(176, 160, 140), (140, 120, 104), (196, 188, 178), (120, 104, 96), (150, 140, 150)]
    wall, floor = jitter(rng, rng.choice(colours)), jitter(rng, rng.choice(colours))
    canvas = Canvas(rng, gradient(wall, shade(wall, 0.85)))
    edge = rng.uniform(16, 28)
    canvas.part(lambda p: p.box(0, edge, 32, 32), floor, rough=0.3, blur=8)
    return roughen(rng, soften(canvas.image, 4), ((12, 0.15), (40, 0.3)))


def finish(rng, image, flip):
    """Mirrors, adds grain and contrast of a small camera, and reduces."""
    if flip:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    image = roughen(rng, image, ((SCALE, 0.05),))
    return image.resize((SIDE, SIDE), Image.Resampling.BOX)


# ---- one function for each class -----------------------------------------------------


def airplane(rng):
    c = Canvas(rng, sky(rng))
    body = jitter(rng, rng.choice([(225, 228, 232), (196, 202, 210), (160, 168, 178)]))
    tail = rng.choice([(190, 50, 45), (40, 70, 140), shade(body, 0.8), (210, 140, 40)])
    y, tilt = rng.uniform(14, 18), rng.uniform(-0.22, 0.05)
    length, thick = rng.uniform(12, 14.5), rng.uniform(1.7, 2.3)

    def at(x, dy):
        return (16 + x * math.cos(tilt) - dy * math.sin(tilt), y + x * math.sin(tilt) + dy * math.cos(tilt))

    rear = -length
    c.part(lambda p: p.polygon([at(-1, 0), at(5, 0), at(-3, -8), at(-6, -8)]), shade(body, 0.75))
    c.part(lambda p: p.polygon([at(rear + 0.5, 0), at(rear + 5, 0), at(rear + 1, -6.5), at(rear - 1.5, -6.5)]), tail)
    c.part(lambda p: p.ellipse(*at(0, 0), length, thick, tilt), body, light=0.5)
    c.part(lambda p: p.polygon([at(-1, 0.5), at(5, 0.5), at(-5, 8.5), at(-8, 8.5)]), shade(body, 0.85))
    c.part(lambda p: p.polygon([at(rear + 1, 0), at(rear + 4, 0), at(rear, 3), at(rear - 2, 3)]), shade(body, 0.7))
    c.flat(lambda p: p.line([at(-length * 0.7, -0.4), at(length * 0.75, -0.4)], 0.5), shade(tail, 0.8))
    c.part(lambda p: p.ellipse(*at(1.5, 4), 2, 1, tilt), shade(body, 0.6))
    return finish(rng, c.image, rng.random() < 0.5)


def ship(rng):
    horizon = rng.uniform(14, 19)
    sea = jitter(rng, rng.choice([(52, 88, 124), (64, 104, 128), (44, 70, 100)]))
    c = Canvas(rng, ground(rng, horizon, mix(sea, (200, 215, 225), 0.3), shade(sea, 0.8)))
    for _ in range(14):
        x, y = rng.uniform(0, 32), rng.uniform(horizon + 3, 32)
        c.flat(lambda p: p.line([(x, y), (x + rng.uniform(2, 5), y)], 0.35), mix(sea, (230, 240, 245), 0.4), blur=3)
    hull = jitter(rng, rng.choice([(150, 48, 40), (40, 48, 66), (30, 60, 100), (200, 204, 208), (70, 74, 80)]))
    white = jitter(rng, (232, 234, 236))
    deck, keel = horizon + rng.uniform(0.5, 2), horizon + rng.uniform(5.5, 7.5)
    left, right = rng.uniform(1, 3), rng.uniform(28, 31)
    house = rng.uniform(left + 3, left + 9)
    wide = rng.uniform(6, 12)
    c.part(lambda p: p.box(house, deck - 4, house + wide, deck + 0.5), white)
    c.part(lambda p: p.box(house + 1, deck - 7, house + wide * 0.7, deck - 3.8), shade(white, 0.95))
    c.part(lambda p: p.box(house + 2, deck - 10, house + 4.2, deck - 6.8), rng.choice([hull, (190, 120, 40), (60, 60, 66)]))
    c.flat(lambda p: p.line([(house + wide * 0.8, deck - 10), (house + wide * 0.8, deck)], 0.4), (80, 80, 84))
    for x in range(int(wide) - 1):
        c.flat(lambda p: p.box(house + 0.7 + x, deck - 2.6, house + 1.2 + x, deck - 1.9), (70, 84, 100))
    if rng.random() < 0.6:
        x = house + wide + 1
        while x < right - 5:
            c.part(lambda p: p.box(x, deck - rng.uniform(1.5, 3), x + 2.6, deck + 0.5), jitter(rng, rng.choice([(160, 70, 50), (60, 96, 130), (190, 160, 90), (110, 130, 110)])))
            x += 3
    c.part(lambda p: p.polygon([(left, deck), (right, deck - 1), (right - 2.8, keel), (left + 1.5, keel)]), hull)
    c.part(lambda p: p.polygon([(left + 1, keel - 1.4), (right - 2, keel - 1.4), (right - 2.8, keel), (left + 1.5, keel)]), mix(hull, (120, 30, 26), 0.6))
    c.flat(lambda p: p.line([(left, keel + 0.2), (right - 2, keel + 0.2)], 0.6), mix(sea, (240, 245, 250), 0.55), blur=3)
    return finish(rng, c.image, rng.random() < 0.5)


def road(rng):
    horizon = rng.uniform(10, 15)
    grey = jitter(rng, (128, 126, 124), 20)
    image = ground(rng, horizon + 4, mix(grey, (160, 160, 158), 0.3), shade(grey, 0.85))
    if rng.random() < 0.7:
        image = trees(rng, image, horizon + 4, rng.uniform(4, 7))
    return image


def wheel(c, x, y, r, hub=(150, 152, 156)):
    c.flat(lambda p: p.ellipse(x, y, r, r), (24, 24, 26))
    c.flat(lambda p: p.ellipse(x, y, r * 0.5, r * 0.5), hub)


def automobile(rng):
    c = Canvas(rng, road(rng))
    paint = jitter(rng, rng.choice([(170, 30, 30), (200, 40, 32), (40, 64, 130), (176, 180, 186), (50, 52, 58), (210, 170, 50), (225, 226, 228)]))
    glass = (56, 68, 82)
    base, roof = rng.uniform(23, 25), rng.uniform(10, 12.5)
    belt = roof + rng.uniform(4.5, 5.5)
    a, b = rng.uniform(1, 2.5), rng.uniform(29.5, 31)
    c.flat(lambda p: p.ellipse(16, base + 2.2, 15, 1.6), (54, 54, 54), blur=6)
    c.part(lambda p: p.polygon([(a + 5, belt + 0.6), (a + 9, roof), (a + 18, roof), (a + 23, belt + 0.6)]), shade(paint, 0.95))
    c.flat(lambda p: p.polygon([(a + 6.8, belt + 0.2), (a + 9.7, roof + 1.1), (a + 13, roof + 1.1), (a + 13, belt + 0.2)]), glass)
    c.flat(lambda p: p.polygon([(a + 14, belt + 0.2), (a + 14, roof + 1.1), (a + 17.5, roof + 1.1), (a + 21, belt + 0.2)]), shade(glass, 1.2))
    c.part(lambda p: p.polygon([(a, belt + 2), (a + 1, belt), (a + 22, belt), (b - 1.5, belt + 1.6), (b, belt + 3.5), (b, base), (a, base)]), paint, light=0.55)
    c.flat(lambda p: p.line([(a + 0.5, belt + 3.4), (b - 0.5, belt + 3.8)], 0.4), shade(paint, 0.7))
    c.flat(lambda p: p.line([(a + 13.5, belt + 0.5), (a + 13.5, base - 0.6)], 0.3), shade(paint, 0.65))
    c.flat(lambda p: p.box(a, base - 1.0, b, base + 0.2), shade(paint, 0.45))
    c.flat(lambda p: p.ellipse(b - 1, belt + 3.3, 1.1, 0.9), (245, 240, 210))
    c.flat(lambda p: p.ellipse(a + 0.6, belt + 2.8, 0.6, 0.9), (180, 24, 20))
    for x in (a + 6, b - 6.5):
        c.flat(lambda p: p.ellipse(x, base - 0.2, 3.7, 3.6), shade(paint, 0.3))
        wheel(c, x, base + 0.3, 3.1)
    return finish(rng, c.image, rng.random() < 0.5)


def truck(rng):
    c = Canvas(rng, road(rng))
    cab = jitter(rng, rng.choice([(180, 36, 32), (40, 70, 140), (224, 224, 222), (210, 150, 40), (50, 100, 64)]))
    cargo = jitter(rng, rng.choice([(230, 230, 228), (200, 204, 206), (150, 110, 70), cab, (90, 120, 150)]))
    base, top = rng.uniform(24.5, 26.5), rng.uniform(4, 7)
    nose, rear = rng.uniform(29.5, 31.5), rng.uniform(0.5, 2)
    split = rng.uniform(19, 22)
    c.flat(lambda p: p.ellipse(16, base + 2.6, 15.5, 1.6), (50, 50, 50), blur=6)
    c.flat(lambda p: p.box(rear + 0.5, base - 2.2, nose - 0.6, base + 0.4), (44, 44, 48))
    c.part(lambda p: p.box(rear, top, split, base - 1.8), cargo, light=0.25)
    for i in range(1, 5):
        x = rear + (split - rear) * i / 5
        c.flat(lambda p: p.line([(x, top + 0.6), (x, base - 2.4)], 0.25), shade(cargo, 0.85))
    roof = top + rng.uniform(1, 4)
    c.part(lambda p: p.polygon([(split + 0.5, roof), (nose - 2.8, roof), (nose - 0.6, roof + 6), (nose, base - 5), (nose, base), (split + 0.5, base)]), cab, light=0.45)
    c.flat(lambda p: p.polygon([(split + 2.6, roof + 1.2), (nose - 3.2, roof + 1.2), (nose - 1.5, roof + 6), (split + 2.6, roof + 6)]), (60, 74, 90))
    c.flat(lambda p: p.box(nose - 1.4, base - 4, nose, base - 2.6), (248, 240, 205))
    c.flat(lambda p: p.box(nose - 3, base - 1, nose + 0.4, base + 0.2), (170, 172, 176))
    for x in (rear + 4, rear + 9.5, nose - 4.8):
        wheel(c, x, base + 0.3, rng.uniform(2.5, 2.9))
    return finish(rng, c.image, rng.random() < 0.5)


def bird(rng):
    c = Canvas(rng, sky(rng, False) if rng.random() < 0.35 else foliage(rng))
    back = jitter(rng, rng.choice([(110, 86, 62), (84, 80, 78), (60, 84, 130), (140, 104, 64), (70, 66, 60)]))
    belly = jitter(rng, rng.choice([(214, 196, 168), (190, 120, 64), (200, 196, 190), mix(back, (230, 225, 215), 0.5)]))
    x, y, lean = rng.uniform(14, 17), rng.uniform(16, 19), rng.uniform(0.25, 0.6)
    size = rng.uniform(0.9, 1.15)

    def at(u, v):
        cos, sin = math.cos(-lean), math.sin(-lean)
        return (x + size * (u * cos - v * sin), y + size * (u * sin + v * cos))

    perch = y + 7.5 * size
    c.part(lambda p: p.line([(-1, perch + rng.uniform(-1, 2)), (33, perch + rng.uniform(-1, 2))], 1.3), jitter(rng, (92, 72, 52)))
    for u in (-1, 1.4):
        c.flat(lambda p: p.line([at(u, 4), (x + u, perch)], 0.5), (120, 80, 50))
    c.part(lambda p: p.polygon([at(-5, -1), at(-14, 1), at(-14, 3), at(-4, 2.5)]), shade(back, 0.75))
    c.part(lambda p: p.ellipse(*at(0, 0), 7.5 * size, 4.9 * size, -lean), belly)
    c.part(lambda p: p.ellipse(*at(-1.8, -1.4), 6.6 * size, 3.3 * size, 0.1 - lean), back)
    c.part(lambda p: p.ellipse(*at(7, -3.2), 3.5 * size, 3.2 * size), back)
    c.part(lambda p: p.ellipse(*at(7.3, -1.4), 2.4 * size, 1.7 * size), mix(belly, back, 0.2))
    c.flat(lambda p: p.polygon([at(9.9, -4), at(13.6, -2.4), at(9.9, -2)]), rng.choice([(60, 54, 46), (206, 150, 50)]))
    c.flat(lambda p: p.ellipse(*at(8.2, -3.7), 0.75, 0.75), (16, 14, 12))
    for i in range(3):
        c.flat(lambda p: p.line([at(-6 + i, -1 + i), at(0 + i, -0.4 + i)], 0.4), shade(back, 0.6))
    return finish(rng, c.image, rng.random() < 0.5)


def eyes(c, x, y, gap, r, iris):
    for side in (-1, 1):
        c.flat(lambda p: p.ellipse(x + side * gap, y, r * 1.15, r), iris)
        c.flat(lambda p: p.ellipse(x + side * gap, y, r * 0.6, r * 0.8), (12, 10, 10))
        c.flat(lambda p: p.ellipse(x + side * gap - 0.3, y - 0.35, 0.3, 0.3), (240, 240, 235))


def cat(rng):
    c = Canvas(rng, room(rng))
    fur = jitter(rng, rng.choice([(120, 108, 94), (150, 112, 74), (96, 92, 90), (184, 132, 80), (70, 64, 60)]))
    pale = mix(fur, (238, 230, 220), rng.uniform(0.4, 0.8))
    x, y, r = rng.uniform(14.5, 17.5), rng.uniform(13, 16), rng.uniform(8, 9.6)
    c.part(lambda p: p.ellipse(x + rng.uniform(-2, 2), y + 15, 11, 12), shade(fur, 0.9), rough=0.5, cell=6)
    for s in (-1, 1):
        c.part(lambda p: p.polygon([(x + s * 2.0, y - r * 0.75), (x + s * r * 0.8, y - r * 1.5), (x + s * r * 1.0, y - r * 0.1)]), shade(fur, 0.9), rough=0.4)
        c.flat(lambda p: p.polygon([(x + s * 3.6, y - r * 0.8), (x + s * r * 0.78, y - r * 1.25), (x + s * r * 0.86, y - r * 0.4)]), mix(fur, (205, 150, 140), 0.6))
    c.part(lambda p: p.ellipse(x, y, r * 1.04, r * 0.9), fur, rough=0.5, cell=6)
    for i in (-2, -1, 0, 1, 2):
        c.flat(lambda p: p.line([(x + i * 1.5, y - r * 0.8), (x + i * 1.1, y - r * 0.4)], 0.55), shade(fur, 0.55), blur=3)
    for s in (-1, 1):
        for i in (0, 1):
            c.flat(lambda p: p.line([(x + s * r * 0.95, y + 1 + 2 * i), (x + s * r * 0.6, y + 1.4 + 1.4 * i)], 0.5), shade(fur, 0.6), blur=3)
    c.part(lambda p: p.ellipse(x, y + r * 0.45, r * 0.45, r * 0.36), pale)
    eyes(c, x, y - 0.6, r * 0.44, rng.uniform(1.3, 1.7), rng.choice([(150, 160, 60), (190, 150, 50), (110, 150, 110)]))
    c.flat(lambda p: p.polygon([(x - 0.9, y + r * 0.26), (x + 0.9, y + r * 0.26), (x, y + r * 0.38)]), (176, 104, 100))
    c.flat(lambda p: p.line([(x - 1.6, y + r * 0.55), (x, y + r * 0.45), (x + 1.6, y + r * 0.55)], 0.35), shade(fur, 0.45))
    for s in (-1, 1):
        for i in (-1, 0, 1):
            c.flat(lambda p: p.line([(x + s * 2.4, y + r * 0.42 + i * 0.5), (x + s * 10, y + r * 0.36 + i * 2)], 0.18), (235, 232, 226))
    return finish(rng, c.image, rng.random() < 0.5)


def dog(rng):
    c = Canvas(rng, room(rng) if rng.random() < 0.5 else foliage(rng))
    fur = jitter(rng, rng.choice([(170, 122, 74), (120, 84, 54), (206, 180, 146), (226, 220, 210), (60, 52, 48), (190, 150, 104)]))
    ear = shade(fur, rng.uniform(0.55, 0.8))
    pale = mix(fur, (240, 234, 226), rng.uniform(0.35, 0.8))
    x, y, r = rng.uniform(14.5, 17.5), rng.uniform(12, 14.5), rng.uniform(7.4, 8.8)
    c.part(lambda p: p.ellipse(x, y + 16, 10.5, 12), fur, rough=0.4)
    c.part(lambda p: p.ellipse(x, y + 15, 5.5, 9), pale, rough=0.3)
    c.part(lambda p: p.ellipse(x, y, r, r * 1.02), fur, rough=0.35)
    for s in (-1, 1):
        c.part(lambda p: p.ellipse(x + s * r * 1.0, y + r * 0.25, r * 0.36, r * 0.95, -s * rng.uniform(0.1, 0.4)), ear, rough=0.35)
    c.part(lambda p: p.ellipse(x, y - r * 0.3, r * 0.2, r * 0.6), pale, blur=8)
    c.part(lambda p: p.ellipse(x, y + r * 0.55, r * 0.52, r * 0.5), pale, rough=0.25)
    eyes(c, x, y - r * 0.12, r * 0.42, rng.uniform(0.9, 1.2), (74, 48, 30))
    c.flat(lambda p: p.ellipse(x, y + r * 0.36, r * 0.22, r * 0.17), (22, 20, 20))
    c.flat(lambda p: p.line([(x, y + r * 0.5), (x, y + r * 0.75)], 0.35), (50, 40, 38))
    c.flat(lambda p: p.line([(x - 2, y + r * 0.84), (x, y + r * 0.75), (x + 2, y + r * 0.84)], 0.4), (50, 40, 38))
    if rng.random() < 0.5:
        c.flat(lambda p: p.ellipse(x, y + r * 1.0, r * 0.18, r * 0.26), (204, 110, 110))
    return finish(rng, c.image, rng.random() < 0.5)


def frog(rng):
    soil = jitter(rng, rng.choice([(110, 92, 66), (84, 74, 54), (96, 104, 62), (140, 126, 100)]))
    c = Canvas(rng, roughen(rng, gradient(shade(soil, 0.8), soil), ((6, 0.35), (20, 0.5), (50, 0.4))))
    skin = jitter(rng, rng.choice([(104, 138, 44), (86, 120, 52), (128, 124, 60), (112, 98, 56), (70, 130, 50)]))
    belly = mix(skin, (224, 218, 170), 0.55)
    x, y = rng.uniform(14.5, 17.5), rng.uniform(17, 19.5)
    c.flat(lambda p: p.ellipse(x, y + 6.5, 13, 2.6), shade(soil, 0.5), blur=8)
    for s in (-1, 1):
        c.part(lambda p: p.ellipse(x + s * 8.6, y + 3.2, 5.0, 3.9, s * 0.5), shade(skin, 0.85), rough=0.35)
        c.part(lambda p: p.ellipse(x + s * 10, y + 6.8, 4.2, 1.2), shade(skin, 0.8))
    c.part(lambda p: p.ellipse(x, y + 1.5, 9.6, 7.2), skin, rough=0.35)
    c.part(lambda p: p.ellipse(x, y + 4.6, 6.2, 3.6), belly, rough=0.2, blur=6)
    c.part(lambda p: p.ellipse(x, y - 3.4, 8.0, 4.7), skin, rough=0.3)
    for s in (-1, 1):
        c.part(lambda p: p.line([(x + s * 4.6, y + 3), (x + s * 5.8, y + 7.4)], 2.2), skin)
        c.part(lambda p: p.ellipse(x + s * 5.2, y - 6.8, 2.6, 2.4), shade(skin, 1.1))
        c.flat(lambda p: p.ellipse(x + s * 5.4, y - 6.8, 1.7, 1.6), (206, 172, 60))
        c.flat(lambda p: p.ellipse(x + s * 5.4, y - 6.8, 1.2, 0.8), (14, 12, 8))
    c.flat(lambda p: p.line([(x - 7, y - 2.2), (x - 3, y - 0.9), (x + 3, y - 0.9), (x + 7, y - 2.2)], 0.45), shade(skin, 0.4))
    for _ in range(12):
        u, v = rng.uniform(-7, 7), rng.uniform(-5, 3)
        c.flat(lambda p: p.ellipse(x + u, y + v, 0.7, 0.5), shade(skin, 0.65), blur=3)
    return finish(rng, c.image, rng.random() < 0.5)


def meadow(rng):
    horizon = rng.uniform(9, 14)
    green = jitter(rng, rng.choice([(104, 140, 62), (122, 142, 74), (140, 136, 84), (88, 120, 58)]))
    image = ground(rng, horizon, mix(green, (150, 160, 120), 0.3), shade(green, 0.85))
    return trees(rng, image, horizon, rng.uniform(3.5, 7))


def legs(c, hide, spots, top, foot, width):
    """Four legs; each a thigh and a shin. `spots` are pairs of hip and hoof columns."""
    for i, (hip, hoof) in enumerate(spots):
        tone = shade(hide, 0.65 if i % 2 else 0.92)
        knee = ((hip + hoof) / 2 + (0.5 if i < 2 else -0.3), (top + foot) / 2)
        c.part(lambda p: p.line([(hip, top), knee], width * 1.5), tone)
        c.part(lambda p: p.line([knee, (hoof, foot)], width), tone)
        c.flat(lambda p: p.ellipse(hoof, foot, width * 0.7, 0.6), (36, 30, 26))


def horse(rng):
    c = Canvas(rng, meadow(rng))
    hide = jitter(rng, rng.choice([(124, 72, 40), (96, 56, 34), (150, 96, 56), (64, 44, 34), (196, 190, 182)]))
    mane = rng.choice([shade(hide, 0.4), (34, 28, 26), (214, 190, 150)])
    x, y = rng.uniform(13.5, 15.5), rng.uniform(15, 16.5)
    foot = y + rng.uniform(12, 13)
    c.flat(lambda p: p.ellipse(x + 1, foot + 0.4, 11, 1.2), (60, 70, 40), blur=6)
    legs(c, hide, [(x - 6, x - 7), (x - 4.6, x - 3.6), (x + 5, x + 5.4), (x + 6.2, x + 7.6)], y + 2, foot, 1.35)
    c.part(lambda p: p.line([(x - 8.4, y - 1.5), (x - 10.5, y + 1.5), (x - 10.4, y + 7)], 1.7), mane, rough=0.4)
    c.part(lambda p: p.ellipse(x, y, 9.2, 4.4, -0.05), hide, light=0.45)
    c.part(lambda p: p.ellipse(x - 5.6, y - 0.2, 4.2, 4.6), hide, light=0.4)
    c.part(lambda p: p.polygon([(x + 4, y - 3), (x + 9.2, y + 2), (x + 13, y - 6.5), (x + 10.2, y - 9.5)]), hide)
    c.part(lambda p: p.line([(x + 4.4, y - 3.2), (x + 7, y - 6.5), (x + 10, y - 10)], 1.6), mane, rough=0.4)
    c.part(lambda p: p.polygon([(x + 9.8, y - 10), (x + 12.6, y - 9.6), (x + 16.6, y - 4), (x + 15, y - 2.6), (x + 11, y - 5.6)]), shade(hide, 0.95))
    c.part(lambda p: p.polygon([(x + 10, y - 9.5), (x + 10.6, y - 12), (x + 11.8, y - 9.6)]), shade(hide, 0.8))
    c.flat(lambda p: p.ellipse(x + 12.4, y - 7.6, 0.5, 0.5), (14, 12, 10))
    if rng.random() < 0.4:
        c.flat(lambda p: p.line([(x + 12.6, y - 8.6), (x + 15.4, y - 4.4)], 0.8), (232, 226, 216))
    return finish(rng, c.image, rng.random() < 0.5)


def deer(rng):
    image = meadow(rng) if rng.random() < 0.4 else foliage(rng)
    c = Canvas(rng, image)
    hide = jitter(rng, rng.choice([(160, 116, 74), (140, 100, 66), (176, 132, 88), (120, 92, 66)]))
    pale = mix(hide, (235, 225, 205), 0.6)
    x, y = rng.uniform(13, 15), rng.uniform(17, 18.5)
    foot = y + rng.uniform(11, 12.5)
    legs(c, hide, [(x - 5.4, x - 6), (x - 4, x - 3.4), (x + 4.4, x + 4.6), (x + 5.6, x + 6.4)], y + 2, foot, 0.9)
    c.part(lambda p: p.ellipse(x, y, 7.8, 3.7, -0.08), hide, light=0.45)
    c.part(lambda p: p.ellipse(x, y + 2.4, 6, 1.4), pale, blur=5)
    c.part(lambda p: p.ellipse(x - 7.4, y - 1, 1.5, 1.9), pale)
    c.part(lambda p: p.polygon([(x + 3.6, y - 2.4), (x + 7.8, y + 1), (x + 10.6, y - 8), (x + 8, y - 9)]), hide)
    c.part(lambda p: p.ellipse(x + 10.6, y - 9.4, 3.5, 1.9, 0.45), hide)
    c.part(lambda p: p.ellipse(x + 13, y - 8.0, 1.3, 1.1), pale)
    c.flat(lambda p: p.ellipse(x + 13.8, y - 7.8, 0.6, 0.6), (24, 20, 18))
    c.flat(lambda p: p.ellipse(x + 10.8, y - 10, 0.55, 0.55), (14, 12, 10))
    c.part(lambda p: p.ellipse(x + 7.4, y - 10.4, 1.9, 0.9, 0.5), shade(hide, 0.85))
    if rng.random() < 0.75:
        horn = (104, 84, 62)
        for s, lean in ((0, -0.6), (1.4, 1.4)):
            bx = x + 8.8 + s
            c.flat(lambda p: p.line([(bx, y - 10.6), (bx + lean, y - 13.5), (bx + lean * 2.2, y - 16)], 0.6), horn)
            c.flat(lambda p: p.line([(bx + lean, y - 13.2), (bx + lean + 1.9, y - 15)], 0.5), horn)
            c.flat(lambda p: p.line([(bx + lean * 0.5, y - 12), (bx + lean - 1.8, y - 13.6)], 0.5), horn)
    return finish(rng, c.image, rng.random() < 0.5)


CLASSES = [airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck]


def draw(name, seed):
    """The picture of a class for a seed."""
    painter = {f.__name__: f for f in CLASSES}[name]
    return painter(random.Random(f"{name} {seed}"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", help="folder for the pictures")
    parser.add_argument("--variants", type=int, metavar="N", help="draw seeds 0 to N-1 of every class instead")
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    names = CHOSEN
    if args.variants:
        names = {f"{f.__name__}-seed{s}": s for f in CLASSES for s in range(args.variants)}
    for name, seed in names.items():
        draw(name.split("-")[0], seed).save(os.path.join(args.out, name + ".png"), optimize=True)


if __name__ == "__main__":
    main()
