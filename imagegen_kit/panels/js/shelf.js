// A long shelf of equal tiles of which only those in or near sight are in the page.

const MARGIN_ROWS = 2; // rows above and below the sight
const CAPTION_PX = 44;
const GAP_PX = 12;
const KEEP_THUMBNAILS = 1500; // about 13 MB

class Shelf {
  /** `hooks`: rows(start) asks for rows, mark(ranges, on, clear), open(places), leave(). */
  constructor(view, hooks) {
    this.view = view;
    this.hooks = hooks;
    this.size = 160; // at least so wide are the tiles; they share the whole width
    this.side = 160;
    this.total = 0;
    this.active = 0; // the tile that has the focus when one tabs in
    this.anchor = 0; // where a range begins
    this.rows = new Map(); // place → row
    this.sight = [0, 0]; // the places of what is in the page
    this.asked = new Set(); // starts of pages that are under way
    this.tiles = new Map(); // place → element
    this.list = el("div", { class: "igk-shelf-list", role: "listbox", "aria-multiselectable": "true", "aria-label": "pictures" });
    this.box = el("div", { class: "igk-shelf" }, this.list);
    this.box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.list.addEventListener("click", (event) => this.#clicked(event));
    this.list.addEventListener("dblclick", (event) => this.#doubleClicked(event));
    this.list.addEventListener("focusin", (event) => this.#focused(event));
    view.keys(this.list, this.#keys());
    this.list.addEventListener("keydown", (event) => this.#markAll(event));
    this.resized = new ResizeObserver(() => this.layout());
    this.resized.observe(this.box);
    view.signal.addEventListener("abort", () => this.resized.disconnect());
  }

  /** Another arrangement: `rows` are its first ones. The focus goes with its picture where that is among them. */
  fill({ version, total, rows, page }) {
    if (version === this.version) return this.put(0, rows); // another view of this gallery was made
    const had = this.list.contains(document.activeElement);
    const key = this.rows.get(this.active)?.key;
    Object.assign(this, { version, total, page });
    this.rows.clear();
    this.asked.clear();
    for (const tile of this.tiles.values()) this.#remove(tile);
    this.tiles.clear();
    this.put(0, rows);
    const place = key ? rows.findIndex((row) => row.key === key) : 0;
    this.active = this.anchor = Math.max(place, 0);
    this.box.scrollTop = 0;
    this.layout();
    if (had && total) this.focus(this.active);
  }

  put(start, rows) {
    this.asked.delete(start);
    rows.forEach((row, i) => {
      const known = this.rows.get(start + i)?.key === row.key;
      this.rows.set(start + i, row);
      const tile = this.tiles.get(start + i);
      if (tile && known) this.#drawMark(tile, row);
      else if (tile) this.#draw(tile, start + i);
    });
  }

  /** Some pictures were marked or unmarked, by their keys. */
  marked(on, off) {
    const [yes, no] = [new Set(on), new Set(off)];
    for (const [place, row] of this.rows) {
      if (!yes.has(row.key) && !no.has(row.key)) continue;
      row.marked = yes.has(row.key);
      this.#drawMark(this.tiles.get(place), row);
    }
  }

  resize(size) {
    const first = Math.floor(this.box.scrollTop / this.cellHeight) * this.columns; // what stands first stays in sight
    this.size = size;
    this.layout();
    this.box.scrollTop = Math.floor(first / this.columns) * this.cellHeight;
  }

  get cellHeight() {
    return this.side + CAPTION_PX + GAP_PX;
  }

  layout() {
    const width = this.list.clientWidth;
    if (!width) return;
    const columns = Math.max(1, Math.floor((width + GAP_PX) / (this.size + GAP_PX)));
    const side = Math.floor((width + GAP_PX) / columns) - GAP_PX;
    const moved = columns !== this.columns || side !== this.side;
    Object.assign(this, { columns, side });
    this.list.style.height = `${Math.max(0, Math.ceil(this.total / columns) * this.cellHeight - GAP_PX)}px`;
    if (moved) for (const [place, tile] of this.tiles) this.#position(tile, place);
    this.#window();
  }

  focus(place) {
    if (!this.total) return;
    this.#activate(Math.max(0, Math.min(place, this.total - 1)));
    this.tiles.get(this.active)?.focus({ preventScroll: true }); // before the tile that had it goes out of the page
    this.#reveal(this.active);
  }

  focusKey(key) {
    const found = [...this.rows].find(([, row]) => row.key === key);
    this.focus(found ? found[0] : this.active);
  }

  // ------------------------------------------------------------------ the window
  #scrolled() {
    if (this.drawing) return;
    this.drawing = requestAnimationFrame(() => {
      this.drawing = null;
      this.#window();
    });
    clearTimeout(this.settled);
    this.settled = setTimeout(() => this.#fetch(), 90);
  }

  #window() {
    if (!this.columns || !this.total) return;
    const height = this.box.clientHeight;
    const firstRow = Math.max(0, Math.floor(this.box.scrollTop / this.cellHeight) - MARGIN_ROWS);
    const lastRow = Math.ceil((this.box.scrollTop + height) / this.cellHeight) + MARGIN_ROWS;
    const [first, last] = [firstRow * this.columns, Math.min(this.total, lastRow * this.columns)];
    for (const [place, tile] of this.tiles) {
      if ((place >= first && place < last) || place === this.active) continue;
      this.#remove(tile);
      this.tiles.delete(place);
    }
    for (let place = first; place < last; place++) this.#tile(place);
    this.#tile(this.active);
    this.sight = [first, last];
    if (Math.abs(this.box.scrollTop - (this.before ?? 0)) < height) this.#fetch(); // else nobody sees what flies past
    this.before = this.box.scrollTop;
  }

  #fetch() {
    this.#request();
    this.#pictures();
  }

  #request() {
    const [first, last] = this.sight;
    for (let place = first; place < last; place++) {
      if (this.rows.has(place)) continue;
      const start = place - (place % this.page);
      if (!this.asked.has(start)) {
        this.asked.add(start);
        this.hooks.rows(start);
      }
    }
  }

  #tile(place) {
    if (place >= this.total || this.tiles.has(place)) return;
    const tile = el("div", { class: "igk-tile", role: "option", tabindex: place === this.active ? 0 : -1, "aria-setsize": this.total, "aria-posinset": place + 1, "aria-selected": "false" });
    tile.place = place;
    this.tiles.set(place, tile);
    this.#position(tile, place);
    const after = [...this.list.children].find((other) => other.place > place); // in the order that is read out
    this.list.insertBefore(tile, after ?? null);
    this.#draw(tile, place);
  }

  #position(tile, place) {
    tile.style.width = `${this.side}px`;
    tile.style.height = `${this.side + CAPTION_PX}px`;
    tile.style.left = `${(place % this.columns) * (this.side + GAP_PX)}px`;
    tile.style.top = `${Math.floor(place / this.columns) * this.cellHeight}px`;
  }

