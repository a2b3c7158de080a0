// The references of the draft: dropped, chosen or named by a path; each with a role, and a button that removes it.

const LARGEST = 40 * 2 ** 20; // bytes; more than any service takes

async function send(view, files) {
  const pictures = [...files].filter((file) => file.type.startsWith("image/") && file.size <= LARGEST);
  const left = files.length - pictures.length;
  if (left) view.say(`${left} left out: only pictures of up to 40 MB can be references`);
  if (!pictures.length) return;
  const buffers = await Promise.all(pictures.map((file) => file.arrayBuffer()));
  view.ask("add_pictures", { names: pictures.map((file) => file.name) }, buffers);
}

function card(view, roles, { sha, name, role, size }) {
  const img = el("img", { alt: `${role} reference ${name}`, title: `${name} ${size}`, width: 64, height: 64 });
  view.pictures.show(img, sha);
  const choice = el("select", { "aria-label": `Role of ${name}`, onchange: (event) => view.ask("set_role", { sha, role: event.target.value }) },
    roles.map((one) => el("option", { selected: one === role }, one)));
  const remove = el("button", { type: "button", "aria-label": `Remove ${name}`, onclick: () => view.ask("remove", { sha }) }, "×");
  return el("div", { class: "igk-ref", role: "group", "aria-label": name }, img,
    el("div", { class: "igk-ref-side" }, el("div", { class: "igk-ref-name" }, name), el("div", { class: "igk-ref-row" }, choice, remove)));
}

export default panel((view) => {
  const cards = el("div", { class: "igk-refs" });
  const chooser = el("input", { type: "file", accept: "image/png,image/jpeg,image/webp", multiple: true, class: "igk-file", tabindex: -1,
    "aria-hidden": "true", "aria-label": "Files of references",
    onchange: () => {
      refused.replaceChildren();
      send(view, chooser.files).then(() => { chooser.value = ""; });
    } });
  const path = el("input", { type: "text", "aria-label": "Path of a reference picture", placeholder: "a path; Enter adds it" });
  const add = () => {
    refused.replaceChildren();
    if (path.value.trim()) view.ask("add_path", { path: path.value });
    path.value = "";
  };
  const refused = el("div", { class: "igk-error", role: "alert" });
  view.keys(path, { Enter: add });
  const zone = el("div", { class: "igk-drop", role: "group", "aria-label": "References" },
    cards,
    el("div", { class: "igk-drop-row" },
      el("button", { type: "button", onclick: () => chooser.click() }, "Choose pictures"),
      el("span", { class: "igk-quiet" }, "drop them here"), path),
    refused, chooser);
  const over = (event, on) => {
    event.preventDefault();
    event.stopPropagation(); // JupyterLab would upload the file into the folder
    zone.classList.toggle("igk-over", on);
  };
  for (const kind of ["dragenter", "dragover"]) zone.addEventListener(kind, (event) => over(event, true));
  zone.addEventListener("dragleave", (event) => over(event, false));
  zone.addEventListener("drop", (event) => {
    over(event, false);
    refused.replaceChildren();
    send(view, event.dataTransfer.files);
  });
  view.root.classList.add("igk-labelled");
  view.root.append(el("div", { class: "igk-label", "aria-hidden": "true" }, "References"), zone);
  view.on("refused", (message) => {
    refused.replaceChildren(...message.faults.map((line) => el("div", {}, `⚠ ${line}`)));
    path.value ||= message.path;
  });
  view.on("references", ({ references, roles }) => {
    for (const img of cards.querySelectorAll("img")) view.pictures.drop(img);
    cards.replaceChildren(...references.map((reference) => card(view, roles, reference)));
  });
});
