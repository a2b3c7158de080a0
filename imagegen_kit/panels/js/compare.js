// The compare panel: rows × columns of a run; cells fill in while it goes on, pictures are opened in the viewer.

const SAY_EVERY_MS = 5000; // a line that changes five times a second is not read out each time

class CompareGrid {
  constructor(view) {
    this.view = view;
    this.lines = []; // as the kernel tells them
    this.heads = [];
    this.bodies = []; // the td elements, by row and column
    this.at = [0, 0, 0]; // row, column and item that the keyboard is on
    this.marked = new Set();
    this.asked = new Map(); // "about 7" → functions that wait
    this.known = new Map(); // the same → what came
    this.#draw();
    view.on("grid", (message) => this.#whole(message));
    view.on("cells", ({ cells }) => cells.forEach((cell) => this.#change(cell)));
    view.on("standing", (message) => this.#stand(message));
    view.on("about", (message) => this.#came(`about ${message.id}`, message));
    view.on("differences", (message) => this.#came(`differences ${message.a} ${message.b}`, message.rows));
    this.sized = new ResizeObserver(() => (this.#fitThumbs(), this.#hint()));
    this.sized.observe(this.root);
    this.clock = setInterval(() => this.#tick(), 1000);
  }

  leave() {
    clearInterval(this.clock);
    this.sized.disconnect();
    this.viewer?.close();
  }

  // ---------------------------------------------------------------- drawing
  #draw() {
    const button = (label, kind, attributes = {}) => el("button", { type: "button", onclick: () => this.view.ask(kind), hidden: true, ...attributes }, label);
    this.title = el("b", { class: "igk-name" });
    this.line = el("span", { class: "igk-standing" });
    this.fixed = el("div", { class: "igk-quiet igk-fixed" });
    this.rows = el("select", { onchange: () => this.#layOut(this.rows.value, null) });
    this.columns = el("select", { onchange: () => this.#layOut(null, this.columns.value) });
    this.stop = button("Stop", "stop", { title: "Cancel what was not sent yet; what was made is kept" });
    this.resume = button("Resume", "resume", { title: "Run the cells that have not ended" });
    this.retry = button("Retry failed", "retry", { title: "Run the cells again in which something failed" });
    this.pair = el("button", { type: "button", hidden: true, onclick: () => this.#openMarked() }, "Compare marked");
    this.bar = el("div", { class: "igk-done", role: "progressbar", "aria-label": "cells that have ended", "aria-valuemin": "0", hidden: true }, el("div"));
    this.table = el("table", { role: "grid", "aria-multiselectable": "true" });
    this.box = el("div", { class: "igk-box" }, this.table);
    this.box.addEventListener("scroll", () => this.#hint(), { passive: true });
    this.more = button("Show more", "more");
    this.foot = el("div", { class: "igk-quiet igk-foot" });
    this.root = el("div", { class: "igk-compare" },
      el("div", { class: "igk-top" },
        el("div", { class: "igk-what" }, el("div", {}, this.title, this.line), this.fixed),
        el("div", { class: "igk-controls" },
          this.stop, this.resume, this.retry, this.pair,
          el("label", {}, "Rows ", this.rows), el("label", {}, "Columns ", this.columns))),
      this.bar, this.box,
      el("div", { class: "igk-below" }, this.more, this.foot));
    const go = (dr, dk) => () => this.#go(dr, dk);
    const page = () => Math.max(1, Math.floor(this.box.clientHeight / (this.table.tBodies[0]?.rows[0]?.offsetHeight || 200)));
    this.view.keys(this.table, {
      ArrowLeft: go(0, -1), ArrowRight: go(0, 1), ArrowUp: go(-1, 0), ArrowDown: go(1, 0),
      Home: () => this.#focus(this.at[0], 0, 0), End: () => this.#focus(this.at[0], Infinity, Infinity),
      PageUp: () => this.#go(-page(), 0), PageDown: () => this.#go(page(), 0),
      " ": () => this.#mark(this.#item()), Enter: () => this.#open(...this.at),
    });
    this.view.root.append(this.root);
  }

  #whole(message) {
    const inside = this.table.contains(document.activeElement);
    const { scrollTop, scrollLeft } = this.box;
    for (const img of this.table.querySelectorAll("img")) this.view.pictures.drop(img);
    Object.assign(this, { lines: message.lines, heads: message.heads, names: message.names });
    this.marked = new Set(message.marked);
    this.title.textContent = message.name;
    this.fixed.textContent = message.fixed;
    this.#choices(message);
    const sheet = !message.columns;
    this.root.classList.toggle("igk-sheet", sheet);
    this.#fitThumbs();
    const corner = (name) => el("th", { scope: "col", role: "columnheader", class: "igk-corner" }, name);
    const head = sheet ? null : el("thead", {}, el("tr", { role: "row" }, corner(message.names[0] ?? ""),
      message.heads.map(({ main, note }) => el("th", { scope: "col", role: "columnheader" }, main, note ? el("div", { class: "igk-quiet igk-aside-note" }, note) : null))));
    this.bodies = message.lines.map((line, r) => line.cells.map((cell, c) => this.#cell(el("td", { role: "gridcell" }), cell, r, c)));
    const body = el("tbody", {}, message.lines.map((line, r) => el("tr", { role: "row" },
      line.head ? el("th", { scope: "row", role: "rowheader" }, el("div", { class: "igk-main-head" }, line.head.main), line.head.subs.map((sub) => el("div", { class: "igk-quiet" }, sub))) : null,
      this.bodies[r])));
    this.table.replaceChildren(...[head, body].filter(Boolean));
    this.table.setAttribute("aria-label", `${message.name}: ${sheet ? "results" : `${message.names[0] ?? "results"} by ${message.columns}`}`);
    this.more.hidden = message.more_lines <= 0;
    this.more.textContent = `Show more (${message.more_lines} ${message.more_lines === 1 ? "row" : "rows"} left)`;
    this.moreHeads = message.more_heads ? `${message.more_heads} more columns are not shown; the table has them` : "";
    this.#told();
    Object.assign(this.box, { scrollTop, scrollLeft });
    this.#hint();
    this.#focus(...this.at, { focus: inside });
  }

  /** Let pictures be as large as the columns allow: the whole width is used, and no more than it if that can be. */
  #fitThumbs() {
    const across = this.heads.length || 5;
    const most = Math.min(2, Math.max(1, ...this.lines.slice(0, 50).flatMap(({ cells }) => cells.map(({ items }) => items.length))));
    const width = (this.root.clientWidth || 1000) - (this.heads.length ? 216 : 16);
    const px = Math.floor((width / across - 22 - 8 * (most - 1)) / most);
    this.root.style.setProperty("--igk-thumb", `${Math.min(256, Math.max(most > 1 ? 128 : 160, px))}px`);
  }

  /** Let the right edge fade while columns are hidden beyond it. */
  #hint() {
    const { scrollWidth, clientWidth, scrollLeft } = this.box;
    this.box.classList.toggle("igk-cut-off", scrollWidth - clientWidth - scrollLeft > 4);
  }

  #choices({ factors, rows, columns }) {
    const words = ({ name, values }) => `${name} (${values})`;
    const own = (select, chosen, none) => {
      const known = factors.some(({ name }) => name === chosen) || !chosen ? factors : [...factors, { name: chosen, values: 1 }];
      const options = known.map((factor) => el("option", { value: factor.name, selected: factor.name === chosen }, words(factor)));
      if (none || !known.length) options.push(el("option", { value: "", selected: !chosen }, "none"));
      select.replaceChildren(...options);
      select.disabled = factors.length < 2;
    };
    this.chosen = { rows, columns };
    own(this.rows, rows, false);
    own(this.columns, columns, true);
  }

  #layOut(rows, columns) {
    const now = this.chosen; // what is chosen for one changes places with the other
    if (rows !== null) columns = rows === now.columns ? now.rows : now.columns;
    else rows = columns === now.rows ? now.columns : now.rows;
    this.at = [0, 0, 0];
    this.view.ask("lay out", { rows, columns });
  }

  #cell(td, cell, r, c) {
    for (const img of td.querySelectorAll("img")) this.view.pictures.drop(img);
    const items = cell.items.map((item, k) => this.#drawn(item, r, c, k));
    if (!items.length) items.push(el("div", { class: "igk-item igk-nothing", tabindex: "-1" }, "–"));
    const more = cell.more ? el("div", { class: "igk-quiet" }, `… and ${cell.more} more`) : null;
    const label = cell.label ? el("div", { class: "igk-label" }, cell.label) : null;
    td.replaceChildren(...[label, el("div", { class: "igk-items" }, items), more].filter(Boolean));
    return td;
  }

  #drawn(item, r, c, k) {
    if (item.pending) {
      const gone = item.for === undefined ? null : el("span", { class: "igk-gone", "data-since": Date.now() - 1000 * item.for });
      const made = el("div", { class: `igk-item igk-pending${item.for === undefined ? "" : " igk-under-way"}`, tabindex: "-1", role: "group", "aria-label": item.pending },
        el("div", { class: "igk-skeleton" }, el("span", {}, item.pending), gone));
      this.#tick(made);
      return made;
    }
    const notes = item.notes.map((note) => el("div", { class: `igk-notice${/^(placeholder|fallback|adapted)/.test(note) ? " igk-odd" : ""}` }, note.startsWith("adapted") ? `unfair, ${note}` : note));
    let content;
    if (item.sha) {
      content = el("img", { alt: item.alt, class: item.status === "placeholder" ? "igk-dashed" : "", style: `--igk-ratio: ${(item.width || 1) / (item.height || 1)}`, draggable: "false" });
      this.view.pictures.show(content, item.sha);
    } else content = el("div", { class: item.answer ? "igk-answer" : "igk-failed" }, item.words);
    const tick = item.id === null ? null : el("span", { class: "igk-tick", "aria-hidden": "true", title: "Mark (Space)", onclick: (event) => (event.stopPropagation(), this.#mark(item)) }, "✓");
    return el("div", {
      class: "igk-item", tabindex: "-1", role: "button", "data-id": item.id,
      "aria-pressed": String(this.marked.has(item.id)), "aria-label": [item.alt, item.words, ...item.facts, ...item.notes].filter(Boolean).join(", "),
      onclick: () => (this.#focus(r, c, k), this.#open(r, c, k)),
      onfocus: () => this.#here(r, c, k),
    }, el("div", { class: "igk-picture" }, content, tick), el("div", { class: "igk-badges" }, item.facts.join(" · ")), notes);
  }

  #change({ at: [r, c], ...cell }) {
    if (!this.bodies[r]?.[c]) return;
    const td = this.bodies[r][c];
    const inside = td.contains(document.activeElement);
    this.lines[r].cells[c] = { ...this.lines[r].cells[c], ...cell };
    this.#cell(td, this.lines[r].cells[c], r, c);
    if (inside || (this.at[0] === r && this.at[1] === c)) this.#focus(...this.at, { focus: inside });
  }

  #stand(message) {
    this.line.textContent = message.line;
    this.stop.hidden = !message.running;
    this.resume.hidden = !message.resume;
    this.retry.hidden = !message.retry;
    this.bar.hidden = !message.running;
    this.bar.setAttribute("aria-valuemax", message.cells);
    this.bar.setAttribute("aria-valuenow", message.done);
    this.bar.firstChild.style.width = `${(100 * message.done) / Math.max(1, message.cells)}%`;
    this.why = message.why;
    this.#told();
    const ended = !message.running && this.wasRunning;
    if (ended || (message.running && Date.now() - (this.said ?? 0) > SAY_EVERY_MS)) {
      this.said = Date.now();
      this.view.say(message.line);
    }
    this.wasRunning = message.running;
  }

  #told() {
    const marked = this.marked.size ? `${this.marked.size} marked: panel.value has ${this.marked.size === 1 ? "it" : "them"}` : "";
    this.pair.hidden = this.marked.size !== 2;
    this.foot.textContent = [this.why, this.moreHeads, marked, "arrows move, Space marks, Enter opens"].filter(Boolean).join(" · ");
  }

  #tick(root = this.table) {
    for (const gone of root.querySelectorAll(".igk-gone")) {
      gone.textContent = `${Math.max(0, Math.round((Date.now() - gone.dataset.since) / 1000))} s`;
    }
  }

  // ---------------------------------------------------------------- the keyboard's place
  #elements(r, c) {
    return [...(this.bodies[r]?.[c]?.querySelectorAll(".igk-item") ?? [])];
  }

  #here(r, c, k) {
    this.table.querySelector('.igk-item[tabindex="0"]')?.setAttribute("tabindex", "-1");
    this.at = [r, c, k];
    this.#elements(r, c)[k]?.setAttribute("tabindex", "0");
  }

  #focus(r, c, k, { focus = true } = {}) {
    if (!this.bodies.length) return;
    const row = Math.min(Math.max(r, 0), this.bodies.length - 1);
    const column = Math.min(Math.max(c, 0), this.bodies[row].length - 1);
    const items = this.#elements(row, column);
    const place = Math.min(Math.max(k, 0), items.length - 1);
    this.#here(row, column, place);
    if (focus) {
      items[place].focus({ preventScroll: true });
      items[place].scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }

  #go(dr, dk) {
    let [r, c, k] = this.at;
    if (dr) return this.#focus(r + dr, c, k);
    k += dk;
    if (k < 0) [c, k] = [c - 1, Infinity];
    else if (k >= this.#elements(r, c).length) [c, k] = [c + 1, 0];
    if (c >= 0 && c < this.bodies[r].length) this.#focus(r, c, k);
  }

  #item([r, c, k] = this.at) {
    return this.lines[r]?.cells[c]?.items[k];
  }

  #mark(item) {
    if (!item || item.pending || item.id === null) return this.view.say("there is nothing to mark here yet");
    if (!this.marked.delete(item.id)) this.marked.add(item.id);
    for (const made of this.table.querySelectorAll(`[data-id="${item.id}"]`)) made.setAttribute("aria-pressed", String(this.marked.has(item.id)));
    this.view.ask("mark", { ids: [...this.marked] });
    this.view.say(`${this.marked.has(item.id) ? "marked" : "not marked any more"}, ${this.marked.size} in all`);
    this.#told();
  }

  // ---------------------------------------------------------------- the viewer
  /** Return all pictures with where they stand: [{…item, row, column, at}]. */
  #pictures() {
    return this.lines.flatMap((line, r) => {
      let column = 0;
      return line.cells.flatMap((cell, c) => cell.items.map((item, k) => {
        const several = cell.items.length > 1 ? ` · ${k + 1} of ${cell.items.length}` : "";
        return { ...item, title: `${item.title}${several}`, facts: [...(item.facts ?? []), ...(item.notes ?? [])], row: r, column: column++, at: [r, c, k] };
      }));
    }).filter((item) => item.sha);
  }

  #open(r, c, k) {
    const items = this.#pictures();
    const index = items.findIndex(({ at }) => at.join() === [r, c, k].join());
    if (index < 0) return this.view.say("there is no picture here");
    const pair = this.#places(items);
    if (pair.length === 2 && pair.includes(index)) return this.#view(items, ...pair);
    this.#view(items, index, null);
  }

  #openMarked() {
    const items = this.#pictures();
    const pair = this.#places(items);
    if (pair.length < 2) return this.view.say("the marked pictures are not among those shown");
    this.#view(items, pair[0], pair[1]);
  }

  /** Return where the marked pictures stand among `items`, in the order in which they were marked: A, then B. */
  #places(items) {
    return [...this.marked].map((id) => items.findIndex((item) => item.id === id)).filter((i) => i >= 0);
  }

  #view(items, index, second) {
    this.viewer = openViewer(this.view, items, index, {
      second,
      about: (item) => this.#asked(`about ${item.id}`, "about", { id: item.id }),
      compare: (a, b) => this.#asked(`differences ${a.id} ${b.id}`, "differences", { a: a.id, b: b.id }),
      closed: (i) => this.#focus(...items[i].at),
    });
  }

  #asked(key, kind, what) {
    if (this.known.has(key)) return Promise.resolve(this.known.get(key));
    return new Promise((resolve) => {
      if (!this.asked.has(key)) {
        this.asked.set(key, []);
        this.view.ask(kind, what);
      }
      this.asked.get(key).push(resolve);
    });
  }

  #came(key, answer) {
    this.known.set(key, answer);
    for (const resolve of this.asked.get(key) ?? []) resolve(answer);
    this.asked.delete(key);
  }
}

export default panel((view) => {
  const grid = new CompareGrid(view);
  return () => grid.leave();
});
