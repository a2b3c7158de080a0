"""The parts of a mascot: hose limbs, gloves, body, and the head with its face and what sits on it."""

from __future__ import annotations

from math import cos, sin

from imagegen_kit.providers.offline.mascot import Pen, Point, Pose, oval

HOSE = 0.048


def body(pen: Pen, pose: Pose) -> Point:
    """Draw all below the head and return where the head sits."""
    turn, side = pose.turn, 1 - 0.55 * pose.turn
    rx, ry = 0.115 * pose.girth * (1 - 0.15 * turn), 0.135 * (0.6 + 0.4 * pose.girth)
    middle = 0.62 - 0.06 * (pose.limbs - 1) + (0.03 if pose.girth > 1.3 else 0)
    spread = 0.2 if pose.below else 0.09 * side
    floor = 0.93
    size = pose.feet * (1.55 if pose.below else 1.0)
    stride = 0.15 if pose.walking else 0.12 if pose.swinging else 0.0
    for one in (-1, 1):
        hip = (one * 0.5 * rx * side, middle + ry * 0.75)
        foot = (one * spread + one * stride, floor - (0.05 if pose.walking and one > 0 else 0))
        knee = ((hip[0] + foot[0]) / 2 + one * 0.03, (hip[1] + foot[1]) / 2)
        pen.hose((hip, knee, foot), HOSE)
        ahead = 0.035 * (turn if turn else one * 0.7)
        pen.shape(oval(foot[0] + ahead, foot[1], 0.075 * size, 0.042 * size))
    hands = _hands(pose, rx, middle)
    shoulders = [(one * rx * 0.8 * side, middle - ry * 0.55) for one in (-1, 1)]
    far, near = (0, 1)
    _arm(pen, pose, shoulders[far], hands[far])
    if pose.below:  # narrow above, wide below, as seen from the ground
        pen.shape(
            [(-rx * 0.75, middle - ry), (rx * 0.75, middle - ry), (rx * 1.25, middle + ry), (-rx * 1.25, middle + ry)]
        )
    else:
        pen.shape(oval(0, middle, rx, ry))
    pen.line(oval(0, middle - ry * 0.25, rx * 0.92, ry * 0.75, 0.08, 0.42))  # the waistband
    for y in (0.0, 0.32):
        pen.shape(oval(rx * 0.55 * turn, middle - ry * (0.42 - y), 0.009, 0.009), ink=True)
    if pose.golf and not pose.bust:
        _club(pen, hands[near], pose)
    _arm(pen, pose, shoulders[near], hands[near])
    return (0.03 * turn, middle - ry)


def _hands(pose: Pose, rx: float, middle: float) -> tuple[Point, Point]:
    reach = 0.16 * pose.limbs
    if pose.swinging:
        return (rx + reach * 0.95, middle - 0.2 * pose.limbs), (rx + reach * 1.05, middle - 0.14 * pose.limbs)
    if pose.walking:
        return (-rx - reach * 0.8, middle - 0.12), (rx + reach, middle + 0.02)
    if pose.below:
        return (-rx - reach * 0.55, middle + 0.06), (rx + reach, middle - 0.16)
    return (-rx - reach * 0.7, middle + 0.04 * pose.limbs), (rx + reach * 0.8, middle - 0.1)


def _arm(pen: Pen, pose: Pose, shoulder: Point, hand: Point) -> None:
    away = 0.05 * pose.limbs * (1 if hand[0] > 0 else -1)
    elbow = ((shoulder[0] + hand[0]) / 2 + away * 0.6, max(shoulder[1], hand[1]) + 0.05 * pose.limbs)
    pen.hose((shoulder, elbow, hand), HOSE * 0.9)
    r = 0.042 * pose.gloves
    for k in (-0.7, 0.0, 0.7):  # three fingers, as the old cartoons have them
        out = 1 if hand[0] > 0 else -1
        pen.shape(oval(hand[0] + out * r * 0.9 * cos(k), hand[1] + r * sin(k) * 1.1 - r * 0.2, r * 0.5, r * 0.42))
    pen.shape(oval(hand[0], hand[1], r, r * 0.92))


def _club(pen: Pen, hand: Point, pose: Pose) -> None:
    """Draw a golf club in the hand: swung over the head in action, else standing on the ground."""
    x, y = hand
    end = (x - 0.2, max(0.05, y - 0.36)) if pose.swinging else (x + 0.06, 0.93)
    pen.line([(x, y - (0 if pose.swinging else 0.06)), end], 0.95)
    blade = -1 if pose.swinging else 1
    pen.shape(
        [end, (end[0] + blade * 0.085, end[1] - 0.01), (end[0] + blade * 0.08, end[1] + 0.035), (end[0], end[1] + 0.03)]
    )
    if not pose.swinging:
        pen.shape(oval(end[0] + 0.13, 0.915, 0.022, 0.022))


