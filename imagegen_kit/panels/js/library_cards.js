// The pictures of a library as cards: rank, score, reasons; marks by button or key; drawn anew only where they changed.

/**
 * Put other children into `container` without losing the focus. Where a focused element is taken out of the page, the
 * notebook takes the keys: the next x would cut its cell (seen in Notebook 7).
 */
function redrawn(view, container, children) {
  const key = (one) => one.dataset.key ?? one.getAttribute("aria-label") ?? one.textContent;
  const had = container.contains(document.activeElement) ? document.activeElement : null;
  if (had) holdFocus(view);
  container.replaceChildren(...children);
  if (had) [...container.querySelectorAll("button, select")].find((one) => key(one) === key(had))?.focus({ preventScroll: true });
}

function holdFocus(view) {
  view.root.tabIndex = -1;
  view.root.focus({ preventScroll: true });
}

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
    if (!left && this.more === document.activeElement) holdFocus(this.view);
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
    const focused = this.list.querySelector(".igk-card:focus-within");
    const place = [...this.list.children].indexOf(focused);
    const pinned = new Set(this.pinned.map(({ id }) => id));
    const kept = new Map();
    for (const card of this.#order()) {
      const marks = [pinned.has(card.id), this.chosen.has(card.id)];
      const told = JSON.stringify([card, ...marks]);
      const { element, told: before } = this.drawn.get(card.id) ?? { element: this.#empty(card.id) };
      if (told !== before) this.#fill(element, card, ...marks);
      kept.set(card.id, { told, element });
    }
    for (const [id, { element }] of this.drawn) if (!kept.has(id)) this.#dropPictures(element);
    this.drawn = kept;
    const elements = [...kept.values()].map(({ element }) => element);
    const here = elements.includes(focused) ? focused : elements[Math.min(Math.max(place, 0), elements.length - 1)];
    if (here && here === focused) {
      // the others move around the one that has the focus
      const at = elements.indexOf(here);
      here.before(...elements.slice(0, at));
      here.after(...elements.slice(at + 1));
      for (const one of [...this.list.children]) if (!elements.includes(one)) one.remove();
    } else {
      if (focused) holdFocus(this.view);
      this.list.replaceChildren(...elements);
    }
    for (const one of elements) one.tabIndex = one === here ? 0 : -1;
    if (focused && here !== focused) here?.focus();
  }

  #dropPictures(element) {
    element.querySelectorAll("img").forEach((img) => this.view.pictures.drop(img));
  }

  #empty(id) {
    const element = el("article", { class: "igk-card", role: "listitem", "data-id": id });
    element.addEventListener("focus", () => {
      for (const one of this.list.children) one.tabIndex = one === element ? 0 : -1;
    });
    return element;
  }

  #fill(element, card, pinned, used) {
    if (element !== document.activeElement && element.contains(document.activeElement)) element.focus({ preventScroll: true });
    this.#dropPictures(element);
    element.classList.toggle("igk-pinned", pinned);
    element.classList.toggle("igk-used", used);
    const { label, parts } = this.#parts(card, pinned, used);
    element.setAttribute("aria-label", label);
    element.replaceChildren(...parts.filter(Boolean));
  }

  #parts(card, pinned, used) {
    if (card.damaged) {
      return { label: `${card.name}, damaged`, parts: [el("div", { class: "igk-missing" }, `${card.name} cannot be read: ${card.damaged}`)] };
    }
    const alt = [card.name, card.caption.slice(0, 80)].filter(Boolean).join(", ");
    const img = el("img", { alt });
    const open = el("button", { type: "button", class: "igk-picture", "aria-label": `Open ${card.name} large`, tabindex: -1, onclick: () => this.#open(card.id) }, img);
    const scored = card.score !== undefined;
    const marks = [pinned && "pinned", used && "chosen"].filter(Boolean);
    const label = [scored && `no. ${card.rank}`, card.name, scored && `score ${card.score.toFixed(2)}`, ...marks].filter(Boolean).join(", ");
    this.view.pictures.show(img, card.sha);
    const parts = [
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
    ];
    return { label, parts };
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
    const lost = [this.chosen.has(id) && "a reference", this.pinned.some((card) => card.id === id) && "pinned"].filter(Boolean);
    const said = { pin: on ? "pinned" : "no longer pinned", use: on ? "chosen as a reference" : "no longer chosen", exclude: lost.length ? `excluded, and no longer ${lost.join(" or ")}` : "excluded" }[kind];
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
      holdFocus(this.view);
      this.drawn.get(id)?.element.focus();
      dialog.remove();
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
