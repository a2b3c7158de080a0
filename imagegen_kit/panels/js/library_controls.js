// The controls of the library panel: words, a picture, filters. They ask the kernel; what it holds comes back as "asked".

const TYPED_MS = 350; // after the last letter
const SENT_AT_MOST = 8 * 2 ** 20; // a notebook server cuts messages of more than 10 MiB; larger pictures are shrunk here
const SHRUNK_PX = 1024; // an embedder sees at most 512
const TAGS_SHOWN = 10;

/** Return a label above or beside a control. */
function labelled(text, control, extra = null) {
  control.setAttribute("aria-label", text);
  return el("label", { class: "igk-field" }, el("span", {}, text), control, extra);
}

/** Return a slider with its value in words beside it. */
function slider(text, { min, max, step, words, changed }) {
  const input = el("input", { type: "range", min, max, step });
  const said = el("output", {});
  const set = (value) => {
    input.value = value;
    said.textContent = words(Number(value));
    input.setAttribute("aria-valuetext", said.textContent);
  };
  input.addEventListener("input", () => set(input.value));
  input.addEventListener("change", () => changed(Number(input.value)));
  return { element: labelled(text, input, said), input, said, set };
}

class LibraryControls {
  constructor(view) {
    this.view = view;
    this.ask = { roles: [], tags: [] };
    this.text = el("input", {
      type: "search", class: "igk-query", placeholder: "Search by words: a cup of coffee", "aria-label": "Search the library by words",
      oninput: () => this.#later(), onkeydown: (event) => event.key === "Enter" && this.#now(),
    });
    this.negative = el("input", {
      type: "text", placeholder: "e.g. people", oninput: () => this.#later(), onkeydown: (event) => event.key === "Enter" && this.#now(),
    });
    this.top = slider("hits", { min: 1, max: 60, step: 1, words: (n) => `${n}`, changed: () => this.#now() });
    this.diversity = slider("diversity", {
      min: 0, max: 1, step: 0.1, changed: () => this.#now(), words: (n) => (n === 0 ? "0: the best" : n.toFixed(1)),
    });
    this.balance = slider("words or picture", {
      min: 0, max: 100, step: 5, words: (n) => `words ${n} %, picture ${100 - n} %`, changed: (n) => this.#weigh(n / 100),
    });
    this.own = el("button", { type: "button", "aria-label": "weigh words and picture as usual", onclick: () => this.#weigh(null) }, "as usual");
    this.balance.element.append(this.own);
    this.dedup = el("input", { type: "checkbox", onchange: () => this.#now() });
    this.roles = el("div", { class: "igk-chips", role: "group", "aria-label": "roles" });
    this.tags = el("div", { class: "igk-chips", role: "group", "aria-label": "tags" });
    this.#picture();
    this.options = el(
      "details", { class: "igk-options" }, el("summary", {}, "Options"),
      el("div", { class: "igk-fields" }, labelled("without", this.negative), this.top.element, this.diversity.element,
        labelled("leave near-duplicates out", this.dedup), this.balance.element),
    );
    this.element = el(
      "div", { class: "igk-controls" },
      el("div", { class: "igk-asking" }, this.text, this.drop, el("button", { type: "button", class: "igk-main", onclick: () => this.#now() }, "Search")),
      this.refused, this.options, el("div", { class: "igk-facets" }, this.roles, this.tags),
    );
    view.on("asked", ({ ask }) => this.#show(ask));
    view.on("asked_picture", (told) => this.#showPicture(told));
    view.on("found", ({ facets }) => this.#facets(facets));
  }

  focus() {
    this.text.focus();
    this.text.select();
  }

  // ------------------------------------------------------------------ words and numbers
  #later() {
    clearTimeout(this.typed);
    this.typed = setTimeout(() => this.#now(), TYPED_MS);
  }

  #now(changes = {}) {
    clearTimeout(this.typed);
    Object.assign(this.ask, {
      text: this.text.value, negative: this.negative.value, top_k: Number(this.top.input.value),
      diversity: Number(this.diversity.input.value), dedup: this.dedup.checked, ...changes,
    });
    this.view.ask("search", this.ask);
  }

  #weigh(share) {
    this.ask.balance = share;
    this.#showBalance();
    this.#now();
  }

  #show(ask) {
    this.ask = ask;
    for (const [input, value] of [[this.text, ask.text], [this.negative, ask.negative]]) {
      if (input.getRootNode().activeElement !== input) input.value = value; // nobody's typing is overwritten
    }
    this.top.set(ask.top_k);
    this.diversity.set(ask.diversity);
    this.dedup.checked = ask.dedup;
    if (ask.negative || ask.diversity || !ask.dedup) this.options.open = true;
    this.#showBalance();
  }

  #showBalance() {
    const share = this.ask.balance;
    this.balance.set(share === null || share === undefined ? 50 : Math.round(share * 100));
    if (share === null || share === undefined) this.balance.said.textContent = "as usual";
    if (this.own === document.activeElement) this.balance.input.focus();
    this.own.hidden = share === null || share === undefined;
  }

  // ------------------------------------------------------------------ the picture
  #picture() {
    this.file = el("input", { type: "file", accept: "image/png,image/jpeg,image/webp", hidden: true, "aria-label": "Choose a picture file" });
    this.file.addEventListener("change", () => {
      this.#give(this.file.files[0]);
      this.file.value = "";
    });
    this.refused = el("div", { class: "igk-refused", role: "alert", hidden: true });
    this.drop = el("div", { class: "igk-drop" });
    this.#showPicture({ sha: "" });
    const root = this.view.root;
    const over = (event) => {
      if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
      event.preventDefault();
      event.stopPropagation();
      this.drop.classList.toggle("igk-over", event.type === "dragover");
    };
    for (const kind of ["dragover", "dragleave"]) root.addEventListener(kind, over);
    root.addEventListener("drop", (event) => {
      over(event);
      this.#give(event.dataTransfer?.files[0]);
    });
    root.addEventListener("paste", (event) => {
      const file = [...(event.clipboardData?.files ?? [])][0];
      if (!file) return; // words are pasted as they always are
      event.preventDefault();
      event.stopPropagation();
      this.#give(file);
    });
  }

  async #give(file) {
    if (!file) return;
    this.#refuse("");
    try {
      const blob = file.size > SENT_AT_MOST ? await this.#shrunk(file) : file;
      this.view.ask("query_picture", { name: file.name || "pasted picture" }, [await blob.arrayBuffer()]);
      this.view.say(`searching by ${file.name || "the pasted picture"}`);
    } catch (error) {
      this.#refuse(`${file.name || "The pasted picture"} cannot be read: ${error.message}`);
    }
  }

  async #shrunk(file) {
    const bitmap = await createImageBitmap(file).catch(() => {
      throw new Error(`it is larger than ${SENT_AT_MOST / 2 ** 20} MB, and this browser cannot make it smaller`);
    });
    const scale = Math.min(1, SHRUNK_PX / Math.max(bitmap.width, bitmap.height));
    const canvas = el("canvas", { width: Math.max(1, Math.round(bitmap.width * scale)), height: Math.max(1, Math.round(bitmap.height * scale)) });
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }

  #refuse(words) {
    this.refused.textContent = words;
    this.refused.hidden = !words;
  }

  #showPicture({ sha, name, refused }) {
    this.#refuse(refused ?? "");
    if (refused) return;
    this.balance.element.hidden = !sha;
    if (!sha) {
      const choose = el("button", { type: "button", onclick: () => this.file.click() }, "Choose a picture");
      redrawn(this.view, this.drop, [choose, el("span", { class: "igk-quiet" }, "or drop or paste one"), this.file]);
      return;
    }
    const img = el("img", { alt: `searched by: ${name}`, height: 40 });
    this.view.pictures.show(img, sha);
    const remove = el("button", { type: "button", "aria-label": `Search without the picture ${name}`, title: "Search without it", onclick: () => this.view.ask("query_picture") }, "✕");
    redrawn(this.view, this.drop, [img, el("span", { class: "igk-called" }, name), remove, this.file]);
  }

  // ------------------------------------------------------------------ filters
  #facets({ roles, tags }) {
    redrawn(this.view, this.roles, roles.length > 1 || this.ask.roles.length ? roles.map((one) => this.#chip("roles", one)) : []);
    const chosen = tags.filter(({ name }) => this.ask.tags.includes(name));
    const others = tags.filter(({ name }) => !this.ask.tags.includes(name));
    const chips = [...chosen, ...others.slice(0, TAGS_SHOWN)].map((one) => this.#chip("tags", one));
    redrawn(this.view, this.tags, others.length > TAGS_SHOWN ? [...chips, this.#further(others.slice(TAGS_SHOWN))] : chips);
  }

  #chip(kind, { name, count }) {
    const on = this.ask[kind].includes(name);
    const toggle = () => this.#now({ [kind]: on ? this.ask[kind].filter((one) => one !== name) : [...this.ask[kind], name] });
    return el("button", { type: "button", class: "igk-chip", "data-key": name, "aria-pressed": String(on), onclick: toggle }, name, " ", el("small", {}, `${count}`));
  }

  #further(tags) {
    const select = el("select", { class: "igk-chip", "aria-label": "Further tags" }, el("option", { value: "" }, `${tags.length} more tags`),
      tags.map(({ name, count }) => el("option", { value: name }, `${name} (${count})`)));
    select.addEventListener("change", () => select.value && this.#now({ tags: [...this.ask.tags, select.value] }));
    return select;
  }
}
