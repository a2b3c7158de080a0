// What all panels share. Foreign text only ever becomes a text node or an attribute's value, never markup.

/** Make an element: `el("button", {class: "x", onclick: f, "aria-label": "y"}, "text", other)`; null children are left out. */
function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Hide the static copy (and the empty space of its output) while a view lives; the rule outlives a redrawn output. */
function coverStatic(id) {
  const cover = document.createElement("style");
  const name = CSS.escape(id);
  cover.textContent = `#${name}{display:none!important}.jp-OutputArea-child:has(#${name}){display:none!important}`;
  document.head.append(cover);
  return cover;
}

/** Thumbnails asked for when they come into sight, and larger copies when they are opened; all freed with the view. */
class Pictures {
  constructor(view) {
    this.view = view;
    this.thumbnails = new Map(); // sha256 → object URL
    this.missing = new Map(); // sha256 → why
    this.images = new Map(); // sha256 → the img elements that wait for it
    this.opened = new Map(); // sha256 + quality → {url, width, height, format}, oldest first
    this.asked = new Map(); // the same key → functions that wait
    this.wanted = new Set();
    this.drawn = new Map(); // sha256 → the address of a picture in the static copy, as good as a thumbnail
    this.small = new Map(); // the same, of smaller ones: better than nothing until the thumbnail has come
    this.sight = new IntersectionObserver((seen) => this.#seen(seen), { rootMargin: "200px" });
    view.on("thumbnails", (message, buffers) => this.#came(message, buffers));
    view.on("picture", (message, buffers) => this.#openedCame(message, buffers));
  }

  /** Use what the static copy shows: those pictures are on the page already, nothing has to be asked for them. */
  borrow(id) {
    for (const img of document.getElementById(id)?.querySelectorAll("img[data-sha], img[data-small]") ?? []) {
      if (img.dataset.sha) this.drawn.set(img.dataset.sha, img.src);
      else this.small.set(img.dataset.small, img.src);
    }
  }

  /** Put the thumbnail of `sha` into `img` as soon as it is in sight. The caller gives the img its alt and size. */
  show(img, sha) {
    img.dataset.sha = sha;
    img.decoding = "async";
    if (this.here(sha)) return void (img.src = this.here(sha));
    if (this.small.has(sha)) img.src = this.small.get(sha);
    else img.classList.add("igk-waiting");
    if (!this.images.has(sha)) this.images.set(sha, new Set());
    this.images.get(sha).add(img);
    this.sight.observe(img);
  }

  /** Return the address of a thumbnail that the page has; undefined where it has to be asked for. */
  here(sha) {
    return this.thumbnails.get(sha) ?? this.drawn.get(sha);
  }

  /** Forget an img that leaves the page. */
  drop(img) {
    this.sight.unobserve(img);
    this.images.get(img.dataset.sha)?.delete(img);
  }

  /** Free the oldest thumbnails beyond `most`, none of `shown`; they are asked for again when they come into sight. */
  keep(most, shown) {
    for (const [sha, url] of this.thumbnails) {
      if (this.thumbnails.size <= most) break;
      if (shown.has(sha)) continue;
      URL.revokeObjectURL(url);
      this.thumbnails.delete(sha);
    }
  }

  /** Return {url, width, height, format} of a large copy (≤ 2048 px), or of the file itself. */
  open(sha, original = false) {
    const key = `${sha} ${original}`;
    if (this.opened.has(key)) return Promise.resolve(this.opened.get(key));
    return new Promise((resolve) => {
      if (!this.asked.has(key)) {
        this.asked.set(key, []);
        this.view.ask("open", { sha, original });
      }
      this.asked.get(key).push(resolve);
    });
  }

  free() {
    this.sight.disconnect();
    for (const url of this.thumbnails.values()) URL.revokeObjectURL(url);
    for (const { url } of this.opened.values()) URL.revokeObjectURL(url);
    this.thumbnails.clear();
    this.opened.clear();
    this.drawn.clear();
    this.small.clear();
  }

  #seen(entries) {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      this.sight.unobserve(target);
      const sha = target.dataset.sha;
      if (this.thumbnails.has(sha)) this.#fill(target, sha);
      else {
        if (this.wanted.size === 0) setTimeout(() => this.#request(), 16); // one message for what comes together
        this.wanted.add(sha);
      }
    }
  }

  #request() {
    const shas = [...this.wanted];
    this.wanted.clear();
    this.view.ask("thumbnails", { shas });
  }

  #came({ shas, missing }, buffers) {
    shas.forEach((sha, i) => {
      if (!this.thumbnails.has(sha)) this.thumbnails.set(sha, URL.createObjectURL(new Blob([buffers[i]], { type: "image/webp" })));
      for (const img of this.images.get(sha) ?? []) this.#fill(img, sha);
      this.images.delete(sha);
    });
    for (const [sha, why] of Object.entries(missing ?? {})) {
      this.missing.set(sha, why);
      for (const img of this.images.get(sha) ?? []) {
        img.replaceWith(el("div", { class: "igk-missing", role: "img", "aria-label": img.alt }, `the picture cannot be shown: ${why}`));
      }
      this.images.delete(sha);
    }
  }

