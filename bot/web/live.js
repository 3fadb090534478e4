/** Hear what a person says in the conversation, for as long as one answers instead of the machine. */

const ASK_EVERY = 20_000; // milliseconds
const TYPING_EVERY = 3000; // milliseconds
const find = (id, what) => new URL(`api/v1/conversations/${id}/${what}`, import.meta.url);

export class Live {
  /** `shown` is told after every change, `typing` whether a person is typing; `isSeen` tells whether to listen. */
  constructor(conversation, { shown, typing, isSeen }) {
    Object.assign(this, { conversation, shown, typing, isSeen });
    this.source = null;
    this.saidTyping = 0;
  }

  /** Listen while a case is open. */
  update() {
    const { id, caseNumber } = this.conversation;
    if (!id) this.stop();
    else if (caseNumber && this.isSeen() && (!this.source || this.of !== id)) this.listen(id);
  }

  /** Ask now and then whether a person has stepped in by themselves; the server ends it at once if not. */
  keepAsking() {
    this.ask();
    setInterval(() => this.ask(), ASK_EVERY);
    document.addEventListener("visibilitychange", () => this.ask());
  }

  /** Ask now, where somebody sees it and nothing is heard yet. */
  ask() {
    if (this.isSeen() && this.conversation.id && !this.source) this.listen(this.conversation.id);
  }

  listen(id) {
    this.stop();
    this.of = id;
    this.source = new EventSource(find(id, "events"));
    this.source.addEventListener("message", ({ data }) => this.hear(JSON.parse(data)));
    this.source.addEventListener("typing", ({ data }) => this.typing(JSON.parse(data)));
    this.source.addEventListener("end", () => this.end());
    this.source.addEventListener("error", () => this.retry());
  }

  hear(message) {
    this.typing(false);
    const isNew = this.conversation.hear(message);
    this.conversation.save();
    if (isNew) this.shown();
    this.acknowledge(message.id);
  }

  /** The case is closed, and all of it was told. */
  end() {
    this.stop();
    this.conversation.caseNumber = null;
    this.conversation.save();
  }

  /** Tell the server what is on the screen; should that be lost, it is told once more and left out here. */
  acknowledge(number) {
    fetch(find(this.conversation.id, `heard?number=${number}`), { method: "POST", keepalive: true }).catch(() => {});
  }

  /** Let the person see that the citizen is typing; said again only after a while. */
  sayTyping() {
    if (!this.source || Date.now() - this.saidTyping < TYPING_EVERY) return;
    this.saidTyping = Date.now();
    fetch(find(this.conversation.id, "typing"), { method: "POST" }).catch(() => {});
  }

  /** A browser gives up by itself after an error of the server, but not after a broken line. */
  retry() {
    this.typing(false);
    if (this.source?.readyState !== EventSource.CLOSED) return;
    this.stop();
    setTimeout(() => this.update(), 3000);
  }

  stop() {
    this.source?.close();
    this.source = null;
    this.typing(false);
  }
}