  #remove(tile) {
    const img = tile.querySelector("img");
    if (img) this.view.pictures.drop(img);
    tile.remove();
  }

  #draw(tile, place) {
    const row = this.rows.get(place);
    if (!row) {
      tile.setAttribute("aria-label", "not loaded yet");
      tile.replaceChildren(el("div", { class: "igk-tile-picture igk-waiting" }));
      return;
    }
    const why = row.notice ?? this.view.pictures.missing.get(row.sha);
    const inside = why
      ? el("div", { class: "igk-tile-notice" }, row.notice ?? `the picture cannot be shown: ${why}`)
      : el("img", { alt: row.alt, draggable: "false" });
    const picture = el("div", { class: `igk-tile-picture${row.status === "placeholder" ? " igk-placeholder" : ""}` }, inside);
    const mark = el("span", { class: "igk-mark", "aria-hidden": "true", title: "mark (Space)" }, "✓");
    tile.removeAttribute("aria-label");
    tile.replaceChildren(picture, mark, el("div", { class: "igk-tile-line", title: row.line }, row.line), el("div", { class: "igk-tile-facts igk-quiet", title: row.facts }, row.facts));
    this.#drawMark(tile, row);
    if (!why) tile.waiting = row.sha;
  }

  #drawMark(tile, row) {
    tile?.setAttribute("aria-selected", String(Boolean(row.marked)));
  }

  #pictures() {
    for (const tile of this.tiles.values()) {
      if (!tile.waiting) continue;
      const img = tile.querySelector("img");
      if (img) this.view.pictures.show(img, tile.waiting);
      tile.waiting = null;
    }
    const shown = new Set([...this.tiles.keys()].map((place) => this.rows.get(place)?.sha));
    this.view.pictures.keep(KEEP_THUMBNAILS, shown);
  }

  #reveal(place) {
    const top = Math.floor(place / this.columns) * this.cellHeight;
    const bottom = top + this.cellHeight;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    else if (bottom > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = bottom - this.box.clientHeight;
    this.#window();
  }

  // ------------------------------------------------------------------ mouse and keys
  #activate(place) {
    this.tiles.get(this.active)?.setAttribute("tabindex", "-1");
    this.active = place;
    this.#tile(place);
    this.tiles.get(place)?.setAttribute("tabindex", "0");
  }

  #focused(event) {
    const place = event.target.closest(".igk-tile")?.place;
    if (place !== undefined && place !== this.active) this.#activate(place);
  }

  #clicked(event) {
    const tile = event.target.closest(".igk-tile");
    if (!tile) return;
    const place = tile.place;
    this.focus(place);
    if (event.shiftKey) this.hooks.mark([this.#range(place)], true, !(event.ctrlKey || event.metaKey));
    else if (event.ctrlKey || event.metaKey || event.target.closest(".igk-mark")) this.#toggle(place);
    else this.hooks.mark([[place, place]], true, true);
    if (!event.shiftKey) this.anchor = place;
  }

  #doubleClicked(event) {
    const tile = event.target.closest(".igk-tile");
    if (tile && !event.target.closest(".igk-mark")) this.hooks.open(tile.place);
  }

  #range(place) {
    return [Math.min(this.anchor, place), Math.max(this.anchor, place)];
  }

  #toggle(place) {
    this.hooks.mark([[place, place]], !this.rows.get(place)?.marked, false);
    this.anchor = place;
  }

  #markAll(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key.toLowerCase() !== "a") return;
    event.preventDefault();
    event.stopPropagation();
    this.hooks.mark([[0, this.total - 1]], true, false);
  }

  #keys() {
    const page = () => Math.max(1, Math.floor(this.box.clientHeight / this.cellHeight)) * this.columns;
    const goes = { ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: () => -this.columns, ArrowDown: () => this.columns, PageUp: () => -page(), PageDown: page, Home: () => -this.total, End: () => this.total };
    const bound = {};
    for (const [key, step] of Object.entries(goes)) {
      bound[key] = (event) => {
        const from = this.active;
        this.focus(from + step());
        if (event.shiftKey) this.hooks.mark([this.#range(this.active)], true, true);
        else this.anchor = this.active;
      };
    }
    bound[" "] = () => this.#toggle(this.active);
    bound.Enter = () => this.hooks.open(this.active);
    bound["/"] = () => this.hooks.find();
    bound.Escape = () => this.hooks.leave();
    return bound;
  }
}
