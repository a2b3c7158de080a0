"""What the tests do and see inside the page, as its own scripts; and its accessibility tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

_PANEL = "window.jupyterapp.shell.currentWidget"
_OUTPUTS = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea"

OPEN = """
async ({path, kernel}) => {
  const app = window.jupyterapp;
  const preference = kernel ? {name: "python3", shouldStart: true, autoStartDefault: true}
                            : {shouldStart: false, canStart: false, autoStartDefault: false};
  await app.commands.execute("docmanager:open", {path, factory: "Notebook", kernelPreference: preference});
  const folders = "application:toggle-left-area";
  if (app.commands.isToggled(folders)) await app.commands.execute(folders);
  await app.commands.execute("application:set-mode", {mode: "single-document"});
}"""

KERNEL_IS_IDLE = f"() => {_PANEL}?.sessionContext?.session?.kernel?.status === 'idle'"

# The promise is kept, not awaited: a page's script has no time limit, what waits for it from outside has one.
RUN = f"""
({{command, index}}) => {{
  const notebook = {_PANEL}.content;
  if (index !== null) {{ notebook.deselectAll(); notebook.activeCellIndex = index; }}
  window.ran = false;
  window.jupyterapp.commands.execute(command).finally(() => {{ window.ran = true; }});
}}"""
RAN = f"() => window.ran && ({KERNEL_IS_IDLE})()"

WATCH = f"""
() => {{
  if (window.lastChange !== undefined) return;
  window.lastChange = performance.now();
  new MutationObserver(() => {{ window.lastChange = performance.now(); }})
    .observe({_PANEL}.node, {{childList: true, subtree: true, attributes: true, characterData: true}});
}}"""
# A lazy picture that is off the screen is never complete.
STILL = f"""
(ms) => {{
  const drawn = (img) => {{
    const {{top, bottom}} = img.getBoundingClientRect();
    return img.complete || (img.loading === "lazy" && (bottom < 0 || top > innerHeight));
  }};
  const pictures = [...document.querySelectorAll("{_OUTPUTS} img[src]")];
  return performance.now() - window.lastChange >= ms && pictures.every(drawn);
}}"""

HEIGHT = f"""
() => {{
  const outer = {_PANEL}.node.querySelector(".jp-WindowedPanel-outer");
  outer.scrollTop = 0;
  return Math.ceil(outer.getBoundingClientRect().top + outer.scrollHeight) + 12;
}}"""

# JupyterLab gives a picture without words the alt "Image", which says nothing.
WITHOUT_ALT = f"""
() => [...document.querySelectorAll("{_OUTPUTS} :is(img, canvas)")]
  .filter((n) => !n.closest("[aria-hidden=true], [role=img][aria-label]") && n.getAttribute("role") !== "presentation")
  .filter((n) => ["", "Image"].includes((n.getAttribute("alt") ?? n.getAttribute("aria-label") ?? "").trim()))
  .map((n) => n.outerHTML.slice(0, 200))"""

BROKEN = f"""
() => [...document.querySelectorAll("{_OUTPUTS} img[src]")].filter((i) => i.complete && !i.naturalWidth)
  .map((i) => i.outerHTML.slice(0, 200))"""

# Roles that a person operates or is told the contents of by name.
_NAMED = {
    "button", "checkbox", "combobox", "grid", "image", "img", "link", "listbox", "menuitem", "option", "radio",
    "searchbox", "slider", "spinbutton", "switch", "tab", "textbox", "DisclosureTriangle", "ComboBoxSelect",
    "ToggleButton", "PopUpButton", "ColorWell", "Date", "InputTime",
}  # fmt: skip


def unnamed(page: Page) -> list[str]:
    """Return the HTML of what has such a role in an output, and no name."""
    cdp = page.context.new_cdp_session(page)
    found = []
    outputs = cdp.send("Runtime.evaluate", {"expression": f'[...document.querySelectorAll("{_OUTPUTS}")]'})["result"]
    listed = cdp.send("Runtime.getProperties", {"objectId": outputs["objectId"], "ownProperties": True})["result"]
    for entry in listed:
        if not entry["name"].isdigit():
            continue
        tree = cdp.send("Accessibility.queryAXTree", {"objectId": entry["value"]["objectId"]})["nodes"]
        found += [_html(cdp, node) for node in tree if _lacks_a_name(node)]
    cdp.detach()
    return found


def _lacks_a_name(node: dict[str, Any]) -> bool:
    if node["ignored"] or node.get("role", {}).get("value") not in _NAMED:
        return False
    return not str(node.get("name", {}).get("value", "")).strip()


def _html(cdp: Any, node: dict[str, Any]) -> str:
    resolved = cdp.send("DOM.resolveNode", {"backendNodeId": node["backendDOMNodeId"]})["object"]
    called = {"objectId": resolved["objectId"], "functionDeclaration": "function () { return this.outerHTML }"}
    value = cdp.send("Runtime.callFunctionOn", {**called, "returnByValue": True})["result"]["value"]
    return f"{node['role']['value']}: {str(value)[:200]}"
