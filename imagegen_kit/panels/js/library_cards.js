// The pictures of a library as cards: rank, score, reasons; marks by button or key; drawn anew only where they changed.

class LibraryCards {
  constructor(view) {
    this.view = view;
    this.cards = []; // as found
    this.pinned = [];
    this.excluded = new Set();
    this.chosen = new Set();
    this.drawn = new Map(); // id → {element, told}
    this.list = el("div", { class: "igk-cards", role: "list", "aria-label": "pictures" });
    this.more = el("button", { type: "button", hidden: true, onclick: () => view.ask("more", { shown: this.cards.length }) });
    this.element = el("div", { class: "igk-shelf" }, this.list, this.more);
    view.on("found", (told) => this.#found(told));
    view.on("marks", (told) => this.#marked(told));
    const mark = (kind, here) => () => this.#mark(kind, here());
    const current = () => this.list.querySelector(".igk-card:focus-within")?.dataset.id;
    view.keys(this.list, {
      ArrowRight: () => this.#step(1), ArrowLeft: () => this.#step(-1),
      ArrowDown: () => this.#step(this.#columns()), ArrowUp: () => this.#step(-this.#columns()),
      Home: () => this.#step(-Infinity), End: () => this.#step(Infinity),
      p: mark("pin", current), x: mark("exclude", current), u: mark("use", current),
      s: () => current() && view.ask("similar", { id: current() }),
      Enter: (event) => event.target.classList.contains("igk-card") && (this.#open(event.target.dataset.id), true),
    });
  }

  #found({ cards, first, left }) {
    this.cards.splice(first, this.cards.length, ...cards);
    this.more.hidden = !left;
    this.more.textContent = `Show more (${left} left)`;
    this.#draw();
    if (first === 0) this.element.scrollTop = 0;
  }

  #marked({ pinned, excluded, chosen }) {
    this.pinned = pinned;
    this.excluded = new Set(excluded.map(({ id }) => id));
    this.chosen = new Set(chosen.map(({ id }) => id));
    this.#draw();
  }

  /** What is shown: the pinned first, with what was found of them, then the others; never what is excluded. */
  #order() {
    const found = new Map(this.cards.map((card) => [card.id, card]));
    const top = this.pinned.map((card) => ({ ...card, ...found.get(card.id) }));
    const above = new Set(top.map(({ id }) => id));
    return [...top, ...this.cards.filter(({ id }) => !above.has(id) && !this.excluded.has(id))];
  }

