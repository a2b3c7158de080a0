// Pictures opened large, one or two at a time, over the page.
//
// openViewer(view, items, index, options) with
//   items    [{sha, alt, title, facts: ["4.1 s", …], prompt, details: [[name, value], …], row, column, width, height}]
//            all that can be stepped to; row and column (numbers) say where each stands, and may be left out
//   options  mode: "one" | "two" | "swipe" | "onion" | "difference"; second: the index of the picture to compare with,
//            kept while stepping (else it is the neighbour in the row); about(item) → Promise of {prompt, details} where
//            these come late; compare(a, b) → Promise of [[field, first, second], …]; closed(index) after it is closed
// The panel answers the message "open" (PictureSource.send_picture). Returns {close()}.

function openViewer(view, items, index, options = {}) {
  const viewer = new Viewer(view, items, index, options);
  return { close: () => viewer.close() };
}

class Viewer {
  constructor(view, items, index, options) {
    Object.assign(this, { view, items, options, at: [index, options.second ?? null] });
    this.pinned = options.second !== undefined && options.second !== null;
    this.before = document.activeElement;
    this.original = false;
    this.round = 0; // answers that come after a step are of no use
    this.stage = new Stage(() => this.#zoomed());
    this.#draw();
    if (!this.pinned) this.at[1] = this.#neighbour(index);
    const alone = this.at[1] === null;
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.leave = new AbortController();
    view.signal.addEventListener("abort", () => this.close(), { signal: this.leave.signal });
    window.addEventListener("resize", () => this.stage.move(0, 0), { signal: this.leave.signal });
    if (!view.viewerErrors) {
      view.viewerErrors = new Set();
      view.on("error", ({ text }) => view.viewerErrors.forEach((told) => told(text)));
    }
    view.viewerErrors.add((this.failed = (text) => this.told(text)));
    this.setMode(alone ? "one" : (options.mode ?? "two"));
    this.#fill();
    this.stage.element.focus();
  }

  close() {
    if (!this.dialog.isConnected) return;
    this.leave.abort();
    this.view.viewerErrors.delete(this.failed);
    this.dialog.close();
    this.dialog.remove();
    if (this.options.closed) this.options.closed(this.at[0]);
    else this.before?.focus?.();
  }

  told(text) {
    this.status.textContent = text;
  }

  setMode(mode) {
    if (mode !== "one" && this.at[1] === null) return this.told("there is no second picture to compare with");
    const again = (mode === "one") !== (this.mode === "one"); // what stands beside is of one picture, or of two
    this.mode = mode;
    this.stage.setMode(mode);
    this.dialog.dataset.mode = mode;
    for (const [name, button] of Object.entries(this.modes)) button.setAttribute("aria-pressed", String(name === mode));
    const { slider } = STAGE_MODES[mode];
    this.sliderBox.hidden = !slider;
    if (slider) {
      const range = mode === "difference" ? { min: 1, max: 8, step: 1 } : { min: 0, max: 100, step: 1 };
      Object.assign(this.slider, range);
      this.slider.value = this.stage.amounts[mode];
      this.sliderName.textContent = slider;
    }
    this.#words();
    if (again && this.round) this.#aside(this.round);
  }

  // ---------------------------------------------------------------- stepping
  /** Return the index of what stands `dx` columns and `dy` rows from `from`, null where nothing does. */
  #beside(from, dx, dy) {
    if (from === null) return null;
    const here = this.items[from];
    if (here.row === undefined) return this.items[from + dx + dy] ? from + dx + dy : null;
    let best = null;
    this.items.forEach((item, i) => {
      if (dx !== 0 && (item.row !== here.row || Math.sign(item.column - here.column) !== dx)) return;
      if (dy !== 0 && Math.sign(item.row - here.row) !== dy) return;
      const far = ([one, other]) => Math.abs(one.row - other.row) * 1e6 + Math.abs(one.column - other.column);
      if (best === null || far([item, here]) < far([this.items[best], here])) best = i;
    });
    return best;
  }

