// The live picture, before the effect left of the divider and after it on the right.

import { openSocket, whyRefused } from "/run.js";

const AGAIN = 1500;

// Both pictures of a message; null for a pair that the browser cannot show: the next one will do.
async function decoded(pair) {
  try {
    const length = new DataView(pair).getUint32(0);
    const jpeg = (from, to) => createImageBitmap(new Blob([pair.slice(from, to)], { type: "image/jpeg" }));
    return await Promise.all([jpeg(4, 4 + length), jpeg(4 + length)]);
  } catch {
    return null;
  }
}

export class LivePicture {
  constructor(stage) {
    this.stage = stage;
    this.canvas = stage.querySelector("canvas");
    this.divider = stage.querySelector("[role=slider]");
    this.note = stage.querySelector("p");
    this.at = 50;
    this.covered = false;
    this.pictures = null;
    this.waiting = null;
    this.decoding = false;
    this.blank("no picture yet");
    this.listen();
    document.addEventListener("visibilitychange", () => this.follow());
    this.follow();
  }

  // Nothing of the bare picture is to be seen during a panic: the screen may be shared.
  cover(on) {
    if (on === this.covered) return;
    this.covered = on;
    this.draw();
  }

  blank(words) {
    this.pictures = null;
    this.note.textContent = words;
    this.stage.classList.add("blank");
    this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  // Pictures are made only for a page that is seen.
  async follow() {
    clearTimeout(this.timer);
    if (document.hidden) {
      this.socket?.close();
      return;
    }
    if (this.socket || this.opening) return;
    this.opening = true;
    const socket = await openSocket("/preview.ws").catch(() => null);
    this.opening = false;
    if (!socket) {
      this.timer = setTimeout(() => this.follow(), AGAIN);
      return;
    }
    if (document.hidden) {
      socket.close();
      return;
    }
    let opened = false;
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => (opened = true);
    socket.onmessage = ({ data }) => this.receive(data);
    socket.onclose = () => {
      this.socket = null;
      if (document.hidden) return;
      this.timer = setTimeout(() => this.follow(), AGAIN);
      if (!opened) this.explain();
    };
  }

  // Where there is no run at all the page says so.
  async explain() {
    const [status, words] = await whyRefused("/preview.ws");
    if (status === 503 && !this.pictures) this.blank(words);
  }

  async receive(data) {
    this.waiting = data;
    if (this.decoding) return;
    this.decoding = true;
    try {
      while (this.waiting) {
        const pair = this.waiting;
        this.waiting = null;
        const pictures = await decoded(pair);
        if (!pictures) continue;
        this.pictures?.forEach((picture) => picture.close());
        this.pictures = pictures;
        this.draw();
      }
    } finally {
      this.decoding = false;
    }
  }

  draw() {
    if (!this.pictures) return;
    const [before, after] = this.pictures;
    const { canvas } = this;
    if (canvas.width !== after.width || canvas.height !== after.height) {
      canvas.width = after.width;
      canvas.height = after.height;
      this.stage.style.aspectRatio = `${after.width} / ${after.height}`;
    }
    this.note.textContent = "";
    this.stage.classList.remove("blank");
    const pen = canvas.getContext("2d");
    pen.drawImage(after, 0, 0);
    const split = Math.round((canvas.width * this.at) / 100);
    if (split && !this.covered) pen.drawImage(before, 0, 0, split, canvas.height, 0, 0, split, canvas.height);
  }

  move(percent) {
    this.at = Math.min(100, Math.max(0, percent));
    this.divider.style.left = `${this.at}%`;
    this.divider.setAttribute("aria-valuenow", Math.round(this.at));
    this.divider.setAttribute("aria-valuetext", `${Math.round(this.at)} % before`);
    this.draw();
  }

  listen() {
    const { divider } = this;
    divider.addEventListener("pointerdown", (event) => divider.setPointerCapture(event.pointerId));
    divider.addEventListener("pointermove", (event) => {
      if (!divider.hasPointerCapture(event.pointerId)) return;
      const box = this.stage.getBoundingClientRect();
      this.move(((event.clientX - box.left) / box.width) * 100);
    });
    divider.addEventListener("dblclick", () => this.move(50));
    divider.addEventListener("keydown", (event) => {
      const to = {
        ArrowLeft: this.at - 2, ArrowDown: this.at - 2, ArrowRight: this.at + 2, ArrowUp: this.at + 2,
        PageDown: this.at - 10, PageUp: this.at + 10, Home: 0, End: 100, Enter: 50,
      }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      this.move(to);
    });
  }
}