  #draw() {
    const focused = this.list.querySelector(".igk-card:focus-within")?.dataset.id;
    const place = [...this.list.children].findIndex((one) => one.dataset.id === focused);
    const order = this.#order();
    const pinned = new Set(this.pinned.map(({ id }) => id));
    const kept = new Map();
    for (const card of order) {
      const told = JSON.stringify([card, pinned.has(card.id), this.chosen.has(card.id)]);
      const old = this.drawn.get(card.id);
      kept.set(card.id, old?.told === told ? old : { told, element: this.#card(card, pinned.has(card.id), this.chosen.has(card.id)) });
    }
    for (const [id, { element }] of this.drawn) {
      if (kept.get(id)?.element !== element) element.querySelectorAll("img").forEach((img) => this.view.pictures.drop(img));
    }
    this.drawn = kept;
    this.list.replaceChildren(...[...kept.values()].map(({ element }) => element));
    const elements = [...this.list.children];
    for (const one of elements) one.tabIndex = -1;
    const here = kept.get(focused)?.element ?? elements[Math.min(Math.max(place, 0), elements.length - 1)];
    if (!here) return;
    here.tabIndex = 0;
    if (focused !== undefined) here.focus();
  }

  #card(card, pinned, used) {
    if (card.damaged) {
      return el("article", { class: "igk-card", role: "listitem", "data-id": card.id, "aria-label": `${card.name}, damaged` },
        el("div", { class: "igk-missing" }, `${card.name} cannot be read: ${card.damaged}`));
    }
    const alt = [card.name, card.caption.slice(0, 80)].filter(Boolean).join(", ");
    const img = el("img", { alt });
    const open = el("button", { type: "button", class: "igk-picture", "aria-label": `Open ${card.name} large`, tabindex: -1, onclick: () => this.#open(card.id) }, img);
    const scored = card.score !== undefined;
    const marks = [pinned && "pinned", used && "chosen"].filter(Boolean);
    const label = [scored && `no. ${card.rank}`, card.name, scored && `score ${card.score.toFixed(2)}`, ...marks].filter(Boolean).join(", ");
    const element = el(
      "article", { class: `igk-card${pinned ? " igk-pinned" : ""}${used ? " igk-used" : ""}`, role: "listitem", "data-id": card.id, "aria-label": label },
      open,
      el("div", { class: "igk-name" }, scored && el("span", { class: "igk-rank" }, `${card.rank}`), el("b", { title: card.id }, card.name)),
      scored && el("div", { class: "igk-score" }, el("span", { class: "igk-track", "aria-hidden": "true" }, el("span", { style: `width:${Math.round(card.score * 100)}%` })), card.score.toFixed(2)),
      marks.length ? el("div", { class: "igk-marks" }, marks.join(" · ")) : null,
      card.caption && el("p", { class: "igk-caption" }, card.caption),
      scored ? el("ul", { class: "igk-why igk-quiet" }, card.why.map((line) => el("li", {}, line))) : null,
      pinned && !scored && this.cards.some(({ rank }) => rank) ? el("div", { class: "igk-quiet" }, "not among the hits") : null,
      el("div", { class: "igk-tags igk-quiet" }, [card.role, ...card.tags].join(" · ")),
      el("div", { class: "igk-acts" }, this.#act("use", card, used, used ? "Used" : "Use", `Use ${card.name} as a reference`), this.#act("pin", card, pinned, pinned ? "Pinned" : "Pin", `Pin ${card.name} on top`),
        this.#act("exclude", card, false, "Exclude", `Never show ${card.name}`), this.#act("similar", card, null, "Similar", `Search for pictures like ${card.name}`)),
    );
    this.view.pictures.show(img, card.sha);
    element.addEventListener("focus", () => {
      for (const one of this.list.children) one.tabIndex = one === element ? 0 : -1;
    });
    return element;
  }

  #act(kind, card, on, words, label) {
    const act = () => (kind === "similar" ? this.view.ask("similar", { id: card.id }) : this.#mark(kind, card.id));
    return el("button", { type: "button", tabindex: -1, "aria-label": label, title: label, "aria-pressed": on === null ? null : String(on), onclick: act }, words);
  }

  #mark(kind, id) {
    if (id === undefined || id.startsWith("#")) return;
    const held = { pin: new Set(this.pinned.map((card) => card.id)), use: this.chosen, exclude: this.excluded }[kind];
    const on = !held.has(id);
    this.view.ask(kind, { id, on });
    const said = { pin: on ? "pinned" : "no longer pinned", use: on ? "chosen as a reference" : "no longer chosen", exclude: "excluded" }[kind];
    this.view.say(`${this.#named(id)} ${said}`);
  }

  #named(id) {
    return [...this.pinned, ...this.cards].find((card) => card.id === id)?.name ?? id;
  }

  #columns() {
    const [first, ...others] = this.list.children;
    const next = others.findIndex((one) => one.offsetTop > first.offsetTop);
    return next < 0 ? others.length + 1 : next + 1;
  }

  #step(by) {
    const elements = [...this.list.children];
    const from = elements.findIndex((one) => one.matches(":focus-within"));
    const to = Math.min(Math.max(from + by, 0), elements.length - 1);
    elements[to]?.focus();
  }

  /** Show a picture large over the cards, with all that is known of it. */
  async #open(id) {
    const card = [...this.pinned, ...this.cards].find((one) => one.id === id);
    if (!card || card.damaged) return;
    const { url } = await this.view.pictures.open(card.sha);
    const facts = [card.role, ...card.tags, `${card.width} × ${card.height} pixels`, card.licence].filter(Boolean).join(" · ");
    const back = () => {
      dialog.remove();
      this.drawn.get(id)?.element.focus();
    };
    const close = el("button", { type: "button", onclick: back }, "Close (Esc)");
    const dialog = el("div", { class: "igk-large", role: "dialog", "aria-label": card.name, tabindex: -1 },
      el("img", { src: url, alt: [card.name, card.caption.slice(0, 80)].filter(Boolean).join(", ") }),
      el("div", {}, el("b", {}, card.name), card.caption && el("p", {}, card.caption), el("p", { class: "igk-quiet" }, facts), el("p", { class: "igk-quiet" }, card.path), close));
    this.view.root.querySelector(".igk-large")?.remove();
    this.view.root.append(dialog);
    this.view.keys(dialog, { Escape: back });
    dialog.focus();
  }
}
