/** The conversation as it is seen and held: on the chat page, and in the widget on other sites. */

import { Composer } from "./composer.js";
import { Live } from "./live.js";
import { drawEntry, Log } from "./log.js";
import { make, makeWith } from "./markdown.js";
import { Outbox } from "./outbox.js";

const NEAR_END = 160; // pixels: further up, the citizen is reading and is not scrolled away
const QUICK = 300; // milliseconds: an answer that comes sooner is not announced as pending
const START_OVER = "Bắt đầu cuộc trò chuyện mới? Nội dung đang hiện ở đây sẽ không xem lại được.";
const WELCOME = [
  "Chào anh/chị! Anh/chị cần làm thủ tục gì, mình chỉ giấy tờ, lệ phí, nơi nộp và cách nộp trực tuyến.",
  "Mình là máy nên có thể hiểu chưa đúng ý. Anh/chị xem nguồn ghi dưới câu trả lời trước khi đi nộp nhé.",
];
const EXAMPLES = [
  "Đăng ký kết hôn cần mang gì?",
  "Làm hộ chiếu bao nhiêu tiền?",
  "Hồ sơ của tôi tới đâu rồi?",
  "Nhận kết quả qua bưu điện",
];
const SEND = "M3 20.5 21.5 12 3 3.5 3 10l12 2-12 2z";

export class Talk {
  /** `parts` come from `drawTalk`, `scroller` is what scrolls them, `isSeen` tells whether somebody may be reading. */
  constructor(conversation, parts, { startOver, scroller, isSeen }) {
    Object.assign(this, { conversation, parts, scroller, isTyping: false }); // a person is typing, to this citizen
    const shown = () => this.show();
    this.log = new Log(parts.log, (choice) => this.say(choice.title, choice.payload));
    this.outbox = new Outbox(conversation, { shown, givenBack: (message) => this.givenBack(message) });
    this.live = new Live(conversation, { shown, typing: (is) => this.showTyping(is), isSeen });
    this.composer = new Composer(parts.composer, parts.announcer, {
      written: (text) => this.say(text),
      drafted: (text) => this.drafted(text),
    });
    startOver.addEventListener("click", () => this.startOver());
    for (const example of parts.log.querySelectorAll("#examples button"))
      example.addEventListener("click", () => this.say(example.textContent));
    window.addEventListener("online", () => this.outbox.wake());
    document.addEventListener("visibilitychange", () => document.hidden || this.outbox.wake());
  }

  /** Show what was said before, without reading it out again, and go on with it. */
  start() {
    const { log } = this.parts;
    log.setAttribute("aria-live", "off");
    this.show();
    this.log.follow(this.conversation.newest()?.key);
    requestAnimationFrame(() => log.setAttribute("aria-live", "polite"));
    this.composer.giveBack(this.conversation.draft);
    this.outbox.send();
    this.live.keepAsking();
  }

  say(text, payload = null) {
    const message = this.conversation.say(text, payload);
    this.conversation.save();
    this.show();
    this.log.follow(message.key);
    this.outbox.wake();
    this.outbox.send();
  }

  show() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    const fresh = this.log.show(this.conversation.entries);
    this.showPending();
    if (scrollHeight - scrollTop - clientHeight < NEAR_END && fresh.length) this.log.follow(fresh[0].key);
    this.live.update();
  }

  showPending() {
    const { pending } = this.parts;
    const isPending = this.outbox.isSending && !this.conversation.nextWaiting()?.trouble;
    clearTimeout(this.pendingTimer);
    if (!isPending) pending.textContent = this.isTyping ? "Nhân viên đang gõ…" : "";
    else this.pendingTimer = setTimeout(() => (pending.textContent = "Đang trả lời…"), QUICK);
  }

  showTyping(is) {
    if (is === this.isTyping) return;
    this.isTyping = is;
    this.showPending();
  }

  givenBack({ text, payload }) {
    if (payload === null) this.composer.giveBack(text);
  }

  drafted(text) {
    this.conversation.draft = text;
    if (text) this.live.sayTyping();
    this.conversation.save();
  }

  startOver() {
    if (this.conversation.entries.length && !window.confirm(START_OVER)) return;
    this.outbox.reset();
    this.conversation.startOver();
    this.composer.clear();
    this.show();
    this.composer.field.focus();
    this.scroller.scrollTo(0, 0);
  }
}

/** Draw the log with its welcome, the line that tells what is under way, the form and the announcer. */
export function drawTalk() {
  const log = makeWith("div", { id: "log", class: "log", role: "log", "aria-label": "Cuộc trò chuyện", tabindex: -1 });
  log.append(drawWelcome());
  return {
    log,
    pending: makeWith("p", { id: "pending", class: "pending", role: "status" }),
    composer: drawComposer(),
    announcer: makeWith("p", { id: "announcer", class: "visually-hidden", role: "status" }),
  };
}

/** Draw a sign of one path. */
export function drawSign(path) {
  const [svg, shape] = ["svg", "path"].map((name) => document.createElementNS("http://www.w3.org/2000/svg", name));
  for (const [name, value] of [["viewBox", "0 0 24 24"], ["width", 20], ["height", 20], ["aria-hidden", true]])
    svg.setAttribute(name, value);
  shape.setAttribute("d", path);
  shape.setAttribute("fill", "currentColor");
  svg.append(shape);
  return svg;
}

function drawWelcome() {
  const bubble = makeWith("div", { class: "bubble" }, ...WELCOME.map((text) => make("p", text)));
  const group = { id: "examples", class: "choices", role: "group", "aria-label": "Câu hỏi mẫu" };
  const examples = EXAMPLES.map((text) => makeWith("button", { type: "button" }, text));
  const welcome = drawEntry("answer", "Hỏi Một Cửa", bubble, makeWith("div", group, ...examples));
  welcome.id = "welcome";
  return welcome;
}

function drawComposer() {
  const label = makeWith("label", { class: "visually-hidden", for: "question" }, "Câu hỏi của anh/chị");
  const field = makeWith("textarea", {
    id: "question",
    rows: 1,
    maxlength: 2000,
    placeholder: "Nhập câu hỏi…",
    autocomplete: "off",
    enterkeyhint: "send",
    "aria-describedby": "hint counter",
  });
  const send = makeWith("button", { class: "send", type: "submit" }, drawSign(SEND), "Gửi");
  const keys = makeWith("span", { class: "keys" }, " Enter để gửi, Shift+Enter để xuống dòng.");
  const hint = makeWith("p", { id: "hint" }, "Đừng gửi số căn cước, ảnh giấy tờ.", keys);
  const notes = makeWith("div", { class: "composer-notes" }, hint, makeWith("p", { id: "counter", class: "counter" }));
  const row = makeWith("div", { class: "composer-row" }, label, field, send);
  return makeWith("form", { id: "composer", class: "composer", "aria-label": "Gửi câu hỏi" }, makeWith("div", { class: "column" }, row, notes));
}