  #fill(img, sha) {
    img.src = this.thumbnails.get(sha);
    img.classList.remove("igk-waiting");
  }

  #openedCame({ sha, original, width, height, format }, buffers) {
    const key = `${sha} ${original}`;
    const url = URL.createObjectURL(new Blob([buffers[0]], { type: `image/${format}` }));
    this.opened.set(key, { url, width, height, format });
    for (const [old, { url: oldUrl }] of this.opened) {
      if (this.opened.size <= 12) break; // 12 opened pictures of 2048 px are about 200 MB decoded
      URL.revokeObjectURL(oldUrl);
      this.opened.delete(old);
    }
    for (const resolve of this.asked.get(key) ?? []) resolve(this.opened.get(key));
    this.asked.delete(key);
  }
}

const CONTENTS_MS = 2000; // what a panel shows comes soon after the kernel's first word, if at all
const ANSWER_MS = 8000; // a quick kernel answers within 0.1 s, a busy machine within a few seconds

/** One view of a panel: messages, pictures, announcements, keys. */
class PanelView {
  constructor(model, root) {
    this.model = model;
    this.root = root;
    this.left = new AbortController(); // `signal` for listeners outside the root
    this.signal = this.left.signal;
    this.kinds = new Map();
    this.has = {}; // what the kernel need not send when it hears that this view is ready
    this.pictures = new Pictures(this);
    this.error = el("div", { class: "igk-error", role: "alert" });
    this.live = el("div", { class: "igk-live", role: "status", "aria-live": "polite" });
    this.on("error", ({ text }) => this.error.append(el("div", {}, text)));
    this.kernel = el("div", { class: "igk-error igk-kernel", role: "alert" });
    const patience = setTimeout(() => {
      this.kernel.textContent = "The kernel has not answered yet: a cell may be running. Where it was restarted, run this cell again.";
    }, ANSWER_MS);
    const receive = (message, buffers) => {
      clearTimeout(patience);
      this.kernel.textContent = "";
      if (message.kind === "here") setTimeout(() => this.arrive(), CONTENTS_MS);
      else this.arrive(); // first, so that what is drawn knows its size; the page is painted after both
      this.kinds.get(message.kind)?.forEach((f) => f(message, buffers ?? []));
    };
    model.on("msg:custom", receive);
    this.signal.addEventListener("abort", () => {
      clearTimeout(patience);
      model.off("msg:custom", receive);
    });
  }

  /** Leave the static copy in sight until there is something to see in its place. */
  awaitContents(id) {
    this.pictures.borrow(id);
    this.copy = id;
    this.root.classList.add("igk-coming");
  }

  /** Take the place of the static copy, once. */
  arrive() {
    if (!this.copy || this.signal.aborted) return;
    const cover = coverStatic(this.copy);
    this.copy = null;
    this.root.classList.remove("igk-coming");
    this.signal.addEventListener("abort", () => cover.remove());
  }

  /** The state that the kernel keeps for new views. */
  get state() {
    return this.model.get("state") ?? {};
  }

  onState(changed) {
    this.model.on("change:state", changed);
    this.signal.addEventListener("abort", () => this.model.off("change:state", changed));
  }

  /** Call `f(message, buffers)` for each message of a kind. */
  on(kind, f) {
    if (!this.kinds.has(kind)) this.kinds.set(kind, []);
    this.kinds.get(kind).push(f);
  }

  ask(kind, what = {}, buffers = []) {
    try {
      this.model.send({ kind, ...what }, undefined, buffers);
    } catch { // the connection was closed: JupyterLab throws into the console, where nobody looks
      this.root.classList.add("igk-gone");
      this.kernel.textContent = "The kernel that made this panel is gone: run its cell again.";
    }
  }

  /** Tell people who cannot see it what has happened. */
  say(text) {
    if (this.live.textContent !== text) this.live.textContent = text;
  }

  /** Bind keys by their name ("ArrowLeft", "u", "Enter"); a function that returns false lets the key pass. */
  keys(element, bound) {
    element.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (event.target !== element && event.target.matches("input, select, textarea") && event.key !== "Escape") return;
      const action = bound[event.key];
      if (!action || action(event) === false) return;
      event.preventDefault();
      event.stopPropagation(); // JupyterLab has shortcuts of its own for bare letters
    });
  }
}

/**
 * Keep bare keys, Ctrl+A and Ctrl+Enter for the panel that has the focus; Ctrl+S and its like stay the notebook's.
 * JupyterLab looks for the mark upward from what has the focus and stops where one of its selectors fits, which is often
 * there already: ArrowRight on a tile expanded a heading, and b on a button inserted a cell. So both get it.
 */
function keepKeys(root, signal) {
  const mark = "data-lm-suppress-shortcuts";
  root.setAttribute(mark, "true");
  root.addEventListener("focusin", ({ target }) => target.setAttribute(mark, "true"));
  const decide = (event) => {
    if (!(event.target instanceof Element) || !root.contains(event.target)) return;
    const ours = !(event.ctrlKey || event.metaKey || event.altKey) || ["a", "Enter"].includes(event.key);
    for (const element of [root, event.target]) element.toggleAttribute(mark, ours);
  };
  window.addEventListener("keydown", decide, { capture: true, signal }); // before JupyterLab, which listens at the document
}

/** Return the module's default export for a panel: `export default panel((view) => { … })`. */
function panel(draw) {
  return {
    render({ model, el: root }) {
      root.classList.add("igk");
      const view = new PanelView(model, root);
      if (model.get("panel")) view.awaitContents(model.get("panel"));
      keepKeys(root, view.signal);
      const leave = draw(view);
      root.append(view.kernel, view.error, view.live);
      view.ask("ready", view.has);
      return () => {
        leave?.();
        view.left.abort();
        view.pictures.free();
      };
    },
  };
}
