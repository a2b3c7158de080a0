// Orders sketches and shows each as it comes. Words of others only ever become text, never markup.
const at = (id) => document.getElementById(id);
const [form, status, board] = [at("order"), at("status"), at("sketches")];
let leaving = null;
let urls = [];

const say = (words, alarm = false) => {
  status.textContent = words;
  status.classList.toggle("alarm", alarm);
};
const headers = () => (at("token").value ? { Authorization: `Bearer ${at("token").value}` } : {});
const make = (tag, parts = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), parts);
  element.append(...children);
  return element;
};
const refusal = async (answer) => {
  const told = await answer.json().catch(() => null);
  if (answer.status === 401) at("token-label").hidden = false;
  const faults = told?.detail ?? [{ where: "", what: `the service answered ${answer.status}.` }];
  return faults.map((f) => [f.where && `${f.where}:`, f.what, f.hint].filter(Boolean).join(" ")).join(" ");
};

async function choose() {
  const answer = await fetch("choices", { headers: headers() });
  if (!answer.ok) return say(await refusal(answer), answer.status !== 401);
  const { styles, models, libraries } = await answer.json();
  const fill = (id, names, first, chosen) =>
    at(id).replaceChildren(
      ...first.map((words) => make("option", { value: "", textContent: words })),
      ...names.map((name) => make("option", { value: name, textContent: name, selected: name === chosen })),
    );
  fill("style", styles, [], "vintage-mascot");
  fill("model", models, ["the service's own"]);
  fill("library", libraries, ["none"]);
  if (status.textContent) say("");
}

function card(index) {
  let figure = at(`sketch-${index}`);
  if (!figure) {
    figure = make("figure", { id: `sketch-${index}` }, make("div", { className: "none", textContent: "…" }), make("figcaption"));
    board.append(figure);
  }
  return figure;
}

async function show(made, place) {
  const figure = card(place);
  const caption = figure.querySelector("figcaption");
  const facts = [made.model, made.seconds != null && `${made.seconds.toFixed(1)} s`, made.status !== "ok" && made.status];
  const cost = made.cost_usd == null ? "cost unknown" : `$${made.cost_usd.toFixed(4)}`;
  caption.replaceChildren(made.variant ?? "", make("small", { textContent: [...facts, cost].filter(Boolean).join(" · ") }));
  if (!made.path) {
    figure.firstChild.textContent = made.error ?? "no picture";
    figure.firstChild.classList.add("alarm");
    return;
  }
  const answer = await fetch(made.path.slice(1), { headers: headers() });
  if (!answer.ok) return say(await refusal(answer), true);
  const url = URL.createObjectURL(await answer.blob());
  urls.push(url);
  figure.replaceChild(make("img", { src: url, alt: `sketch ${place + 1}: ${made.variant ?? ""}` }), figure.firstChild);
}

function judge(answer) {
  let place = 0;
  for (const made of answer.pictures) {
    if (made.mended_of) continue;
    const broken = made.failed_rules;
    if (broken)
      card(place)
        .querySelector("figcaption")
        .append(make("small", { textContent: broken.length ? `breaks: ${broken.join(", ").replaceAll("_", " ")}` : "keeps every rule" }));
    place += 1;
  }
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const told = Object.fromEntries(block.split("\n").map((line) => [line.split(": ", 1)[0], line.slice(line.indexOf(": ") + 2)]));
      if (told.event) yield [told.event, JSON.parse(told.data)];
    }
  }
}

async function draw(event) {
  event.preventDefault();
  urls.forEach(URL.revokeObjectURL);
  urls = [];
  const n = Number(at("n").value);
  board.replaceChildren();
  for (let i = 0; i < n; i += 1) card(i);
  leaving = new AbortController();
  at("go").disabled = true;
  at("stop").hidden = false;
  say("drawing…");
  const order = { brief: at("brief").value, n, auto_fix: at("fix").checked };
  for (const name of ["style", "model", "library"]) if (at(name).value) order[name] = at(name).value;
  const places = new Map(); // hash of a sketch → its place, for the mended one that replaces it
  let [came, ended] = [0, false];
  try {
    const answer = await fetch("generate-stream", {
      method: "POST", headers: { "Content-Type": "application/json", ...headers() }, body: JSON.stringify(order), signal: leaving.signal,
    });
    if (!answer.ok) throw new Error(await refusal(answer));
    for await (const [name, told] of events(answer.body)) {
      if (name === "picture") {
        const place = told.mended_of ? places.get(told.mended_of) : told.index;
        places.set(told.sha256, place);
        await show(told, place);
        if (!told.mended_of && told.path) say(`${(came += 1)} of ${n}`);
      } else if (name === "finished") {
        judge(told);
        ended = true;
        say(`${came} of ${n}, ${told.cost_usd == null ? "cost unknown" : `$${told.cost_usd.toFixed(4)}`} · run ${told.run_id}`);
      } else if (name === "failed") throw new Error(told.error);
    }
    if (!ended) throw new Error("the service broke off; what was paid for is kept there");
  } catch (error) {
    say(error.name === "AbortError" ? "stopped; what was paid for is kept by the service" : error.message, error.name !== "AbortError");
  }
  at("go").disabled = false;
  at("stop").hidden = true;
}

form.addEventListener("submit", draw);
at("stop").addEventListener("click", () => leaving?.abort());
at("token").addEventListener("change", choose);
choose();
