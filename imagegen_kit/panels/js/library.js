// The library panel: what it is, controls, cards, and the tray of what was chosen.

/** The head: where the library is, by what it is searched, and what to know before believing it. */
function libraryHead(view) {
  const head = el("div", { class: "igk-head" });
  const banner = el("div", { class: "igk-banner", hidden: true });
  const changed = el("div", { class: "igk-banner", role: "status", hidden: true });
  view.on("found", ({ about }) => {
    if (changed.contains(document.activeElement)) holdFocus(view);
    changed.hidden = true;
    head.replaceChildren(
      el("b", {}, about.name),
      el("span", {}, about.count === 1 ? "1 picture" : `${about.count.toLocaleString("en")} pictures`),
      el("span", { title: `fingerprint ${about.fingerprint}` }, `embedder ${about.embedder} (${about.fingerprint}), ${about.dimension} dimensions, reads ${about.reads}`),
      about.only && el("span", {}, `only ${about.only}`),
      el("span", { class: "igk-quiet igk-path" }, about.path),
    );
    banner.hidden = !about.level;
    banner.classList.toggle("igk-warn", about.level === "warning");
    if (about.level === "warning") banner.replaceChildren(el("b", {}, "Warning: random weights. "), about.told);
    else banner.replaceChildren(el("details", {}, el("summary", {}, "What the offline embedder can and cannot find"), about.told));
  });
  view.on("changed", ({ count }) => {
    const again = el("button", { type: "button", onclick: () => view.ask("again") }, "Show what it holds now");
    changed.replaceChildren(`The library was changed elsewhere: it holds ${count.toLocaleString("en")} pictures now. `, again);
    changed.hidden = false;
  });
  return el("div", {}, head, banner, changed);
}

/** What was chosen, each with its role, and the code that uses it. */
function libraryTray(view) {
  const list = el("div", { class: "igk-chosen" });
  const title = el("b", {});
  const code = el("pre", { class: "igk-code", tabindex: 0, "aria-label": "Code that uses the chosen references" });
  const copy = el("button", { type: "button", onclick: () => copied(code.textContent, view) }, "Copy code");
  const excluded = el("div", { class: "igk-quiet" });
  const tray = el("aside", { class: "igk-tray", "aria-label": "Chosen references" }, title, list, code, copy, excluded);
  view.on("marks", (told) => {
    title.textContent = told.chosen.length ? `Chosen references (${told.chosen.length})` : "Chosen references";
    list.querySelectorAll("img").forEach((img) => view.pictures.drop(img));
    const hint = el("p", { class: "igk-quiet" }, "None yet. “Use” (key u) puts a picture here, ready for references=.");
    redrawn(view, list, told.chosen.length ? told.chosen.map((one) => chosenRow(view, one, told.roles)) : [hint]);
    code.textContent = told.code;
    if (!told.code && [code, copy].includes(document.activeElement)) holdFocus(view);
    code.hidden = copy.hidden = !told.code;
    const all = () => told.excluded.forEach(({ id }) => view.ask("exclude", { id, on: false }));
    redrawn(view, excluded, told.excluded.length
      ? [`${told.excluded.length} excluded: ${told.excluded.map(({ name, dropped }) => dropped ? `${name} (${dropped})` : name).slice(0, 5).join(", ")}${told.excluded.length > 5 ? ", …" : ""} `,
         el("button", { type: "button", onclick: all }, "Show them again")]
      : []);
  });
  return tray;
}

function chosenRow(view, { id, sha, name, role }, roles) {
  const img = el("img", { alt: name, width: 48, height: 48 });
  const select = el("select", { "aria-label": `Role of ${name}` }, roles.map((one) => el("option", { value: one, selected: one === role }, one)));
  select.addEventListener("change", () => view.ask("role", { id, role: select.value }));
  const remove = el("button", { type: "button", "aria-label": `Do not use ${name}`, title: "Do not use it", onclick: () => view.ask("use", { id, on: false }) }, "✕");
  view.pictures.show(img, sha);
  return el("div", { class: "igk-row" }, img, el("span", { class: "igk-called" }, name), select, remove);
}

async function copied(text, view) {
  try {
    await navigator.clipboard.writeText(text);
    view.say("copied");
  } catch {
    view.say("this browser does not let a page copy: select the code and copy it");
    getSelection().selectAllChildren(view.root.querySelector(".igk-code"));
  }
}

export default panel((view) => {
  const controls = new LibraryControls(view);
  const cards = new LibraryCards(view);
  const title = el("div", { class: "igk-title" }, "looking …");
  const notes = el("div", { class: "igk-quiet" });
  const problem = el("div", { class: "igk-problem", role: "alert", hidden: true });
  view.on("busy", ({ text }) => {
    title.classList.toggle("igk-busy", Boolean(text));
    if (text && !title.textContent) title.textContent = text;
  });
  view.on("found", (told) => {
    title.classList.remove("igk-busy");
    title.textContent = told.title;
    notes.replaceChildren(...told.notes.map((note) => el("div", {}, note)));
    problem.textContent = told.problem;
    problem.hidden = !told.problem;
    view.say(told.problem || told.title);
  });
  const help = el("div", { class: "igk-quiet igk-help" }, "Keys: / words · arrows move · Enter opens · u use · p pin · x exclude · s similar · Esc leaves");
  view.root.append(
    el("div", { class: "igk-library" }, libraryHead(view), controls.element,
      el("div", { class: "igk-body" }, el("section", { class: "igk-found", "aria-label": "Found pictures" }, title, notes, problem, cards.element, help), libraryTray(view))),
  );
  view.keys(view.root, {
    "/": () => controls.focus(),
    Escape: () => document.activeElement?.blur(),
  });
});
