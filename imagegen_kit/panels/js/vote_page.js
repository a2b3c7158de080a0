// The blind vote on a page of its own: what the kernel does in a notebook, this does with the browser's own memory.

const sheet = JSON.parse(document.getElementById("igk-sheet").textContent);
const root = document.getElementById("igk-root");

/** FNV-1a, 64 bits, over UTF-8: finds a file that was changed by accident. Not a signature; see the kit's side. */
function check(text) {
  let value = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) value = BigInt.asUintN(64, (value ^ BigInt(byte)) * 0x100000001b3n);
  return value.toString(16).padStart(16, "0");
}

/** The votes of one rater: [pair, choice, milliseconds, time] each, kept in this browser after every change. */
class Kept {
  constructor(rater) {
    this.rater = rater;
    this.place = `imagegen votes ${sheet.page} ${rater}`;
    this.lasting = true;
    this.votes = [];
    try {
      this.votes = JSON.parse(localStorage.getItem(this.place) ?? "[]");
    } catch {
      this.lasting = false;
    }
  }

  keep() {
    try {
      localStorage.setItem(this.place, JSON.stringify(this.votes));
    } catch {
      this.lasting = false; // full, or forbidden: then only the saved file stays
    }
  }

  file() {
    const { page, key, digest } = sheet;
    const sum = check(JSON.stringify([key, this.rater, this.votes]));
    return JSON.stringify({ what: "votes of imagegen_kit", version: 1, page, pairs: digest, rater: this.rater, votes: this.votes, check: sum });
  }
}

/** What a widget's model is to a view: it answers the messages that a kernel would answer. */
class Sheet {
  constructor(kept) {
    this.kept = kept;
    this.listeners = new Set();
  }

  get() {
    return undefined;
  }

  on(kind, f) {
    if (kind === "msg:custom") this.listeners.add(f);
  }

  off(_kind, f) {
    this.listeners.delete(f);
  }

  tell(message, buffers = []) {
    this.listeners.forEach((f) => f(message, buffers));
  }

  send({ kind, pair, choice, milliseconds }) {
    const { votes } = this.kept;
    if (kind === "choose" && this.open()[0]?.[0] === pair) {
      votes.push([pair, choice, milliseconds, new Date().toISOString()]);
      this.kept.keep();
      this.now(choice);
    } else if (kind === "undo") {
      votes.pop();
      this.kept.keep();
      this.now();
    } else this.now();
  }

  open() {
    const voted = new Set(this.kept.votes.map(([pair]) => pair));
    return sheet.sides.filter(([pair]) => !voted.has(pair));
  }

  now(voted) {
    const open = this.open();
    if (open.length) this.hand(open[0]);
    const total = sheet.sides.length;
    const done = total - open.length;
    this.tell({ kind: "at", pair: open[0]?.[0] ?? null, done, total, undo: this.kept.votes.length > 0, voted, rater: this.kept.rater });
    if (open.length > 1) this.hand(open[1]);
  }

  hand([pair, left, right, prompt]) {
    const bytes = [left, right].map((n) => Uint8Array.from(atob(sheet.pictures[n]), (c) => c.charCodeAt(0)));
    this.tell({ kind: "pair", pair, prompt: sheet.prompts[prompt] }, bytes);
  }
}

function save(kept) {
  const link = el("a", {
    href: URL.createObjectURL(new Blob([kept.file()], { type: "application/json" })),
    download: `votes-${kept.rater.replace(/[^\p{L}\p{N}_-]+/gu, "-").slice(0, 40)}.json`,
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function begin(rater) {
  const kept = new Kept(rater);
  const foot = ({ done, total }) => {
    const left = done === total ? "Please save your votes and send the file back." : `Voting as ${rater}. You can save now and go on later.`;
    const where = kept.lasting ? left : "This browser keeps nothing: save your votes before you close the page.";
    const count = kept.votes.length;
    const words = `Save ${count} ${count === 1 ? "vote" : "votes"}`;
    const button = el("button", { type: "button", class: done === total ? "igk-vote-main" : "", onclick: () => save(kept) }, words);
    return el("div", { class: "igk-vote-foot" }, el("p", {}, where), count > 0 && button);
  };
  root.replaceChildren();
  panel((view) => voteFace(view, { foot })).render({ model: new Sheet(kept), el: root });
  root.querySelector(".igk-vote").focus();
}

function ask() {
  const name = el("input", { id: "igk-name", required: true, maxlength: 80, autocomplete: "name" });
  const form = el(
    "form", { class: "igk-vote igk-vote-name" },
    el("h1", {}, "Which picture is better?"),
    el("p", {}, `You will see ${sheet.sides.length} pairs of pictures. Choose with ← and →, or with the buttons; ↓ is a tie.`),
    el("label", { for: "igk-name" }, "Your name"), name, el("button", { class: "igk-vote-main" }, "Begin"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (name.value.trim()) begin(name.value.trim());
  });
  root.classList.add("igk");
  root.replaceChildren(form);
  name.focus();
}

if (sheet.rater) begin(sheet.rater);
else ask();
