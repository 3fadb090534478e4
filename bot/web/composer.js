/** The field for the question: grows with it, counts near the end, sends on Enter. */

const COUNT_FROM = 1800; // characters

export class Composer {
  /** `written` gets a text to send, `drafted` every change of the field. */
  constructor(form, announcer, { written, drafted }) {
    Object.assign(this, { form, announcer, written, drafted });
    this.field = form.querySelector("textarea");
    this.counter = form.querySelector(".counter");
    this.wasNearEnd = false;
    form.addEventListener("submit", (event) => (event.preventDefault(), this.submit()));
    this.field.addEventListener("input", () => this.refresh());
    this.field.addEventListener("keydown", (event) => this.press(event));
  }

  /** Put a text into the field, before what is already being written there. */
  giveBack(text) {
    this.field.value = [text, this.field.value].filter(Boolean).join("\n");
    this.refresh();
  }

  /** Empty the field. */
  clear() {
    this.field.value = "";
    this.refresh();
  }

  press(event) {
    const isComposing = event.isComposing || event.keyCode === 229; // Enter then ends a Telex syllable
    if (event.key !== "Enter" || event.shiftKey || isComposing) return;
    event.preventDefault();
    this.submit();
  }

  submit() {
    const text = this.field.value.normalize("NFC").trim();
    this.field.focus();
    if (!text) return;
    if (text.length > this.field.maxLength) return this.announceRoom();
    this.clear();
    this.written(text);
  }

  refresh() {
    this.drafted(this.field.value);
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight + this.field.offsetHeight - this.field.clientHeight}px`;
    this.count();
  }

  count() {
    const { length } = this.field.value;
    const isNearEnd = length >= COUNT_FROM;
    this.counter.textContent = isNearEnd ? `${length}/${this.field.maxLength} ký tự` : "";
    this.counter.classList.toggle("full", length >= this.field.maxLength);
    if (isNearEnd && (!this.wasNearEnd || length >= this.field.maxLength)) this.announceRoom();
    this.wasNearEnd = isNearEnd;
  }

  announceRoom() {
    const room = this.field.maxLength - this.field.value.length;
    this.announcer.textContent = room > 0 ? `Còn ${room} ký tự.` : `Tối đa ${this.field.maxLength} ký tự.`;
  }
}
