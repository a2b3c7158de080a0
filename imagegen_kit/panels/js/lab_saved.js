// The experiment as text to take along: the code cell and the YAML file, each with a button that copies it.

function copyable(view, label) {
  const area = el("textarea", { readonly: true, rows: 12, "aria-label": label, spellcheck: "false" });
  const button = el("button", { type: "button" }, `Copy ${label}`);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(area.value);
      view.say(`${label} copied`);
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = `Copy ${label}`), 1500);
    } catch {
      area.select(); // a page that may not write to the clipboard: Ctrl+C takes what is marked
      view.say("Press Ctrl+C to copy what is marked");
    }
  });
  return { area, box: el("div", { class: "igk-saved-text" }, el("div", { class: "igk-drop-row" }, el("b", {}, label), button), area) };
}

export default panel((view) => {
  const code = copyable(view, "code cell");
  const yaml = copyable(view, "YAML");
  const told = el("span", { role: "status" });
  let replace = null;
  const path = el("input", { type: "text", value: "experiment.yaml", "aria-label": "File to write the YAML to" });
  const write = el("button", { type: "button", onclick: () => view.ask("write", { path: path.value, replace }) }, "Write file");
  path.addEventListener("input", () => offer(null));
  const offer = (file) => {
    replace = file;
    write.textContent = file ? "Replace it" : "Write file";
    told.textContent = file ? `${file} is there already.` : "";
  };
  const hide = el("button", { type: "button", onclick: () => (box.hidden = true) }, "Close");
  const box = el("section", { class: "igk-saved", "aria-label": "Save as experiment", hidden: true },
    el("div", { class: "igk-saved-both" }, code.box, yaml.box),
    el("div", { class: "igk-drop-row" }, path, write, told, hide));
  view.root.append(box);
  view.keys(path, { Enter: () => write.click() });
  view.on("saved", (message) => {
    code.area.value = message.code;
    yaml.area.value = message.yaml;
    box.hidden = false;
    offer(null);
    view.say("the experiment is shown as code and as YAML");
  });
  view.on("exists", (message) => offer(message.path));
  view.on("written", (message) => {
    offer(null);
    told.textContent = `Written to ${message.path}.`;
  });
});