  #neighbour(index) {
    return this.#beside(index, 1, 0) ?? this.#beside(index, -1, 0);
  }

  step(dx, dy) {
    const first = this.#beside(this.at[0], dx, dy);
    const both = this.pinned || dy !== 0;
    const second = both ? this.#beside(this.at[1], dx, dy) : null;
    if (first === null || (this.pinned && second === null)) return this.told("nothing further that way");
    this.at = [first, both && second !== null && second !== first ? second : this.#neighbour(first)];
    this.#fill();
    if (this.at[1] === null && this.mode !== "one") this.setMode("one");
  }

  choose(index) {
    this.at[1] = index;
    this.pinned = true;
    this.#fill();
  }

  swap() {
    if (this.at[1] === null) return;
    this.at.reverse();
    this.#fill();
  }

  // ---------------------------------------------------------------- filling
  #pair() {
    return this.at.map((i) => (i === null ? null : this.items[i]));
  }

  #fill() {
    const round = ++this.round;
    this.#pair().forEach((item, side) => {
      this.stage.put(side, item ? this.view.pictures.here(item.sha) : null, item?.alt ?? "", item);
      if (item) this.#load(item, side, round);
    });
    this.told("");
    this.#chooser();
    this.#words();
    this.#aside(round);
  }

  async #load(item, side, round) {
    const got = await this.view.pictures.open(item.sha, this.original);
    if (round !== this.round) return;
    const size = { width: item.width ?? got.width, height: item.height ?? got.height };
    this.stage.put(side, got.url, item.alt, size);
    await this.stage.images[side].decode().catch(() => {});
    if (round !== this.round) return;
    this.#words();
    if (this.original) this.told(`the file itself: ${got.format.toUpperCase()}, ${got.width} × ${got.height} pixels`);
  }

  toggleOriginal() {
    this.original = !this.original;
    this.originalButton.setAttribute("aria-pressed", String(this.original));
    this.#fill();
  }

  #chooser() {
    const [a, b] = this.at;
    const here = this.items[a];
    const fitting = this.items.map((item, i) => [item, i]).filter(([item, i]) => i !== a && (here.row === undefined || item.row === here.row || i === b));
    this.second.replaceChildren(...fitting.slice(0, 200).map(([item, i]) => el("option", { value: i, selected: i === b }, item.title)));
    this.secondBox.hidden = fitting.length < 1;
  }

  #words() {
    const [a, b] = this.#pair();
    const both = this.mode !== "one" && b;
    this.captions.replaceChildren(...(both ? [a, b] : [a]).map((item, side) =>
      el("div", { class: "igk-caption" },
        el("div", { class: "igk-cut", title: item.title }, both ? el("b", { class: "igk-side" }, "AB"[side]) : null, item.title),
        el("div", { class: "igk-cut igk-quiet" }, (item.facts ?? []).join(" · ")))));
    const [first, second] = this.stage.sizes;
    const sizes = both && first?.width && second?.width && (first.width !== second.width || first.height !== second.height)
      ? `A is ${first.width} × ${first.height} pixels, B ${second.width} × ${second.height}: both are fitted to the same frame`
      : "";
    const far = this.mode === "difference" ? apart(...this.stage.images) : null;
    this.note.textContent = [STAGE_MODES[this.mode].about, far, sizes].filter(Boolean).join(" · ");
    this.stage.element.setAttribute("aria-label", both ? `${this.note.textContent}. A: ${a.alt}. B: ${b.alt}` : a.alt);
  }

  async #aside(round) {
    const [a, other] = this.#pair();
    const b = this.mode === "one" ? null : other;
    const about = async (item) => (item && this.options.about ? { ...item, ...(await this.options.about(item)) } : item);
    const [first, second] = await Promise.all([about(a), about(b)]);
    const told = second ? ((await this.options.compare?.(a, b)) ?? []) : [];
    if (round !== this.round || (b === null) !== (this.mode === "one" || other === null)) return;
    const parts = [];
    if (second) {
      const words = wordDiff(first.prompt, second.prompt);
      const same = !words.only[0].length && !words.only[1].length;
      parts.push(el("h3", {}, same ? "Prompt, the same for both" : "Prompts"));
      if (same) parts.push(el("p", { class: "igk-prompt" }, first.prompt ?? ""));
      else {
        parts.push(el("p", { class: "igk-prompt" }, el("b", { class: "igk-side" }, "A"), words.first));
        parts.push(el("p", { class: "igk-prompt" }, el("b", { class: "igk-side" }, "B"), words.second));
        const listed = words.only.map((own, side) => (own.length ? `only ${"AB"[side]}: ${own.join(" ")}` : ""));
        parts.push(el("p", { class: "igk-quiet" }, listed.filter(Boolean).join(" · ")));
      }
      const { differing, same: shared } = compareFacts(first.details, second.details, told);
      if (differing.length) parts.push(factTable("What differs", ["", "A", "B"], differing));
      if (shared.length) parts.push(factTable("The same for both", [], shared));
    } else {
      parts.push(el("h3", {}, "Prompt"), el("p", { class: "igk-prompt" }, first.prompt ?? ""));
      parts.push(factTable("Details", [], first.details ?? []));
    }
    this.side.replaceChildren(...parts);
  }

  #zoomed() {
    if (this.scale) this.scale.textContent = `${this.stage.percent} %`;
    if (this.slider && STAGE_MODES[this.stage.mode].slider) this.slider.value = this.stage.amounts[this.stage.mode];
  }

  // ---------------------------------------------------------------- drawing
  #draw() {
    const button = (label, action, attributes = {}) => el("button", { type: "button", onclick: action, ...attributes }, label);
    this.modes = Object.fromEntries(Object.entries(STAGE_MODES).map(([mode, { label, key }]) =>
      [mode, button(label, () => this.setMode(mode), { title: `${label} (${key})`, "aria-keyshortcuts": key })]));
    this.slider = el("input", { type: "range", oninput: () => this.stage.setAmount(this.slider.value) });
    this.sliderName = el("span", {});
    this.sliderBox = el("label", { class: "igk-slider" }, this.sliderName, this.slider);
    this.second = el("select", { onchange: () => this.choose(Number(this.second.value)) });
    this.secondBox = el("label", { class: "igk-second" }, "B ", this.second);
    this.scale = el("output", { class: "igk-scale" });
    this.originalButton = button("Original", () => this.toggleOriginal(), { "aria-pressed": "false", title: "Load the stored file itself" });
    this.captions = el("div", { class: "igk-captions" });
    this.note = el("div", { class: "igk-note igk-quiet" });
    this.status = el("div", { class: "igk-told", role: "status" });
    this.side = el("aside", { class: "igk-aside", "aria-label": "prompt and details", tabindex: "0" });
    const zoom = (factor) => () => this.stage.zoomTo(this.stage.zoom * factor);
    const top = el("div", { class: "igk-bar" },
      el("div", { class: "igk-group", role: "group", "aria-label": "how to compare" }, Object.values(this.modes)),
      this.sliderBox,
      el("span", { class: "igk-spring" }),
      el("div", { class: "igk-group", role: "group", "aria-label": "zoom" },
        button("−", zoom(1 / 1.25), { "aria-label": "zoom out", title: "Zoom out (−)" }), this.scale,
        button("+", zoom(1.25), { "aria-label": "zoom in", title: "Zoom in (+)" }),
        button("Fit", () => this.stage.fit(), { title: "Fit to the frame (0)" }),
        button("100 %", () => this.stage.actual(), { title: "Actual pixels (1)" })),
      this.originalButton,
      button("Close", () => this.close(), { title: "Close (Esc)" }));
    const foot = el("div", { class: "igk-bar" },
      el("div", { class: "igk-group", role: "group", "aria-label": "step" },
        button("←", () => this.step(-1, 0), { "aria-label": "previous column", title: "Previous column (←)" }),
        button("→", () => this.step(1, 0), { "aria-label": "next column", title: "Next column (→)" }),
        button("↑", () => this.step(0, -1), { "aria-label": "previous row", title: "Previous row ([)" }),
        button("↓", () => this.step(0, 1), { "aria-label": "next row", title: "Next row (])" })),
      this.secondBox, button("Swap A and B", () => this.swap(), { title: "Swap A and B (x)", class: "igk-swap" }),
      this.status, el("span", { class: "igk-spring" }),
      el("span", { class: "igk-quiet igk-hint" }, "wheel zooms, drag moves · 0 fits, 1 is 100 % · Esc closes"));
    this.dialog = el("dialog", { class: "igk igk-viewer", role: "dialog", "aria-modal": "true", "aria-label": "pictures, large", "data-lm-suppress-shortcuts": "true" },
      top, el("div", { class: "igk-main" }, el("div", { class: "igk-left" }, this.captions, this.stage.element, this.note), this.side), foot);
    this.dialog.addEventListener("cancel", (event) => (event.preventDefault(), this.close()));
    const panOr = (dx, dy) => (event) => (event.shiftKey ? this.stage.move(-40 * dx, -40 * dy) : this.step(dx, dy));
    this.view.keys(this.dialog, {
      ...Object.fromEntries(Object.entries(STAGE_MODES).map(([mode, { key }]) => [key, () => this.setMode(mode)])),
      ArrowLeft: panOr(-1, 0), ArrowRight: panOr(1, 0), ArrowUp: panOr(0, -1), ArrowDown: panOr(0, 1),
      "[": () => this.step(0, -1), "]": () => this.step(0, 1), x: () => this.swap(),
      "+": zoom(1.25), "=": zoom(1.25), "-": zoom(1 / 1.25), "0": () => this.stage.fit(), "1": () => this.stage.actual(),
      Escape: () => this.close(),
    });
  }
}
