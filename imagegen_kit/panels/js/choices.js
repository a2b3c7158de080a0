// The line above the shelf: filter, facets with counts, sort, size.

const FACET_WORDS = { model: "Model", style: "Style", status: "Status", run: "Run", day: "Day" };
const COLUMN_WORDS = { created_at: "time", cost_usd: "cost (USD)", price_usd: "price (USD)", seconds: "seconds", run_id: "run" };

class Choices {
  /** `changed(wanted)` is called whenever somebody chooses something; `sized(px)` when tiles are to be larger or smaller. */
  constructor(view, { changed, sized }) {
    this.view = view;
    this.changed = changed;
    this.wanted = { words: "", facets: {}, sort: "created_at", descending: true, marked: false, once: false };
    this.words = el("input", { type: "search", class: "igk-words", placeholder: "Filter: words of prompt, style, model, run  ( / )", "aria-label": "filter by words", oninput: () => this.#typed() });
    this.facets = new Map(Object.entries(FACET_WORDS).map(([name, words]) => [name, this.#facet(name, words)]));
    this.sort = el("select", { "aria-label": "sort by", onchange: () => this.#choose({ sort: this.sort.value, descending: true }) });
    this.direction = el("button", { type: "button", class: "igk-direction", onclick: () => this.#choose({ descending: !this.wanted.descending }) });
    this.size = el("input", { type: "range", min: 96, max: 256, step: 16, value: 160, "aria-label": "size of the pictures in pixels", oninput: () => sized(Number(this.size.value)) });
    this.once = this.#box("each picture once", "once");
    this.marked = this.#box("only marked", "marked");
    this.chips = el("div", { class: "igk-chips" });
    this.root = el("div", { class: "igk-choices" },
      el("div", { class: "igk-bar" }, this.words, ...[...this.facets.values()].map((facet) => facet.root)),
      el("div", { class: "igk-bar" },
        el("label", { class: "igk-sort" }, el("span", { class: "igk-quiet" }, "Sort"), this.sort), this.direction,
        el("label", { class: "igk-size" }, el("span", { class: "igk-quiet" }, "Size"), this.size),
        this.once.root, this.marked.root),
      this.chips);
    view.keys(this.words, { Escape: () => this.#leaveWords(), ArrowDown: () => this.onDown?.() });
    const close = (event) => this.facets.forEach(({ root }) => root.open && !root.contains(event.target) && (root.open = false));
    document.addEventListener("pointerdown", close, { signal: view.signal });
  }

  /** Show what the kernel holds: its choice, the counts, the columns. */
  show({ wanted, facets, columns, marks }) {
    this.wanted = wanted;
    if (this.view.root.getRootNode().activeElement !== this.words) this.words.value = wanted.words;
    for (const [name, { root, values, summary }] of this.facets) this.#showFacet(name, root, values, summary, facets[name]);
    if (this.columns !== columns.join()) {
      this.columns = columns.join();
      this.sort.replaceChildren(...columns.map((name) => el("option", { value: name }, COLUMN_WORDS[name] ?? name.replaceAll("_", " "))));
    }
    this.sort.value = wanted.sort;
    this.direction.textContent = wanted.descending ? "↓" : "↑";
    const words = wanted.sort === "created_at" ? ["newest first", "oldest first"] : ["largest first", "smallest first"];
    this.direction.setAttribute("aria-label", `order: ${words[wanted.descending ? 0 : 1]}, press to turn`);
    this.direction.title = words[wanted.descending ? 0 : 1];
    this.once.input.checked = wanted.once;
    this.marked.input.checked = wanted.marked;
    this.count(marks);
    this.#showChips();
  }

  count(marks) {
    this.marked.words.textContent = marks ? `only marked (${marks.toLocaleString("en")})` : "only marked";
  }

  find() {
    this.words.focus();
    this.words.select();
  }

  get filtered() {
    return Boolean(this.wanted.words || this.wanted.marked || this.wanted.once || Object.values(this.wanted.facets).some((values) => values.length));
  }

  clear() {
    this.words.value = "";
    this.#choose({ words: "", facets: {}, marked: false, once: false });
  }

  #choose(changes) {
    clearTimeout(this.typing);
    this.wanted = { ...this.wanted, words: this.words.value, ...changes };
    this.changed(this.wanted);
  }

  #typed() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.#choose({}), 150);
  }

  #leaveWords() {
    if (!this.words.value) return this.words.blur();
    this.words.value = "";
    this.#choose({});
  }

  #box(words, name) {
    const label = el("span", {}, words);
    const input = el("input", { type: "checkbox", onchange: () => this.#choose({ [name]: input.checked }) });
    return { root: el("label", { class: "igk-check" }, input, label), input, words: label };
  }

  #facet(name, words) {
    const summary = el("summary", {}, words);
    const values = el("div", { class: "igk-values", role: "group", "aria-label": words });
    const root = el("details", { class: "igk-facet" }, summary, values);
    root.addEventListener("toggle", () => {
      if (root.open) this.facets.forEach((other) => other.root !== root && (other.root.open = false));
    });
    root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !root.open) return;
      event.stopPropagation();
      root.open = false;
      summary.focus();
    });
    return { root, summary, values };
  }

  #showFacet(name, root, values, summary, options) {
    const chosen = new Set(this.wanted.facets[name] ?? []);
    summary.textContent = chosen.size ? `${FACET_WORDS[name]} (${chosen.size})` : FACET_WORDS[name];
    summary.classList.toggle("igk-chosen", chosen.size > 0);
    const focused = values.contains(document.activeElement) ? document.activeElement.value : null;
    const boxes = options.map(([value, count]) => {
      const input = el("input", { type: "checkbox", value, "aria-label": `${value}, ${count}`, onchange: () => this.#toggle(name, value, input.checked) });
      input.checked = chosen.has(value);
      return el("label", { class: "igk-value" }, input, el("span", { class: "igk-value-name" }, value), el("span", { class: "igk-quiet" }, count.toLocaleString("en")));
    });
    values.replaceChildren(...(boxes.length ? boxes : [el("div", { class: "igk-quiet" }, "nothing to choose")]));
    if (focused !== null) [...values.querySelectorAll("input")].find((input) => input.value === focused)?.focus();
  }

  #toggle(name, value, on) {
    const others = (this.wanted.facets[name] ?? []).filter((other) => other !== value);
    this.#choose({ facets: { ...this.wanted.facets, [name]: on ? [...others, value] : others } });
  }

  #showChips() {
    const chips = Object.entries(this.wanted.facets).flatMap(([name, values]) =>
      values.map((value) =>
        el("button", { type: "button", class: "igk-chip", "aria-label": `no longer only ${name} ${value}`, onclick: () => this.#toggle(name, value, false) },
          el("span", { class: "igk-quiet" }, name), ` ${value} `, el("span", { "aria-hidden": "true" }, "×"))));
    if (this.filtered) chips.push(el("button", { type: "button", class: "igk-chip igk-chip-clear", onclick: () => this.clear() }, "show all"));
    this.chips.replaceChildren(...chips);
  }
}
