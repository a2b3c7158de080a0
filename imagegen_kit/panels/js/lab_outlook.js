// What pressing Generate would do, beside the form; and the keys of the whole form, whose other parts are ipywidgets.

/** Ctrl+Enter generates, Esc leaves; JupyterLab's own keys stay out of the form. */
function formKeys(view) {
  const form = (event) => {
    const found = view.root.closest(".igk-lab-top");
    return found?.contains(event.target) ? found : null;
  };
  const listen = (kind, f) => document.addEventListener(kind, f, { capture: true, signal: view.signal });
  listen("focusin", (event) => form(event)?.setAttribute("data-lm-suppress-shortcuts", "true"));
  listen("keydown", (event) => {
    const box = form(event);
    if (!box || event.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.stopPropagation(); // it would run the cell again
      view.ask("generate", { prompt: box.querySelector("textarea")?.value });
    } else if (event.key === "Escape") {
      event.stopPropagation();
      event.target.blur();
      view.root.closest(".jp-Notebook")?.focus();
    }
  });
}

function compiled({ style, parts, negative }, colours, alone) {
  return el("div", { class: "igk-lab-spec" },
    alone ? null : el("div", { class: "igk-quiet" }, style),
    el("div", { class: "igk-lab-text" }, parts.map(([text, origin]) =>
      colours[origin] ? el("mark", { style: `background:${colours[origin]}`, title: origin }, text) : text)),
    negative ? el("div", { class: "igk-lab-negative" }, el("span", { class: "igk-quiet" }, "to avoid: "), negative) : null);
}

/** The compiled prompts: one at a time where there are several, with what the colours mean. */
function prompts(told, chosen, choose) {
  const shown = told.prompts[Math.min(chosen, told.prompts.length - 1)];
  const picker = told.prompts.length > 1
    ? el("select", { "aria-label": "Prompt to show compiled", onchange: (event) => choose(event.target.selectedIndex) },
      told.prompts.map(({ prompt }, i) => el("option", { selected: i === chosen }, `${i + 1}: ${prompt}`)))
    : null;
  const coloured = told.legend.filter(([, colour]) => colour);
  return el("section", { "aria-label": "Compiled prompt" },
    el("div", { class: "igk-lab-head" }, el("b", {}, "Compiled prompt"), picker,
      told.more_prompts ? el("span", { class: "igk-quiet" }, `${told.more_prompts} more`) : null),
    shown.styles.map((spec) => compiled(spec, told.colours, shown.styles.length === 1 && spec.style === "no style")),
    coloured.length
      ? el("div", { class: "igk-lab-legend igk-quiet" },
        coloured.map(([words, colour]) => el("span", {}, el("mark", { style: `background:${colour}` }, "  "), ` ${words}`)))
      : null);
}

function models(told) {
  const row = ({ model, cost, seconds, cells, notes, refused }) => {
    const said = refused.length
      ? refused.map((why) => el("div", { class: "igk-lab-refused" }, `refused: ${why}`))
      : notes.length ? notes.map((note) => el("div", {}, note)) : el("span", { class: "igk-quiet" }, "all as asked");
    return el("tr", {}, el("th", { scope: "row" }, model), el("td", {}, cells), el("td", {}, cost), el("td", {}, seconds || "–"),
      el("td", {}, said));
  };
  return el("section", { "aria-label": "What each model will do" },
    el("table", {},
      el("thead", {}, el("tr", {}, ["model", "cells", "est. cost", "est. time", "what it will not honour"].map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, told.models.map(row))));
}

export default panel((view) => {
  const body = el("div", { class: "igk-lab-outlook" }, el("div", { class: "igk-quiet" }, "looking ahead …"));
  view.root.append(body);
  formKeys(view);
  let chosen = 0;
  let told = null;
  const draw = () => {
    const held = body.contains(document.activeElement) && document.activeElement.matches("select");
    const list = (lines, name) => lines.map((line) => el("div", { class: name }, line));
    body.replaceChildren(
      el("div", { class: "igk-lab-headline" }, told.headline),
      ...list(told.faults.map((line) => `⚠ ${line}`), "igk-lab-fault"),
      ...list(told.budget.map((line) => `⚠ ${line}`), "igk-lab-amber"),
      told.all_cached ? el("div", { class: "igk-quiet" }, "All of it is in the cache: another sample or seed gives new pictures.") : "",
      told.prompts.some(({ styles }) => styles.length) ? prompts(told, chosen, (i) => { chosen = i; draw(); }) : "",
      told.models.length ? models(told) : "",
      ...list(told.unfair.map((line) => `unfair pair: ${line}`), "igk-lab-amber"),
      told.blank ? el("div", { class: "igk-quiet" }, "Here you will see the prompt as each style compiles it, what each model will not honour, and what it costs, before anything is sent.") : "",
      el("div", { class: "igk-quiet igk-lab-keys" }, "Ctrl+Enter generates · Esc leaves the form"));
    if (held) body.querySelector("select")?.focus();
  };
  view.on("foresight", (message) => {
    if (JSON.stringify(message) === JSON.stringify(told)) return;
    if (told && message.prompts.length <= chosen) chosen = 0;
    told = message;
    draw();
    view.say(told.headline);
  });
  view.on("clear", () => view.error.replaceChildren());
  view.on("say", ({ text }) => view.say(text));
});
