// The face of a blind vote, in a notebook and on a page of its own alike: two pictures, keys, progress, results.
// It knows pairs by tokens and pictures by their bytes; what made them is nowhere here until the names are revealed.

const CHOICE_KEYS = {
  left: ["ArrowLeft", "1"], right: ["ArrowRight", "2"], tie: ["ArrowDown", "t"], both_bad: ["b"], skip: ["s"],
};
const SAID = { left: "A", right: "B", tie: "tie", both_bad: "both bad", skip: "skipped" };
const KEPT = 6; // pairs whose pictures are kept: the last ones, for undo, and the next one
const PATIENCE_MS = 6000;

/** Draw the panel into `view.root`; `more` gives nodes for its foot ({foot}) where a page has more to offer. */
function voteFace(view, more = {}) {
  const pairs = new Map(); // token → {urls, prompt, drawn}
  let at = null; // what the kernel said last: {pair, done, total, undo, revealed, results, …}
  let shown = null; // the token whose pictures are on screen
  let since = 0;
  let waiting = null; // a timer while a choice is on its way
  let asking = false; // the reveal button was pressed once
  let single = null; // 0 or 1: only A or B is seen, in one place
  let zoomed = false;
  let spot = [50, 50]; // per cent, where the zoom looks

  const images = ["A", "B"].map((name) => el("img", { alt: `picture ${name}`, draggable: "false" }));
  const figures = images.map((img, i) =>
    el("figure", { class: "igk-vote-side" }, el("div", { class: "igk-vote-frame" }, img), el("figcaption", {}, "AB"[i])),
  );
  const stage = el("div", { class: "igk-vote-stage" }, ...figures);
  const prompt = el("p", { class: "igk-vote-prompt" });
  const count = el("span", { class: "igk-vote-count" });
  const bar = el("progress", { "aria-label": "voted" });
  const slow = el("p", { class: "igk-vote-slow", role: "alert", hidden: true });
  const hint = el("p", { class: "igk-vote-hint igk-quiet" });
  const buttons = {};
  const button = (name, words, key, act, kind = "") => {
    const hint = el("kbd", { "aria-hidden": "true" }, key);
    const made = el("button", { type: "button", class: kind, "aria-keyshortcuts": key, onclick: (e) => act(e) }, words, hint);
    buttons[name] = made;
    return made;
  };
  const byPointer = (act) => (event) => {
    act();
    if (event.detail > 0) main.focus({ preventScroll: true }); // so that the keys work after a click
  };
  const choices = el(
    "div", { class: "igk-vote-choices" },
    button("left", "A is better", "←", byPointer(() => choose("left"))),
    button("tie", "Tie", "↓", byPointer(() => choose("tie"))),
    button("right", "B is better", "→", byPointer(() => choose("right"))),
  );
  const others = el(
    "div", { class: "igk-vote-others" },
    button("both_bad", "Both bad", "b", byPointer(() => choose("both_bad"))),
    button("skip", "Skip", "s", byPointer(() => choose("skip"))),
    button("undo", "Undo", "u", byPointer(undo)),
    button("flicker", "Flicker", "Space", byPointer(flicker)),
    button("zoom", "Zoom", "z", byPointer(zoom)),
  );
  const body = el("div", { class: "igk-vote-body" }, prompt, stage, choices, others);
  const end = el("div", { class: "igk-vote-end" });
  const main = el(
    "section", { class: "igk-vote", tabindex: "0", "aria-label": "Blind vote: which picture is better?" },
    el("header", {}, el("strong", {}, "Which picture is better?"), count), bar, body, end, slow,
    hint,
  );

  function choose(choice) {
    if (!at?.pair || shown !== at.pair || waiting || asking) return;
    busy();
    view.ask("choose", { pair: at.pair, choice, milliseconds: Math.round(performance.now() - since) });
  }
  function undo() {
    if (waiting || !at?.undo) return;
    busy();
    view.ask("undo");
  }
  function busy() {
    main.setAttribute("aria-busy", "true"); // keys are not taken before the next pair is seen
    waiting = setTimeout(() => {
      waiting = null;
      slow.hidden = false;
      slow.textContent = "No answer yet: the kernel is busy or gone. What you chose last may not be stored.";
    }, PATIENCE_MS);
  }
  function flicker() {
    single = single === null ? 0 : 1 - single;
    arrange();
    view.say(`picture ${"AB"[single]}`);
  }
  function zoom() {
    zoomed = !zoomed;
    spot = [50, 50];
    arrange();
  }
  function leave() {
    if (zoomed || single !== null) {
      zoomed = false;
      single = null;
      arrange();
    } else document.activeElement?.blur?.();
  }
  function pan(dx, dy) {
    spot = [spot[0] + dx, spot[1] + dy].map((part) => Math.min(100, Math.max(0, part)));
    arrange();
  }
  function arrange() {
    stage.classList.toggle("igk-vote-one", single !== null);
    stage.classList.toggle("igk-vote-zoomed", zoomed);
    figures.forEach((figure, i) => figure.classList.toggle("igk-vote-away", single !== null && single !== i));
    hint.textContent = zoomed
      ? "The pointer, or Shift with the arrows, moves both pictures. Esc ends the zoom."
      : single !== null
        ? "Space changes between A and B in the same place. Esc shows both."
        : "Keys work while this panel has the focus; Esc leaves it.";
    images.forEach((img) => (img.style.transformOrigin = `${spot[0]}% ${spot[1]}%`));
    buttons.flicker.setAttribute("aria-pressed", String(single !== null));
    buttons.zoom.setAttribute("aria-pressed", String(zoomed));
  }
  for (const figure of figures) {
    figure.firstChild.addEventListener("pointermove", (event) => {
      if (!zoomed) return;
      const place = event.currentTarget.getBoundingClientRect();
      spot = [(100 * (event.clientX - place.left)) / place.width, (100 * (event.clientY - place.top)) / place.height];
      arrange();
    });
  }

  const bound = { Escape: leave, u: undo, z: zoom };
  for (const [choice, keys] of Object.entries(CHOICE_KEYS)) for (const key of keys) bound[key] = () => choose(choice);
  for (const key of Object.keys(bound)) if (key.length === 1) bound[key.toUpperCase()] = bound[key];
  for (const [key, dx, dy] of [["ArrowLeft", -8, 0], ["ArrowRight", 8, 0], ["ArrowUp", 0, -8], ["ArrowDown", 0, 8]]) {
    const vote = bound[key];
    bound[key] = (event) => (event.shiftKey && zoomed ? pan(dx, dy) : vote ? vote() : false);
  }
  bound[" "] = (event) => (event.target.closest("button") ? false : flicker());
  view.keys(main, bound);
  // Notebook 7 takes bare arrows before they come down to the panel, so they are taken before it.
  const arrows = (event) => {
    if (!event.key.startsWith("Arrow") || event.ctrlKey || event.metaKey || event.altKey || !main.contains(event.target)) return;
    if (bound[event.key](event) === false) return;
    event.preventDefault();
    event.stopPropagation();
  };
  window.addEventListener("keydown", arrows, { capture: true, signal: view.signal });

  view.on("pair", ({ pair, prompt: words }, buffers) => {
    if (pairs.has(pair)) return;
    const urls = buffers.map((bytes) => URL.createObjectURL(new Blob([bytes], { type: "image/webp" })));
    const drawn = Promise.all(urls.map((url) => { // decoded ahead: the next pair is there at once
      const img = new Image();
      img.src = url;
      return img.decode().catch(() => null).then(() => [img.naturalWidth || 1, img.naturalHeight || 1]);
    }));
    pairs.set(pair, { urls, prompt: words, drawn });
    for (const [old, { urls: gone }] of pairs) {
      if (pairs.size <= KEPT) break;
      if (old === shown || old === at?.pair) continue;
      gone.forEach((url) => URL.revokeObjectURL(url));
      pairs.delete(old);
    }
    if (at?.pair === pair) show();
  });
  view.on("at", (said) => {
    clearTimeout(waiting);
    waiting = null;
    slow.hidden = true;
    const before = at;
    at = said;
    if (said.voted) view.say(`${SAID[said.voted] ?? ""}. ${said.done} of ${said.total} voted.`);
    if (before?.pair !== said.pair) asking = false;
    show();
  });
  view.on("error", () => { // a choice that could not be stored may be made again
    clearTimeout(waiting);
    waiting = null;
  });

  async function show() {
    count.textContent = `${at.done.toLocaleString()} of ${at.total.toLocaleString()}`;
    bar.max = Math.max(at.total, 1);
    bar.value = at.done;
    buttons.undo.disabled = !at.undo;
    const voting = Boolean(at.pair) && !(at.revealed && !at.further);
    body.hidden = !voting;
    main.setAttribute("aria-busy", String(voting && shown !== at.pair));
    drawEnd();
    if (!voting) {
      shown = null;
      hint.textContent = at.revealed ? "vote.table() has every vote, vote.counts() these numbers." : "";
      return;
    }
    const pair = pairs.get(at.pair);
    if (!pair || shown === at.pair) return;
    const sizes = await pair.drawn;
    if (pairs.get(at?.pair) !== pair) return; // something else is shown by now
    const width = Math.max(...sizes.map(([w]) => w));
    const height = Math.max(...sizes.map(([, h]) => h));
    stage.style.setProperty("--igk-vote-ratio", String(width / height)); // both stand in frames of one size
    images.forEach((img, i) => (img.src = pair.urls[i]));
    prompt.textContent = pair.prompt;
    prompt.hidden = !pair.prompt;
    shown = at.pair;
    single = null;
    zoomed = false;
    arrange();
    since = performance.now();
    main.setAttribute("aria-busy", "false");
  }

  function drawEnd() {
    const parts = [];
    const done = !at.pair;
    if (at.revealed) parts.push(voteResults(at));
    if (at.revealed && at.pair && !at.further) {
      const go = () => { at.further = true; show(); main.focus(); };
      parts.push(el("button", { type: "button", onclick: go }, "Go on voting (marked as not blind)"));
    }
    if (!at.revealed && done) parts.push(el("p", {}, `Done: ${at.total} of ${at.total}. Thank you.`));
    if (!at.revealed && at.reveals && (done || at.done > 0)) parts.push(revealButtons(done));
    if (done && at.undo) parts.push(el("button", { type: "button", onclick: undo }, "Undo the last vote"));
    if (more.foot) parts.push(more.foot(at));
    const focused = end.contains(document.activeElement);
    end.replaceChildren(...parts.filter(Boolean));
    if (focused) (end.querySelector("button") ?? main).focus({ preventScroll: true });
  }
  function revealButtons(done) {
    const again = (to) => { asking = to; drawEnd(); };
    if (!asking) {
      return el("button", { type: "button", class: done ? "igk-vote-main" : "igk-vote-early", onclick: () => again(true) }, "Reveal …");
    }
    const yes = () => { asking = false; busy(); view.ask("reveal"); };
    return el(
      "div", { class: "igk-vote-ask", role: "alertdialog", "aria-label": "Reveal?" },
      el("p", {}, `This ends blind voting for ${at.rater}: votes given later are marked.`),
      el("button", { type: "button", class: "igk-vote-main", onclick: yes }, "Reveal now"),
      el("button", { type: "button", onclick: () => again(false) }, "Not yet"),
    );
  }

  view.root.append(main);
  return () => {
    clearTimeout(waiting);
    for (const { urls } of pairs.values()) urls.forEach((url) => URL.revokeObjectURL(url));
  };
}

