/** Render the Markdown subset of answers as DOM nodes; text only ever becomes text nodes. */

const ITEM = /^( *)(?:-|(\d+)\.) +(.*)$/;
const INLINE = new RegExp(
  [
    "`(?<code>[^`]+)`",
    "\\*\\*(?<bold>.+?)\\*\\*",
    "\\[(?<label>[^\\]]+)\\]\\((?<href>[^)\\s]+)\\)",
    "_(?=\\S)(?<italic>.+?)_(?![\\p{L}\\p{N}_])",
    "(?<url>https?://[^\\s<>]*[^\\s<>.,;:!?)»\"'*])",
  ].join("|"),
  "gu",
);
const WORD_END = /[\p{L}\p{N}_]$/u;

/** Give a fragment of paragraphs and lists. */
export function renderMarkdown(text) {
  const blocks = new Blocks();
  for (const line of text.split("\n")) blocks.add(line);
  return blocks.fragment;
}

/** Give a link that opens beside the page, or nothing when the address is not http(s). */
export function renderLink(href, ...content) {
  if (!isWeb(href)) return null;
  const link = make("a", ...content, make("span", " (mở trang mới)"));
  link.lastChild.className = "visually-hidden";
  return Object.assign(link, { href, target: "_blank", rel: "noopener" });
}

/** Make an element with nodes or texts inside. */
export function make(name, ...content) {
  const element = document.createElement(name);
  element.append(...content);
  return element;
}

/** The same, with attributes. */
export function makeWith(name, attributes, ...content) {
  const element = make(name, ...content);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  return element;
}

class Blocks {
  constructor() {
    this.fragment = document.createDocumentFragment();
    this.paragraph = null;
    this.lists = []; // the open lists, outermost first
    this.afterBlank = false;
  }

  add(line) {
    const item = ITEM.exec(line);
    if (!line.trim()) this.paragraph = null;
    else if (item) this.addItem(item[1].length >> 1, item[2], item[3]);
    else if (this.continuesItem(line)) this.lastItem().append(" ", ...renderInline(line.trim()));
    else this.addText(line.trim());
    this.afterBlank = !line.trim();
  }

  addItem(wanted, number, text) {
    this.paragraph = null;
    const depth = Math.min(wanted, this.lists.length);
    this.lists.length = Math.min(this.lists.length, depth + 1);
    if (this.lists[depth]?.localName !== (number ? "ol" : "ul")) this.openList(depth, number);
    this.lists[depth].append(make("li", ...renderInline(text.trim())));
  }

  openList(depth, number) {
    const list = make(number ? "ol" : "ul");
    if (number && number !== "1") list.start = Number(number);
    this.lists.length = depth;
    (depth ? this.lists[depth - 1].lastChild : this.fragment).append(list);
    this.lists.push(list);
  }

  continuesItem(line) {
    return this.lists.length > 0 && !this.afterBlank && line.startsWith(" ");
  }

  lastItem() {
    return this.lists[this.lists.length - 1].lastChild;
  }

  addText(text) {
    this.lists = [];
    if (this.paragraph) this.paragraph.append(make("br"));
    else this.fragment.append((this.paragraph = make("p")));
    this.paragraph.append(...renderInline(text));
  }
}

function renderInline(text) {
  const nodes = [];
  let done = 0;
  const pattern = new RegExp(INLINE);
  for (let found = pattern.exec(text); found; found = pattern.exec(text)) {
    const node = renderSpan(found.groups, text.slice(0, found.index));
    if (!node) {
      pattern.lastIndex = found.index + 1; // not a mark after all: read on behind its first character
      continue;
    }
    if (found.index > done) nodes.push(text.slice(done, found.index));
    nodes.push(node);
    done = pattern.lastIndex;
  }
  return done < text.length ? [...nodes, text.slice(done)] : nodes;
}

function renderSpan({ code, bold, label, href, italic, url }, before) {
  if (code) return make("code", code);
  if (bold) return make("strong", ...renderInline(bold));
  if (label) return renderLink(href, ...renderInline(label));
  if (italic) return WORD_END.test(before) ? null : make("em", ...renderInline(italic));
  return renderLink(url, url);
}

function isWeb(href) {
  try {
    return ["http:", "https:"].includes(new URL(href).protocol);
  } catch {
    return false;
  }
}
