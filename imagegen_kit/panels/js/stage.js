// The pictures of the viewer: beside or over each other in frames of one size, zoomed and moved together.

const STAGE_MODES = {
  one: { key: "p", label: "One", about: "one picture" },
  two: { key: "2", label: "Side by side", about: "side by side" },
  swipe: { key: "s", label: "Swipe", about: "swipe: A left of the line, B right of it", slider: "place of the line, percent" },
  onion: { key: "o", label: "Onion skin", about: "onion skin: B over A", slider: "opacity of B, percent" },
  difference: { key: "d", label: "Difference", about: "difference: black where A and B are the same", slider: "differences brightened, times" },
};
const MOST_ZOOM = 40;

class Stage {
  constructor(changed) {
    this.changed = changed; // called after each zoom and move
    this.mode = "two";
    this.amounts = { swipe: 50, onion: 50, difference: 1 };
    this.images = [0, 1].map((i) => el("img", { class: "igk-large", "data-side": "AB"[i], draggable: "false", alt: "" }));
    this.frames = this.images.map((img) => el("div", { class: "igk-frame" }, img));
    this.line = el("div", { class: "igk-line", "aria-hidden": "true" });
    this.layers = el("div", { class: "igk-layers" }, this.frames);
    this.element = el("div", { class: "igk-stage", tabindex: "0", role: "group" }, this.layers, this.line);
    this.element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.element.addEventListener("pointerdown", (event) => this.#grab(event));
    this.element.addEventListener("dblclick", () => (this.zoom === 1 ? this.actual() : this.fit()));
    this.sizes = [null, null];
    this.fit();
  }

  /** Show `url` on side 0 (A) or 1 (B); `size` is that of the stored picture, in pixels. */
  put(side, url, alt, size) {
    const img = this.images[side];
    if (url) img.src = url;
    else img.removeAttribute("src");
    img.alt = alt;
    this.sizes[side] = size;
    this.#apply();
  }

  setMode(mode) {
    this.mode = mode;
    this.element.dataset.mode = mode;
    this.#apply();
  }

  setAmount(value) {
    this.amounts[this.mode] = Number(value);
    this.#apply();
  }

  fit() {
    [this.zoom, this.x, this.y] = [1, 0, 0];
    this.#apply();
  }

  /** One pixel of picture A on one pixel of the page. */
  actual() {
    this.zoomTo(1 / this.#fitted(0));
  }

  /** Zoom so that what is at (`x`, `y`), measured from the frame's middle, stays there. */
  zoomTo(zoom, x = 0, y = 0) {
    const next = Math.min(MOST_ZOOM, Math.max(0.2, zoom));
    this.x = x - ((x - this.x) * next) / this.zoom;
    this.y = y - ((y - this.y) * next) / this.zoom;
    this.zoom = next;
    this.#apply();
  }

  move(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.#apply();
  }

  /** How large A is shown, in percent of its own pixels. */
  get percent() {
    return Math.round(100 * this.zoom * this.#fitted(0));
  }

  /** How many page pixels a picture's pixel takes when the picture fits its frame. */
  #fitted(side) {
    const { clientWidth, clientHeight } = this.frames[0];
    const size = this.sizes[side];
    if (!size || !clientWidth) return 1;
    return Math.min(clientWidth / size.width, clientHeight / size.height);
  }

  #apply() {
    const transform = `translate(${this.x.toFixed(2)}px, ${this.y.toFixed(2)}px) scale(${this.zoom.toFixed(4)})`;
    this.images.forEach((img, side) => {
      img.style.transform = transform;
      img.style.imageRendering = this.zoom * this.#fitted(side) >= 3 ? "pixelated" : "auto"; // pixels are looked at
    });
    const { swipe, onion, difference } = this.amounts;
    const over = this.frames[1].style;
    over.clipPath = this.mode === "swipe" ? `inset(0 0 0 ${swipe}%)` : "";
    this.frames[0].style.clipPath = this.mode === "swipe" ? `inset(0 ${100 - swipe}% 0 0)` : "";
    over.opacity = this.mode === "onion" ? String(onion / 100) : "";
    over.mixBlendMode = this.mode === "difference" ? "difference" : "";
    this.layers.style.filter = this.mode === "difference" && difference > 1 ? `brightness(${difference})` : "";
    this.line.style.left = `${swipe}%`;
    this.changed?.();
  }

  #wheel(event) {
    event.preventDefault();
    const frame = this.frames.find((f) => f.contains(event.target)) ?? this.frames[0];
    const box = frame.getBoundingClientRect();
    const x = event.clientX - box.left - box.width / 2;
    const y = event.clientY - box.top - box.height / 2;
    this.zoomTo(this.zoom * Math.exp(-Math.max(-60, Math.min(60, event.deltaY)) / 240), x, y);
  }

  #grab(event) {
    if (event.button !== 0) return;
    const swiping = this.mode === "swipe" && event.target === this.line;
    let { clientX, clientY } = event;
    this.element.setPointerCapture(event.pointerId);
    const moved = (at) => {
      if (swiping) {
        const box = this.layers.getBoundingClientRect();
        this.setAmount(Math.round(Math.min(100, Math.max(0, (100 * (at.clientX - box.left)) / box.width))));
      } else this.move(at.clientX - clientX, at.clientY - clientY);
      ({ clientX, clientY } = at);
    };
    const end = new AbortController();
    this.element.addEventListener("pointermove", moved, { signal: end.signal });
    for (const name of ["pointerup", "pointercancel"]) this.element.addEventListener(name, () => end.abort(), { signal: end.signal });
  }
}

/** Return in words how far two loaded pictures are apart, over 128 × 128 points of each; null while one is not there. */
function apart(first, second) {
  const side = 128;
  const points = [first, second].map((img) => {
    if (!img.complete || !img.naturalWidth) return null;
    const canvas = el("canvas", { width: side, height: side });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(img, 0, 0, side, side);
    return context.getImageData(0, 0, side, side).data;
  });
  if (!points[0] || !points[1]) return null;
  let sum = 0;
  let differing = 0;
  for (let i = 0; i < points[0].length; i += 4) {
    const far = Math.max(...[0, 1, 2].map((c) => Math.abs(points[0][i + c] - points[1][i + c])));
    sum += far;
    if (far > 8) differing += 1;
  }
  const all = side * side;
  if (sum === 0) return "the same at every point looked at";
  return `${Math.round((100 * differing) / all)} % of the area differs visibly, by ${Math.round(sum / all)} of 255 on average`;
}
