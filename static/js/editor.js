// Turns <textarea data-editor="json|text"> into CodeMirror. The textarea stays the source of truth
// (it is what the form sends) and the fallback when the bundle cannot be loaded.
// data-original="id" of a <script type="application/json"> (a JSON string, by json_script) or a
// <template> shows what changed against that text. The editor lives in a shadow root, because
// its styles are adopted sheets there and a strict CSP allows nothing else. Load it by
// <script src="…/editor.js" data-bundle="…/codemirror.min.js" defer>.
(() => {
  const BUNDLE = document.currentScript.dataset.bundle;
  let loading = null;

  function load() {
    loading ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = BUNDLE;
      script.onload = () => resolve(window.CodeMirrorBundle);
      script.onerror = reject;
      document.head.append(script);
    });
    return loading;
  }

  function original(textarea) {
    const from = document.getElementById(textarea.dataset.original ?? "");
    if (!from) return null;
    return from instanceof HTMLTemplateElement ? from.content.textContent : JSON.parse(from.textContent);
  }

  function look(cm) {
    const mono = { fontFamily: "var(--tblr-font-monospace)", fontSize: "12px", lineHeight: "19px" };
    const theme = cm.EditorView.theme({
      "&": { color: "var(--c-text)", backgroundColor: "var(--c-surface)" },
      "&.cm-focused": { outline: "2px solid var(--c-focus)", outlineOffset: "-2px" },
      ".cm-scroller": mono,
      ".cm-content": { caretColor: "var(--c-ink)", padding: "4px 0" },
      ".cm-gutters": { backgroundColor: "var(--c-surface)", color: "var(--c-muted)", border: "0" },
      ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--tblr-hover-bg)" },
      ".cm-cursor": { borderLeftColor: "var(--c-ink)" },
      "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--c-select) !important" },
      ".cm-changedLine": { backgroundColor: "var(--c-ok-bg) !important", boxShadow: "inset 3px 0 0 var(--c-ok-fill)" },
      ".cm-changedText": { background: "color-mix(in srgb, var(--c-ok-fill) 22%, transparent) !important" },
      ".cm-deletedChunk": { backgroundColor: "var(--c-bad-bg) !important", boxShadow: "inset 3px 0 0 var(--c-bad-fill)", paddingLeft: "6px" },
      ".cm-deletedText": { background: "none !important" },
      ".cm-changedLineGutter": { backgroundColor: "var(--c-ok-fill) !important" },
      ".cm-deletedLineGutter": { backgroundColor: "var(--c-bad-fill) !important" },
      ".cm-diagnostic-error": { borderLeftColor: "var(--c-bad-fill)" },
      ".cm-tooltip": { backgroundColor: "var(--c-surface)", color: "var(--c-text)", border: "1px solid var(--c-line-2)" },
    });
    const { tags } = cm;
    const colours = cm.HighlightStyle.define([
      { tag: tags.propertyName, color: "var(--c-ink)" },
      { tag: [tags.string, tags.number, tags.bool, tags.null], color: "var(--c-text)" },
      { tag: tags.invalid, color: "var(--c-bad)" },
    ]);
    return [theme, cm.syntaxHighlighting(colours)];
  }

  function extensions(cm, textarea) {
    const json = textarea.dataset.editor === "json";
    const before = original(textarea);
    const label = textarea.getAttribute("aria-label") ?? textarea.labels?.[0]?.textContent.trim() ?? "Payload";
    return [
      cm.lineNumbers(),
      cm.history(),
      cm.drawSelection(),
      cm.highlightSpecialChars(),
      cm.highlightActiveLine(),
      cm.bracketMatching(),
      cm.indentOnInput(),
      cm.keymap.of([...cm.defaultKeymap, ...cm.historyKeymap, ...cm.lintKeymap]),
      cm.EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
      cm.EditorState.readOnly.of(textarea.readOnly),
      json ? [cm.json(), cm.linter(cm.jsonParseLinter()), cm.lintGutter()] : [],
      before === null ? [] : cm.unifiedMergeView({ original: before, mergeControls: false }),
      cm.EditorView.updateListener.of((update) => update.docChanged && write(textarea, update.state.doc.toString())),
      look(cm),
    ];
  }

  function write(textarea, text) {
    textarea.value = text;
    textarea.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function open(cm, textarea) {
    const host = document.createElement("div");
    host.className = "editor";
    host.setAttribute("hx-ignore", "");
    textarea.before(host);
    const root = host.attachShadow({ mode: "open" });
    const state = cm.EditorState.create({ doc: textarea.value, extensions: extensions(cm, textarea) });
    const view = new cm.EditorView({ state, parent: root, root });
    view.scrollDOM.tabIndex = 0; // what scrolls must be reached by keyboard
    textarea.classList.add("editor-on");
    textarea.form?.addEventListener("reset", () => {
      setTimeout(() => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: textarea.value } }));
    });
  }

  async function openAll() {
    const waiting = [...document.querySelectorAll("textarea[data-editor]:not([data-editor-open])")];
    for (const textarea of waiting) textarea.dataset.editorOpen = "";
    if (!waiting.length) return;
    try {
      const cm = await load();
      for (const textarea of waiting) if (textarea.isConnected) open(cm, textarea);
    } catch (error) {
      console.warn("the editor did not load; the plain field works", error);
    }
  }

  openAll();
  document.addEventListener("htmx:after:settle", openAll);
})();
