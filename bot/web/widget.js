/**
 * The launcher on other sites: <script src="https://…/widget.js" data-province="vinh-phuc" async></script>
 *
 * It loads nothing but the portal's address; the conversation is fetched when somebody wants it.
 */
(() => {
  const { src, dataset } = document.currentScript;
  const address = (path) => new URL(path, src).href;
  const host = document.createElement("hoi-mot-cua");
  const root = host.attachShadow({ mode: "open" });
  const STYLE = `
    /* The page's own rules reach this element alone; in here they lose against what is !important. */
    :host {
      all: initial !important;
      display: block !important;
      position: fixed !important;
      z-index: 2147483647 !important;
      right: 0 !important;
      bottom: 0 !important;
    }
    .launcher {
      color-scheme: light dark;
      position: fixed;
      inset: auto max(16px, env(safe-area-inset-right)) max(16px, env(safe-area-inset-bottom)) auto;
      display: flex;
      flex-direction: column;
      align-items: flex-end;
      gap: 8px;
      max-width: calc(100vw - 32px);
      margin: 0;
      padding: 3px;
      border: 0;
      background: none;
      overflow: visible;
      font: 600 medium/1.35 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
    }
    .launcher [hidden] { display: none; }
    .launcher > * {
      display: flex;
      align-items: center;
      gap: .5em;
      box-sizing: border-box;
      min-height: 44px;
      padding: .5em 1em;
      border: 2px solid #0b5557;
      border-radius: 1.6em;
      background: #fff;
      color: #0b5557;
      font: inherit;
      text-align: left;
      box-shadow: 0 2px 8px rgb(0 0 0 / 25%);
      cursor: pointer;
    }
    .launcher .portal { font-size: .875em; }
    .launcher .talk { background: #0b5557; border-color: #fff; color: #fff; font-size: 1.0625em; }
    .talk svg { flex: none; color: #f0c36a; }
    .launcher :focus-visible { outline: 3px solid #d9a441; outline-offset: 2px; }
    @media (prefers-color-scheme: dark) {
      .launcher .portal { border-color: #86d5d0; background: #202829; color: #86d5d0; }
      .launcher .talk { border-color: #86d5d0; background: #175e5f; }
    }
    @media (prefers-contrast: more) { .launcher .talk { background: #002b2c; } }
    @media (forced-colors: active) { .talk svg { color: currentcolor; } }
    @media print { .launcher { display: none; } }
  `;

  /** Style the shadow root; a style sheet made by script is let through by any policy of the page. */
  function style(text) {
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(text);
      root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
    } catch {
      root.append(make("style", {}, text)); // a browser of before 2023
    }
  }

  function make(name, attributes, ...content) {
    const element = document.createElement(name);
    for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
    element.append(...content);
    return element;
  }

  const mark = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  mark.setAttribute("viewBox", "0 0 24 24");
  mark.setAttribute("width", "24");
  mark.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  shape.setAttribute("fill", "currentColor");
  shape.setAttribute("d", "M4 3h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2h-8l-5 4v-4H4a2 2 0 0 1-2-2V5c0-1 1-2 2-2zm3 4v2h10V7zm0 4v2h7v-2z");
  mark.append(shape);

  const link = make("a", { class: "portal", target: "_blank", rel: "noopener", hidden: "" });
  const button = make("button", { class: "talk", type: "button", "aria-haspopup": "dialog" }, mark, "Hỏi Một Cửa");
  const label = { class: "launcher", role: "region", lang: "vi", popover: "manual", "aria-label": "Hỏi đáp dịch vụ công" };
  const launcher = make("div", label, link, button);
  let panel; // the conversation, once it was fetched

  /** Fetch the portal and whether this site may ask; without network the click finds out. */
  async function ask() {
    const told = await (await fetch(address(`api/v1/widget?province=${encodeURIComponent(dataset.province ?? "")}`))).json();
    if (told.portal) {
      link.href = told.portal.url;
      link.textContent = `${told.portal.name} ↗`;
      link.hidden = false;
    }
    if (told.trouble) refuse(told.trouble);
  }

  /** Leave the portal's link alone and tell the site's makers why. */
  function refuse(why) {
    console.error(`Hỏi Một Cửa: ${why}`);
    const hadFocus = root.activeElement === button;
    button.remove();
    if (hadFocus) link.focus();
  }

  async function open() {
    if (button.hasAttribute("aria-busy")) return;
    button.setAttribute("aria-busy", "true");
    try {
      await known;
      if (button.isConnected) (panel ??= await fetchPanel()).open();
    } catch (error) {
      console.error(`Hỏi Một Cửa: ${error}`);
      offerPage();
    }
    button.removeAttribute("aria-busy");
  }

  async function fetchPanel() {
    const look = fetch(address("widget.css")).then((answer) => answer.text());
    const [{ Panel }, text] = await Promise.all([import(address("widget_panel.js")), look]);
    style(text);
    return new Panel(root, button);
  }

  /** Where the page lets no conversation be fetched, lead to the chat page instead. */
  function offerPage() {
    const page = make("a", { class: "talk", href: address("./"), target: "_blank", rel: "noopener" });
    page.append(mark, "Mở trang Hỏi Một Cửa ↗");
    button.replaceWith(page);
    page.focus();
  }

  /** Keep the page's keyboard handlers off what is typed here: they would stop it, or take it for shortcuts. */
  function shield(event) {
    if (!event.composedPath().includes(host)) return;
    event.stopImmediatePropagation();
    panel?.press(event);
  }

  if (document.querySelector("hoi-mot-cua")) return; // the line stands twice in the page
  for (const kind of ["keydown", "keypress", "keyup"]) window.addEventListener(kind, shield, true);
  button.addEventListener("click", open);
  style(STYLE);
  root.append(launcher);
  document.documentElement.append(host);
  launcher.showPopover?.(); // above whatever the page piles up
  const known = ask().catch(() => {});
})();