/** What was preferred, in plain counts; the lengths of the bars are also told as numbers. */
function voteResults({ results, by, rater }) {
  const share = (part, of) => (of ? `${Math.round((100 * part) / of)} %` : "–");
  const side = (name, wins, votes, kind) =>
    el("div", { class: `igk-vote-won ${kind}` }, el("b", {}, name), el("span", {}, `${wins} of ${votes} · ${share(wins, votes)}`));
  const lines = results.map((row) => {
    const even = row.ties + row.both_bad;
    const parts = [["a", row.a_wins], ["even", even], ["b", row.b_wins]].filter(([, n]) => n > 0);
    const rest = `${row.ties} tied, ${row.both_bad} both bad${row.skipped ? `, ${row.skipped} skipped` : ""}`;
    return el(
      "div", { class: "igk-vote-result" },
      el("div", { class: "igk-vote-names" }, side(row.a, row.a_wins, row.votes, "a"), el("span", { class: "igk-quiet" }, rest), side(row.b, row.b_wins, row.votes, "b")),
      el("div", { class: "igk-vote-bar", "aria-hidden": "true" }, ...parts.map(([kind, n]) => el("i", { class: kind, style: `flex:${n}` }))),
    );
  });
  const none = lines.length ? null : el("p", {}, "No blind votes were given.");
  return el("div", { class: "igk-vote-results" }, el("h4", {}, `What ${rater} preferred, by ${by}`), none, ...lines);
}
