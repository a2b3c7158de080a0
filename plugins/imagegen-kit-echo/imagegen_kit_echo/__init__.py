"""A model that draws the request itself: what was asked, on a tint that the seed chooses."""

from __future__ import annotations

import colorsys
import io
import textwrap
import unicodedata

from imagegen_kit import providers as kit

TEXT = kit.ModelSpec(
    "text",
    can=kit.Capabilities(seed=True, max_side=2048, default_side=512),
    card="Draws the request's own words: prompt, model, seed and size. Free and offline, for trying things out.",
    price=kit.Price(0.0, source="drawn on this machine"),
    typical_seconds=0.05,
)


@kit.hookimpl
def imagegen_providers() -> list[kit.ProviderSpec]:
    """Offer one provider with one model; nothing heavy is imported until it draws."""
    return [kit.ProviderSpec("echo", models=(TEXT,), target="imagegen_kit_echo:Echo", origin="local:echo")]


class Echo:
    """The provider: built with an account (this one needs none), it answers one request with one picture."""

    def __init__(self, account: kit.Account) -> None:
        self.account = account

    async def generate(self, request: kit.ImageRequest, on_progress: kit.OnProgress) -> kit.Reply:
        """Return a PNG with the request written on it."""
        from PIL import Image, ImageDraw, ImageFont

        width, height = request.size.pixels(512) if request.size else (512, 512)
        hue = ((request.seed or 0) * 0.618 + request.sample * 0.07) % 1.0  # the golden ratio keeps neighbours apart
        tints = [colorsys.hls_to_rgb(hue, light, 0.45) for light in (0.9, 0.22)]
        paper, ink = (tuple(round(255 * part) for part in tint) for tint in tints)
        decomposed = unicodedata.normalize("NFKD", request.prompt)  # Pillow's own font has no accents
        words = " ".join("".join(c for c in decomposed if not unicodedata.combining(c)).split()) or "(no words)"
        letter = max(0.1, ImageFont.load_default(100).getlength(words) / len(words) / 100)
        margin = min(width, height) // 12
        for points in range(max(10, min(width, height) // 8), 5, -1):  # the largest letters that fit
            lines = textwrap.wrap(words, max(4, int((width - 2 * margin) / (letter * points) * 0.92)))
            if len(lines) * points * 1.3 < height - 4 * margin:
                break
        font = ImageFont.load_default(points)
        del lines[max(1, int((height - 3.5 * margin) / (points * 1.3))) :]  # never over the line below
        image = Image.new("RGB", (width, height), paper)
        draw = ImageDraw.Draw(image)
        draw.multiline_text((margin, margin), "\n".join(lines), ink, font, spacing=points * 0.2)
        draw.line((margin, height - 2 * margin, width - margin, height - 2 * margin), ink, max(1, margin // 20))
        facts = f"{request.model} · seed {request.seed} · {width} x {height}"
        small = ImageFont.load_default(max(5, min(margin * 0.5, (width - 2 * margin) / len(facts) * 1.8)))
        draw.text((margin, height - 1.35 * margin), facts, ink, small, anchor="lm")
        file = io.BytesIO()
        image.save(file, "PNG")
        return kit.Reply(pictures=(file.getvalue(),), seed_used=request.seed)