def head(pen: Pen, pose: Pose, neck: Point) -> None:
    """Draw the head above ``neck``, with ears, face and cap."""
    r = 0.165 * pose.head * (0.85 if pose.below else 1.0)
    x, y = neck[0], max(neck[1] - r * 0.86, r * 1.3)
    _ears(pen, pose, x, y, r)
    if pose.kind == "cup":
        pen.shape(oval(x - r * 1.05, y + r * 0.1, r * 0.42, r * 0.5))
        pen.shape(oval(x - r * 1.02, y + r * 0.1, r * 0.2, r * 0.26))
        pen.shape([(x - r, y - r * 0.8), (x + r, y - r * 0.8), (x + r * 0.78, y + r), (x - r * 0.78, y + r)])
        pen.shape(oval(x, y - r * 0.8, r, r * 0.2))
        for k in (-0.35, 0.35):
            pen.line([(x + k * r, y - r * 1.1), (x + (k + 0.14) * r, y - r * 1.25), (x + k * r, y - r * 1.42)])
    elif pose.kind == "box":
        pen.shape([(x - r, y - r * 0.9), (x + r, y - r * 0.9), (x + r, y + r * 0.9), (x - r, y + r * 0.9)])
        pen.line([(x, y - r * 0.9), (x, y - r * 1.2)])
        pen.shape(oval(x, y - r * 1.28, r * 0.1, r * 0.1), ink=True)
    else:
        pen.shape(oval(x, y, r, r))
    if pose.kind == "ball":
        for dx, dy in ((-0.78, 0.1), (-0.66, 0.42), (0.78, 0.1), (0.66, 0.42), (-0.42, 0.76), (0.42, 0.76)):
            if dx * pose.turn <= 0.1:
                pen.line(oval(x + dx * r, y + dy * r, r * 0.07, r * 0.07, 0.0, 0.5, 8), 0.8)
    _face(pen, pose, x, y, r)
    if pose.golf:
        _cap(pen, pose, x, y, r)


def _ears(pen: Pen, pose: Pose, x: float, y: float, r: float) -> None:
    for one in (-1, 1):
        at = x + one * r * 0.68 * (1 - 0.4 * pose.turn)
        if pose.ears == "pointed":
            pen.shape([(at - r * 0.34, y - r * 0.5), (at + one * r * 0.2, y - r * 1.35), (at + r * 0.34, y - r * 0.4)])
        elif pose.ears == "round":
            pen.shape(oval(at + one * r * 0.12, y - r * 0.76, r * 0.36, r * 0.36))
        elif pose.ears == "long":
            pen.shape(oval(at - one * r * 0.2, y - r * 1.2, r * 0.2, r * 0.62))
        elif pose.ears == "hanging":
            pen.shape(oval(at + one * r * 0.38, y - r * 0.02, r * 0.24, r * 0.6))


def _face(pen: Pen, pose: Pose, x: float, y: float, r: float) -> None:
    shift = 0.5 * pose.turn * r
    big = min(1.5, pose.grin)
    apart, eye = r * 0.3 * (1 - 0.35 * pose.turn), r * 0.2 * big
    top = y - r * (0.18 if pose.golf else 0.26) - (big - 1) * r * 0.1
    for one in (-1, 1):
        if pose.turn > 0.9 and one < 0:
            continue  # the other side of the face
        ex = x + shift + one * apart * (1 if big < 1.2 else 1.08)
        pen.shape(oval(ex, top, eye * 0.85 * (1 - 0.25 * pose.turn), eye * 1.35))
        _pie(pen, ex + shift * 0.1, top + eye * 0.4, eye * (0.56 if big < 1.2 else 0.42))
    pen.shape(
        oval(x + shift * 1.5, y + r * 0.12, r * (0.13 + 0.06 * pose.turn), r * 0.1),
        ink=pose.zoom == 1 and not pose.bust,
    )
    wide, deep = min(r * 0.8, r * 0.5 * pose.grin) * (1 - 0.35 * pose.turn), r * 0.28 * pose.grin
    my = y + r * 0.3
    mouth = [(x + shift - wide, my), *oval(x + shift, my, wide, deep, 0.5, 0.0, 24), (x + shift + wide, my)]
    pen.shape(mouth)
    if pose.grin > 1.2:
        pen.line([(x + shift - wide * 0.9, my + deep * 0.45), (x + shift + wide * 0.9, my + deep * 0.45)])
    for one in (-1, 1):
        if pose.turn < 0.9 or one > 0:
            cx = x + shift + one * (wide + r * 0.04)
            pen.line(
                oval(cx, my - r * 0.02, r * 0.09, r * 0.09, 0.55 if one < 0 else 0.65, 0.85 if one < 0 else 0.95, 8)
            )


def _pie(pen: Pen, x: float, y: float, r: float) -> None:
    """Draw a pupil with a slice cut out."""
    pen.shape([(x, y), *oval(x, y, r * 0.8, r, -0.06, 0.78, 24)], ink=True)


def _cap(pen: Pen, pose: Pose, x: float, y: float, r: float) -> None:
    """Draw a flat cap with its peak to the side that the mascot looks to."""
    way = 1 if pose.turn else -1
    pen.shape([(x + way * r * 0.2, y - r * 0.52), (x + way * r * 1.22, y - r * 0.5), (x + way * r * 0.9, y - r * 0.72)])
    pen.shape(
        [
            (x - r * 0.95, y - r * 0.5),
            *oval(x, y - r * 0.62, r * 0.98, r * 0.55, 0.5, 1.0, 24),
            (x + r * 0.95, y - r * 0.5),
        ]
    )
    pen.shape(oval(x, y - r * 1.17, r * 0.09, r * 0.06), ink=True)
