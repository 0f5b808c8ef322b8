"""Which pages make it hard for a widget? Each by what is odd about it."""

BODY = """
    <header class="navbar"><h1>Pellwick</h1><nav><a href="#help">Help</a> <button class="btn btn-primary">Buy</button></nav></header>
    <main class="container"><p>A page with <em>its own</em> look.</p><ul><li>One<li>Two</ul>
    <form><label>Name <input name="q" value="x"></label><select><option>A</select><textarea>T</textarea></form>
    <table><tr><td>1<td>2</table><dialog>Closed</dialog><svg width="9" height="9"><circle r="4"></circle></svg></main>"""


def page(head: str, body: str = BODY, doctype: str = "<!doctype html>") -> str:
    """A whole page; its end is open, so that the widget's tag can follow."""
    return f"{doctype}<html lang=en><head><meta charset=utf-8><link rel=icon href=data:,><title>Host</title>{head}</head><body>{body}"


_FREEZE = """<script>
    for (const one of [Object, Array, Function, Promise, String, Number, RegExp, Error, TypeError, Map, Set, Date, Symbol, Uint8Array, URL, Event, Node,
                       Element, HTMLElement, Document, EventTarget, Headers, Response, AbortController, CSSStyleSheet, ShadowRoot, TextDecoder])
        Object.freeze(one.prototype), Object.freeze(one);
    for (const one of [JSON, Math, Reflect, crypto, CSS, console]) Object.freeze(one);
</script>"""
_WRAP = """<script>
    const wrap = (on, name) => { const own = on[name]; on[name] = function (...given) { return own.apply(this, given); }; };
    for (const name of ['fetch', 'queueMicrotask', 'requestAnimationFrame', 'setTimeout', 'addEventListener', 'matchMedia', 'getComputedStyle'])
        wrap(window, name);
    wrap(EventTarget.prototype, 'addEventListener'); wrap(JSON, 'parse'); wrap(JSON, 'stringify'); wrap(Promise.prototype, 'then');
    wrap(Element.prototype, 'attachShadow'); wrap(Node.prototype, 'appendChild'); wrap(customElements, 'define'); wrap(document, 'createElement');
    wrap(history, 'pushState'); wrap(crypto.subtle, 'sign');
    window.Promise = class extends Promise {};
    window.MutationObserver = class extends MutationObserver {};
</script>"""
_EXTEND = """<script>
    // As libraries did that put their own names into everything.
    Object.prototype.extended = function () { return this; };
    Array.prototype.each = function (turn) { this.forEach(turn); };
    Array.prototype.toJSON = undefined;
    String.prototype.blank = function () { return !this.trim(); };
    Function.prototype.delay = function () {};
    Element.prototype.hide = function () {};
    Array.from = (given) => Array.prototype.slice.call(given);
    Object.entries = (given) => Object.keys(given).map((key) => [key, given[key]]);
</script>"""
_THROW = """<script>
    window.onerror = () => { throw new Error('the page throws'); };
    window.onunhandledrejection = () => { throw new Error('the page throws'); };
    window.addEventListener('error', () => { throw new Error('the page throws'); });
    document.addEventListener('chatkeep:open', (event) => event.stopImmediatePropagation());
    document.addEventListener('keydown', (event) => { event.preventDefault(); }, false);
</script>"""
_MODAL = "<div style='position:fixed;inset:0;z-index:2147483647;background:#0008;pointer-events:none' class=modal>Cookies?</div>"
_CLOBBER = "".join(f"<img name={name} alt=''>" for name in ("currentScript", "title", "body", "head", "hidden", "activeElement", "forms", "scripts"))
_IDS = "".join(
    f"<i id={name}></i>" for name in ("Chatkeep", "fetch", "customElements", "crypto", "chatkeep", "ck-title", "panel", "launcher", "kit", "CSSStyleSheet")
)

PAGES = {
    "everything is unset": page("<style>* { all: unset !important }</style>"),
    "everything is initial": page("<style>*, *::before, *::after { all: initial !important }</style>"),
    "the widget is hidden": page(
        "<style>chatkeep-widget { display: none !important; visibility: hidden !important; opacity: 0 !important;"
        " transform: scale(0) !important; position: absolute !important; left: -9999px !important; width: 0 !important; pointer-events: none !important;"
        " clip-path: inset(50%) !important }</style>"
    ),
    "our own names are styled": page(
        "<style>:root, * { --fill: red; --ink: red; --bg: red; --text: red; --r: 99px; --accent: red; --lift: none }"
        " .launcher, .panel, .ck, .card, .text, button, dialog, section { display: none !important; color: red !important }"
        " ::part(nothing) { color: red }</style>"
    ),
    "text is odd": page(
        "<style>html { font-size: 40px; letter-spacing: .5em; word-spacing: 1em; line-height: 3; text-transform: uppercase; text-align: right;"
        " cursor: wait; user-select: none; font: italic 900 40px/3 cursive; writing-mode: vertical-rl; white-space: pre;"
        " visibility: hidden } body { visibility: visible }</style>"
    ),
    "Bootstrap": page("<link rel=stylesheet href=/bootstrap/dist/css/bootstrap.css>"),
    "Tailwind": page("<link rel=stylesheet href=/tailwindcss/preflight.css>"),
    "quirks mode": page("", doctype=""),
    "a base elsewhere": page("<base href='https://evil.example/there/' target=_top>"),
    "a modal above all": page("", BODY + _MODAL),
    "a transformed body": page("<style>body { transform: translateX(0); filter: none; min-height: 300vh }</style>"),
    "a contained, scrolling body": page("<style>html { overflow: hidden } body { contain: paint; overflow: auto; height: 50vh; position: relative }</style>"),
    "a flex body": page("<style>body { display: grid; grid-template-columns: 1fr 1fr; gap: 50px } body > * { flex: 1; margin: 30px; padding: 30px }</style>"),
    "prototypes are frozen": page(_FREEZE),
    "the platform is wrapped": page(_WRAP),
    "prototypes are extended": page(_EXTEND),
    "the page's handlers throw": page(_THROW),
    "names of the document are clobbered": page("", _CLOBBER + BODY),
    "names of the window are clobbered": page("", _IDS + BODY),
}
# What a page can break so far that there is no chat. Then nothing is sent, and the page goes on.
BROKEN = {
    "fetch fails": "window.fetch = () => Promise.reject(new Error('no'))",
    "fetch throws": "window.fetch = () => { throw new Error('no') }",
    "fetch answers nonsense": "window.fetch = async () => undefined",
    "fetch never answers": "window.fetch = () => new Promise(() => {})",
    "no element can be defined": "customElements.define = () => {}",
    "there are no elements": "Object.defineProperty(window, 'customElements', { value: undefined })",
    "there is no shadow": "delete Element.prototype.attachShadow",
    "there are no style sheets": "window.CSSStyleSheet = undefined",
    "promises are broken": "Promise.prototype.then = () => { throw new Error('no') }",
    "nothing can be made": "document.createElement = document.createElementNS = () => null",
    "everything is clobbered": "for (const name in document) if (!/^(append|body|cookie)/.test(name)) document.body.append("
    "Object.assign(new Image(), { name }))",
}
