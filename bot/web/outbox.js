/**
 * Send what waits, one message after the other, each with its own key, until it is answered or refused.
 *
 * The server answers a key once, so sending again after a lost answer never asks twice.
 */

import { post } from "./post.js";

const LONGEST_PAUSE = 30; // seconds
const MOST_FAULTS = 5; // errors of the server for one message before it is given back
const NOT_SENT = "Chưa gửi được, đang thử lại…";
const SERVER_FAULT = "Máy chủ đang trục trặc. Anh/chị thử gửi lại sau ít phút.";
const NOT_TAKEN = "Máy chủ không nhận tin nhắn này.";

export class Outbox {
  /** `shown` is told after every change, `givenBack` gets a refused message. */
  constructor(conversation, { shown, givenBack }) {
    Object.assign(this, { conversation, shown, givenBack });
    this.isSending = false;
    this.reset();
  }

  /** Send everything that waits; does nothing when it is already at it. */
  async send() {
    const { run } = this;
    if (run.isBusy) return;
    run.isBusy = true;
    let message;
    while (!run.stop.signal.aborted && (message = this.conversation.nextWaiting())) await this.attempt(message, run);
    run.isBusy = false;
  }

  /** Try again at once, unless the server itself asked for the pause. */
  wake() {
    this.run.failures = 0;
    this.run.endPause();
  }

  /** Let go of what is under way; its outcome no longer matters. */
  reset() {
    this.run?.stop.abort();
    this.run?.endPause();
    this.run = { isBusy: false, failures: 0, faults: 0, stop: new AbortController(), endPause() {} };
    this.isSending = false;
  }

  async attempt(message, run) {
    message.sentTo = this.conversation.id;
    this.change(() => (this.isSending = true));
    const outcome = await post(message, message.sentTo, run.stop.signal);
    if (run.stop.signal.aborted) return;
    this.isSending = false;
    if (outcome.kind === "later") await this.postpone(message, outcome, run);
    else this.settle(message, outcome, run);
  }

  settle(message, outcome, run) {
    Object.assign(run, { failures: 0, faults: 0 });
    if (outcome.kind === "answered") this.change(() => this.conversation.answer(message, outcome.body));
    else if (outcome.field === "conversation_id" && message.sentTo !== null)
      this.change(() => this.conversation.restartBefore(message)); // still waiting, so it goes out again
    else this.refuse(message, outcome.detail ?? NOT_TAKEN);
  }

  async postpone(message, { seconds, isFault }, run) {
    if (isFault && ++run.faults >= MOST_FAULTS) return this.settle(message, { detail: SERVER_FAULT }, run);
    const trouble = seconds ? `Chưa gửi được, sẽ tự gửi lại sau ${seconds} giây.` : NOT_SENT;
    this.change(() => (message.trouble = trouble));
    const pause = seconds ?? growingPause(run.failures++);
    await rest(pause, run, seconds === undefined);
  }

  refuse(message, reason) {
    this.change(() => this.conversation.refuse(message, reason));
    this.givenBack(message);
  }

  change(act) {
    act();
    this.conversation.save();
    this.shown();
  }
}

/** Pause 1, 2, 4 … seconds, a little scattered so that a crowd does not come back at the same instant. */
function growingPause(failures) {
  return Math.min(2 ** failures, LONGEST_PAUSE) * (0.75 + Math.random() / 2);
}

function rest(seconds, run, mayWake) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    const end = () => (clearTimeout(timer), resolve());
    run.stop.signal.addEventListener("abort", end, { once: true });
    run.endPause = mayWake ? end : () => {};
  });
}
