/**
 * The banner: what holds now, each notice until it is closed here, or ends.
 *
 * Needs nothing but the browser, so that other pages of ours can show it, too: `openNotices` asks the server,
 * `Banner` draws into a place that is given, with whatever writes Markdown there.
 */

const CLOSED = "closed-notices"; // the ids of notices that this browser has closed
const ASK_EVERY = 5 * 60_000; // milliseconds

/** Give the notices that hold now and were not closed here: `id`, `title`, `text`, `link`. */
export async function openNotices(base = "") {
  const reply = await fetch(`${base}api/v1/notices`);
  if (!reply.ok) throw new Error(`notices: ${reply.status}`);
  const { notices } = await reply.json();
  const closed = closedIds().filter((id) => notices.some((notice) => notice.id === id));
  keep(closed); // those that ended are forgotten
  return notices.filter(({ id }) => !closed.includes(id));
}

/** Keep a notice from being shown here again. */
export function closeNotice(id) {
  keep([...new Set([...closedIds(), id])]);
}

export class Banner {
  /** `render` gives a node for a text in Markdown. */
  constructor(place, { base = "", render = (text) => document.createTextNode(text) } = {}) {
    Object.assign(this, { place, base, render });
  }

  /** Show what holds, and look again now and then. */
  async keepShowing() {
    await this.show();
    setInterval(() => document.hidden || this.show(), ASK_EVERY);
  }

  async show() {
    try {
      this.draw(await openNotices(this.base));
    } catch {
      // what is shown stays: the next look may succeed
    }
  }

  draw(notices) {
    const shown = new Map([...this.place.children].map((entry) => [entry.dataset.notice, entry]));
    this.place.replaceChildren(...notices.map((notice) => shown.get(notice.id) ?? this.entry(notice)));
    this.place.hidden = notices.length === 0;
  }

  entry({ id, title, text, link }) {
    const entry = Object.assign(document.createElement("div"), { className: "notice" });
    entry.dataset.notice = id;
    const told = Object.assign(document.createElement("div"), { className: "notice-text" });
    if (title) told.append(Object.assign(document.createElement("strong"), { textContent: title }));
    told.append(this.render(text));
    if (link) told.append(Object.assign(document.createElement("a"), linkTo(link)));
    entry.append(told, this.button(id, title ?? text));
    return entry;
  }

  button(id, name) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Đóng" });
    button.setAttribute("aria-label", `Đóng thông báo: ${name}`);
    button.addEventListener("click", () => this.close(id));
    return button;
  }

  close(id) {
    closeNotice(id);
    const rest = [...this.place.children].filter((entry) => entry.dataset.notice !== id);
    this.place.replaceChildren(...rest);
    this.place.hidden = rest.length === 0;
    rest[0]?.querySelector("button").focus();
  }
}

function linkTo(href) {
  return { href, target: "_blank", rel: "noopener", textContent: "Xem thêm (mở trang mới)" };
}

function closedIds() {
  try {
    const kept = JSON.parse(localStorage.getItem(CLOSED) ?? "[]");
    return Array.isArray(kept) ? kept : [];
  } catch {
    return []; // nothing may be stored here, or what was stored is not ours
  }
}

function keep(ids) {
  try {
    localStorage.setItem(CLOSED, JSON.stringify(ids));
  } catch {
    // then it is shown again after a reload
  }
}
