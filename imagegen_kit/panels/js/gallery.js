// The gallery: what stands above, the shelf, and the picture that is opened.

const PAGE = 100; // rows that the kernel sends at once

export default panel((view) => {
  const about = new Map(); // key → functions that wait for what is known of a picture
  const choices = new Choices(view, {
    changed: (wanted) => view.ask("arrange", wanted),
    sized: (px) => shelf.resize(px),
  });
  const shelf = new Shelf(view, {
    rows: (start) => view.ask("rows", { start, version: shelf.version }),
    mark: (ranges, on, clear) => view.ask("mark", { version: shelf.version, ranges, on, clear }),
    open: (place) => open(place),
    find: () => choices.find(),
    leave: () => view.root.ownerDocument.activeElement?.blur(),
  });
  const head = el("div", { class: "igk-head" }, el("b", {}, "Gallery"));
  const words = el("span", { class: "igk-quiet" });
  const news = el("button", { type: "button", class: "igk-news", hidden: true, onclick: () => view.ask("show_new") });
  const hint = el("div", { class: "igk-hint igk-quiet" }, "arrows move · Space marks · Shift or Ctrl marks several · Enter opens · / filters · Esc leaves");
  const nothing = el("div", { class: "igk-nothing", hidden: true });
  head.append(words, news);

  view.on("shelf", (told) => {
    words.textContent = told.words;
    choices.show(told);
    shelf.fill({ ...told, page: PAGE });
    const empty = told.total === 0;
    nothing.hidden = !empty;
    shelf.box.hidden = hint.hidden = empty;
    choices.root.hidden = told.empty;
    if (empty) nothing.replaceChildren(...(told.empty ? [told.words] : ["No picture has all of that.", el("button", { type: "button", onclick: () => choices.clear() }, "show all")]));
    view.say(told.words);
  });
  view.on("rows", ({ version, start, rows }) => {
    if (version !== shelf.version) return;
    shelf.put(start, rows);
    shelf.layout();
  });
  view.on("marks", ({ on, off, count }) => {
    shelf.marked(on, off);
    choices.count(count);
    view.say(count === 1 ? "1 picture marked" : `${count} pictures marked`);
  });
  view.on("new", ({ count }) => {
    news.hidden = !count;
    news.textContent = `${count.toLocaleString("en")} new: show`;
    if (count) view.say(`${count} new pictures`);
  });
  view.on("about", ({ key, facts }) => {
    for (const resolve of about.get(key) ?? []) resolve(facts);
    about.delete(key);
  });

  /** Return what is known of a picture as [name, value] pairs. */
  function factsOf(key) {
    return new Promise((resolve) => {
      if (!about.has(key)) {
        about.set(key, []);
        view.ask("about", { key });
      }
      about.get(key).push(resolve);
    });
  }

  async function open(place) {
    const row = shelf.rows.get(place);
    if (!row?.sha) return;
    const facts = el("dl", { class: "igk-about" });
    const img = el("img", { alt: row.alt });
    const box = el("dialog", { class: "igk-opened", "aria-label": row.alt }, el("div", {}, img), facts, el("button", { type: "button", onclick: () => box.close() }, "close"));
    box.addEventListener("close", () => {
      box.remove();
      shelf.focus(place);
    });
    view.root.append(box);
    box.showModal();
    view.pictures.open(row.sha).then(({ url }) => (img.src = url));
    facts.append(...(await factsOf(row.key)).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  }

  const sight = new IntersectionObserver((seen) => view.ask("seen", { on: seen[seen.length - 1].isIntersecting }));
  sight.observe(view.root);
  view.keys(view.root, { "/": () => choices.find() });
  view.root.append(head, choices.root, nothing, shelf.box, hint);
  return () => {
    sight.disconnect();
    view.ask("seen", { on: false });
  };
});
