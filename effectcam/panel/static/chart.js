// The time of each stage over the last minute, as areas on top of each other, with the chain's slow
// frames as a line and the budget as another.

const SPAN = 60_000;
const BUDGET = 33.3;
const LAYERS = ["mesh", "crop", "student", "composite"];

export class Chart {
  constructor(canvas) {
    this.canvas = canvas;
    this.samples = [];
    const style = getComputedStyle(document.documentElement);
    this.colours = Object.fromEntries(LAYERS.map((name) => [name, style.getPropertyValue(`--${name}`)]));
    this.dim = style.getPropertyValue("--dim");
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  // stages: { name: { p50, p95, p99 } } in milliseconds.
  add(stages) {
    const now = performance.now();
    this.samples.push({ at: now, stages });
    while (now - this.samples[0].at > SPAN) this.samples.shift();
    if (!document.hidden) this.draw();
  }

  forget() {
    this.samples = [];
  }

  draw() {
    const { canvas, samples } = this;
    const ratio = devicePixelRatio;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.font = "12px system-ui, sans-serif";

    const slowest = Math.max(0, ...samples.map(({ stages }) => stages.chain.p95));
    const top = Math.max(40, Math.ceil(slowest / 10 + 0.5) * 10);
    const left = 32;
    const bottom = height - 18;
    const now = performance.now();
    const x = (at) => width - ((now - at) / SPAN) * (width - left);
    const y = (ms) => bottom - (ms / top) * (bottom - 8);

    pen.fillStyle = this.dim;
    pen.strokeStyle = "#232831";
    pen.lineWidth = 1;
    const step = top > 100 ? Math.ceil(top / 50) * 10 : top > 50 ? 20 : 10;
    for (let ms = 0; ms <= top; ms += step) {
      pen.textAlign = "right";
      pen.fillText(`${ms}`, left - 6, y(ms) + 4);
      this.line(pen, [[left, y(ms)], [width, y(ms)]]);
    }
    pen.textAlign = "left";
    pen.fillText("60 s ago", left, height - 3);
    pen.textAlign = "right";
    pen.fillText("now", width, height - 3);

    let floor = samples.map(() => 0);
    for (const name of LAYERS) {
      const ceiling = samples.map(({ stages }, i) => floor[i] + stages[name].p50);
      const edge = samples.map(({ at }, i) => [x(at), y(ceiling[i])]);
      const back = samples.map(({ at }, i) => [x(at), y(floor[i])]).reverse();
      pen.fillStyle = this.colours[name];
      pen.globalAlpha = 0.75;
      this.trace(pen, [...edge, ...back]);
      pen.fill();
      pen.globalAlpha = 1;
      floor = ceiling;
    }
    pen.strokeStyle = "#fff";
    pen.lineWidth = 1.5;
    this.line(pen, samples.map(({ at, stages }) => [x(at), y(stages.chain.p95)]));

    pen.setLineDash([5, 4]);
    pen.strokeStyle = "#ff8a8a";
    this.line(pen, [[left, y(BUDGET)], [width, y(BUDGET)]]);
    pen.setLineDash([]);
    pen.fillStyle = "#ff8a8a";
    pen.textAlign = "left";
    pen.fillText("33 ms: 30 fps", left + 6, y(BUDGET) - 5);
  }

  line(pen, points) {
    this.trace(pen, points);
    pen.stroke();
  }

  trace(pen, points) {
    pen.beginPath();
    points.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  }
}
