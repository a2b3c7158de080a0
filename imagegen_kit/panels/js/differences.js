// What differs between two texts, word by word, and between two lists of facts.

const MOST_WORDS = 1500; // longer prompts are shown as they are: the table below is quadratic

/** Return {first, second, only}: nodes for each text, its own words in <del> or <ins>, and those words listed. */
function wordDiff(first, second) {
  const [a, b] = [first, second].map((text) => (text ?? "").split(/(\s+|[,.;:!?]+)/).filter((word) => word !== ""));
  if (Math.max(a.length, b.length) > MOST_WORDS) return { first: [first], second: [second], only: [[], []] };
  const longest = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      longest[i][j] = a[i] === b[j] ? longest[i + 1][j + 1] + 1 : Math.max(longest[i + 1][j], longest[i][j + 1]);
    }
  }
  const own = [new Set(), new Set()]; // places of words that the other text has not got
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) [i, j] = [i + 1, j + 1];
    else if (j >= b.length || (i < a.length && longest[i + 1][j] >= longest[i][j + 1])) own[0].add(i++);
    else own[1].add(j++);
  }
  const only = [a, b].map((words, side) => words.filter((word, k) => own[side].has(k) && word.trim()));
  return { first: markedWords(a, own[0], "del"), second: markedWords(b, own[1], "ins"), only };
}

/** Return the words as nodes, neighbours that are marked in one element. */
function markedWords(words, marked, tag) {
  const nodes = [];
  let run = "";
  let inside = false;
  const close = () => {
    if (run) nodes.push(inside ? el(tag, {}, run) : run);
    run = "";
  };
  words.forEach((word, k) => {
    const mark = marked.has(k) || (inside && !word.trim() && marked.has(k + 1));
    if (mark !== inside) {
      close();
      inside = mark;
    }
    run += word;
  });
  close();
  return nodes;
}

/** Return {differing: [[field, first, second]], same: [[field, value]]} of two lists [[field, value], …]; `told` adds to the first. */
function compareFacts(first, second, told = []) {
  const [a, b] = [new Map(first ?? []), new Map(second ?? [])];
  const names = [...new Set([...a.keys(), ...b.keys()])];
  const differing = names.filter((name) => a.get(name) !== b.get(name)).map((name) => [name, a.get(name) ?? "–", b.get(name) ?? "–"]);
  return {
    differing: [...differing, ...told.filter(([name]) => !a.has(name) && !b.has(name))],
    same: names.filter((name) => a.get(name) === b.get(name)).map((name) => [name, a.get(name)]),
  };
}

/** A table of words; the first cell of each row names it. */
function factTable(caption, heads, rows) {
  return el(
    "table",
    { class: "igk-facts" },
    el("caption", {}, caption),
    heads.length ? el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))) : null,
    el("tbody", {}, rows.map(([name, ...values]) => el("tr", {}, el("th", { scope: "row" }, name), values.map((value) => el("td", {}, value))))),
  );
}
