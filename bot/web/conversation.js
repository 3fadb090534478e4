/**
 * What was said and what still waits to be sent, kept by the browser so that a reload shows it again.
 *
 * Entries are `{kind: "message", key, text, payload, state: "waiting" | "sent" | "refused", trouble}`,
 * `{kind: "answer", key, text, choices, sources}` (the key of the message it answers) and `{kind: "note", text}`.
 */

const PLACE = "hoi-mot-cua.conversation";
const MOST_KEPT = 200; // entries; a browser's storage is small
const LONGEST_KEPT = 30 * 24 * 60 * 60 * 1000; // milliseconds

export class Conversation {
  /** Take up what `open()`, a storage of the browser, remembers, or start anew. */
  static restore(open) {
    return new Conversation(open, readStored(open) ?? {});
  }

  constructor(open, { id = null, entries = [], draft = "", caseNumber = null, heard = [] }) {
    Object.assign(this, { id, entries, draft, caseNumber, heard });
    Object.defineProperty(this, "open", { value: open }); // not of what is remembered
  }

  /** Add a message of the citizen: a text, or a pressed choice with its payload. */
  say(text, payload = null) {
    const message = { kind: "message", key: newKey(), text, payload, state: "waiting", trouble: "" };
    this.entries.push(message);
    return message;
  }

  /** Give the oldest message that is not sent yet. */
  nextWaiting() {
    return this.entries.find((entry) => entry.state === "waiting");
  }

  /** Give the citizen's newest message. */
  newest() {
    return [...this.entries].reverse().find((entry) => entry.kind === "message");
  }

  /** Put the answers right behind their message, before what was written meanwhile. */
  answer(message, body) {
    if (message.sentTo && message.sentTo !== body.conversation_id) this.forgetBefore(message);
    this.id = body.conversation_id;
    this.caseNumber = body.case_number ?? null;
    settle(message, "sent");
    const answers = body.messages.filter((given) => this.isNews(given));
    const entries = answers.map((given) => ({ kind: "answer", key: message.key, ...given }));
    this.entries.splice(this.entries.indexOf(message) + 1, 0, ...entries);
  }

  /** Add what a person said meanwhile; tell whether it was new. */
  hear(message) {
    if (!this.isNews(message)) return false;
    this.entries.push({ kind: "answer", key: `heard-${message.id}`, ...message });
    return true;
  }

  /** Tell whether a numbered message was not heard before, and remember it. */
  isNews({ id }) {
    if (id === undefined) return true;
    if (this.heard.includes(id)) return false;
    this.heard = [...this.heard, id].slice(-MOST_KEPT);
    return true;
  }

  /** Mark a message as not accepted, with the reason. */
  refuse(message, reason) {
    settle(message, "refused", reason);
  }

  /** Go on without the server's memory of what was said above this message. */
  restartBefore(message) {
    Object.assign(this, { id: null, caseNumber: null });
    const note = { kind: "note", text: "Máy không còn nhớ phần trò chuyện phía trên. Anh/chị cứ hỏi tiếp." };
    const place = this.entries.indexOf(message);
    if (place > 0) this.entries.splice(place, 0, note);
  }

  /** Drop everything, here and in the storage. */
  startOver() {
    Object.assign(this, { id: null, entries: [], draft: "", caseNumber: null, heard: [] });
    this.save();
  }

  /** Remember it all; where storage is refused or full the page works without. */
  save() {
    const { entries, ...rest } = this;
    try {
      this.open().setItem(PLACE, write({ ...rest, entries: entries.slice(-MOST_KEPT), at: Date.now() }));
    } catch {
      return;
    }
  }

  /** The server erased the conversation at the citizen's wish: the page forgets it too. */
  forgetBefore(message) {
    this.entries = this.entries.slice(this.entries.indexOf(message));
  }
}

function settle(message, state, trouble = "") {
  Object.assign(message, { state, trouble });
}

function readStored(open) {
  try {
    const stored = JSON.parse(open().getItem(PLACE));
    return Array.isArray(stored.entries) && Date.now() - stored.at < LONGEST_KEPT ? stored : null;
  } catch {
    return null;
  }
}

/** Write as JSON by hand: old libraries of other sites give every array a `toJSON` of their own. */
function write(value) {
  if (Array.isArray(value)) return `[${value.map(write).join()}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}:${write(each)}`);
  return `{${fields.join()}}`;
}

function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // plain http on a local network has no randomUUID
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
