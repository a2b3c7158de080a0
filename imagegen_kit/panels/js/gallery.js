// The gallery: what stands above, the shelf, and the picture that is opened.

const PAGE = 100; // rows that the kernel sends at once

export default panel((view) => {
  const waiting = new Map(); // key → functions that wait for what is known of a picture
  const name = `${Math.random()}`; // of this view, among several of one gallery
  view.root.classList.add("igk-gallery");
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

  const show = (told) => {
    words.textContent = told.words;
    choices.show(told);
    shelf.fill({ ...told, page: PAGE });
    const empty = told.total === 0;
    nothing.hidden = !empty;
    shelf.box.hidden = hint.hidden = empty;
    choices.root.hidden = told.empty;
    if (empty) nothing.replaceChildren(...(told.empty ? [told.words] : ["No picture has all of that.", el("button", { type: "button", onclick: () => choices.clear() }, "show all")]));
    view.say(told.words);
  };
  view.on("shelf", show);
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
  view.on("about", ({ key, prompt, details }) => {
    for (const resolve of waiting.get(key) ?? []) resolve({ prompt, details });
    waiting.delete(key);
  });
  view.on("gathered", ({ view: whose, items, index, second }) => {
    if (whose !== name) return;
    openViewer(view, items, index, {
      mode: second === null ? "one" : "two",
      second,
      about: (item) => about(item.key),
      closed: (last) => shelf.focusKey(items[last].key),
    });
  });

  /** Return the whole prompt and all that is known of a picture. */
  function about(key) {
    return new Promise((resolve) => {
      if (!waiting.has(key)) {
        waiting.set(key, []);
        view.ask("about", { key });
      }
      waiting.get(key).push(resolve);
    });
  }

  function open(place) {
    const row = shelf.rows.get(place);
    if (!row?.sha) return void (row?.notice && view.say(row.notice));
    view.ask("gather", { key: row.key, view: name });
  }

  const sight = new IntersectionObserver((seen) => view.ask("seen", { view: name, on: seen[seen.length - 1].isIntersecting }));
  sight.observe(view.root);
  view.keys(view.root, { "/": () => choices.find() });
  view.root.append(head, choices.root, nothing, shelf.box, hint);
  if ("version" in view.state) { // came with the view: nothing has to be asked for before something is seen
    view.has = { version: view.state.version };
    view.arrive();
    show(view.state);
  }
  return () => {
    sight.disconnect();
    view.ask("seen", { view: name, on: false });
  };
});
