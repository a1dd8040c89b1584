// The stages' times over the last minute, stacked, with the line that 30 frames a second must stay below.

export const STAGES = [
  ["mesh", "#6fb7ff"],
  ["crop", "#8ee0c0"],
  ["student", "#b69cff"],
  ["composite", "#f0b64c"],
];
const SECONDS = 60;
const BUDGET = 1000 / 30;

export class Chart {
  constructor(canvas) {
    this.canvas = canvas;
    this.points = [];
  }

  add(stages) {
    const now = performance.now() / 1000;
    this.points.push({ at: now, times: STAGES.map(([name]) => stages[name].p50), chain: stages.chain.p50 });
    while (this.points[0].at < now - SECONDS) this.points.shift();
    this.draw(now);
  }

  draw(now) {
    const scale = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width) return;
    this.canvas.width = width * scale;
    this.canvas.height = height * scale;
    const context = this.canvas.getContext("2d");
    context.scale(scale, scale);
    const most = Math.max(BUDGET * 1.25, ...this.points.map((p) => 1.1 * p.times.reduce((a, b) => a + b, 0)));
    const x = (at) => width - ((now - at) / SECONDS) * width;
    const y = (ms) => height - (ms / most) * height;

    let floor = this.points.map(() => 0);
    STAGES.forEach(([, colour], stage) => {
      const top = this.points.map((point, index) => floor[index] + point.times[stage]);
      context.beginPath();
      this.points.forEach((point, index) => context.lineTo(x(point.at), y(top[index])));
      for (let index = this.points.length - 1; index >= 0; index--) {
        context.lineTo(x(this.points[index].at), y(floor[index]));
      }
      context.closePath();
      context.fillStyle = colour;
      context.globalAlpha = 0.75;
      context.fill();
      floor = top;
    });

    context.globalAlpha = 1;
    context.strokeStyle = context.fillStyle = "#eef1f6";
    context.lineWidth = 2;
    context.beginPath();
    this.points.forEach((point) => context.lineTo(x(point.at), y(point.chain)));
    context.stroke();
    context.setLineDash([4, 4]);
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(0, y(BUDGET));
    context.lineTo(width, y(BUDGET));
    context.stroke();
    context.font = "11px system-ui, sans-serif";
    context.fillText("33 ms: 30 frames a second", 4, y(BUDGET) - 4);
  }
}
