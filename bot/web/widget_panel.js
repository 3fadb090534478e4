/** The conversation inside another site's page: a dialog in the launcher's shadow. */

import { Conversation } from "./conversation.js";
import { make, makeWith } from "./markdown.js";
import { drawTalk, Talk } from "./talk.js";

export class Panel {
  /** `launcher` gets the focus when the dialog closes. */
  constructor(root, launcher) {
    const parts = drawTalk();
    const startOver = makeWith("button", { type: "button", "aria-label": "Cuộc trò chuyện mới" }, "Mới");
    const close = makeWith("button", { type: "button", "aria-label": "Đóng" }, "✕");
    const name = make("div", makeWith("h1", { id: "name" }, "Hỏi Một Cửa"), make("p", "Máy trả lời tự động, có ghi nguồn"));
    const head = makeWith("div", { class: "head" }, name, startOver, close);
    const scroller = makeWith("div", { class: "scroller" }, parts.log, parts.pending);
    const content = [head, scroller, parts.composer, parts.announcer];
    this.dialog = makeWith("dialog", { lang: "vi", "aria-labelledby": "name" }, ...content);
    root.append(this.dialog);
    const isSeen = () => this.dialog.open && !document.hidden;
    const conversation = Conversation.restore(() => localStorage);
    this.talk = new Talk(conversation, parts, { startOver, scroller, isSeen });
    close.addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("close", () => (this.talk.live.stop(), launcher.focus()));
  }

  /** Show it over the page, from where it was left. */
  open() {
    if (this.dialog.open) return;
    this.dialog.showModal();
    if (this.isStarted) this.talk.live.ask();
    else this.talk.start();
    this.isStarted = true;
    this.talk.composer.field.focus();
  }

  /** Take a key that the page's handlers were kept from. */
  press(event) {
    const { composer } = this.talk;
    if (event.type === "keydown" && event.composedPath()[0] === composer.field) composer.press(event);
  }
}
