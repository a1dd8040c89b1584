"use strict";

/** Before and after: which frame, where the divider is, output or difference. */
for (const compare of document.querySelectorAll(".compare")) {
  compare.classList.add("scripted");
  const stages = [...compare.querySelectorAll(".stage")];
  const sliders = stages.map((stage) => stage.querySelector("input"));
  const place = (at) => {
    stages.forEach((stage, number) => {
      sliders[number].value = at;
      sliders[number].setAttribute("aria-valuetext", `${at} % before the effect`);
      stage.style.setProperty("--at", `${at}%`);
    });
  };
  for (const slider of sliders) slider.addEventListener("input", () => place(slider.value));
  for (const choice of compare.querySelectorAll("input[type=radio]")) {
    // A browser that comes back to the page remembers what was chosen.
    const show = () => stages.forEach((stage, number) => stage.classList.toggle("on", number === +choice.value));
    if (choice.checked) show();
    choice.addEventListener("change", show);
  }
  const heat = compare.querySelector(".heat");
  const heated = () => compare.classList.toggle("heated", heat.checked);
  heat.addEventListener("change", heated);
  heated();
  place(50);
}

/** Timelines: one frame is read in all of a clip's at once. */
const [WIDTH, LEFT, RIGHT] = [960, 64, 12];

for (const clip of document.querySelectorAll(".clip")) {
  const reading = clip.querySelector(".reading");
  if (!reading) continue;
  const told = clip.querySelector("output");
  const { every, stamps } = clip.querySelector(".reader").dataset;
  const begins = JSON.parse(stamps);
  // Within a stretch of several frames time is taken to run evenly, beyond the last as before it.
  const seconds = (frame) => {
    const place = Math.floor(frame / every);
    const from = begins[place];
    const to = begins[place + 1] ?? 2 * from - (begins[place - 1] ?? from);
    return from + ((to - from) * (frame % every)) / every;
  };
  const plots = [...clip.querySelectorAll(".timeline")].map((row) => {
    const drawing = row.querySelector("svg");
    return {
      drawing,
      frames: +drawing.dataset.frames,
      lines: JSON.parse(drawing.dataset.lines),
      look: drawing.querySelector(".look"),
      value: row.querySelector(".value"),
    };
  });
  const number = (line, frame) => {
    const place = line.first.indexOf(frame - (frame % line.every));
    return place < 0 ? "none" : line.mean[place].toString();
  };
  const read = (frame) => {
    reading.value = frame;
    told.textContent = `frame ${frame}, ${seconds(frame).toFixed(2)} s`;
    for (const { look, value, lines, frames } of plots) {
      const x = LEFT + ((WIDTH - LEFT - RIGHT) * frame) / Math.max(1, frames - 1);
      look.setAttribute("x1", x);
      look.setAttribute("x2", x);
      look.style.visibility = "visible";
      value.textContent = lines
        .map((line) => (lines.length > 1 ? `${line.name} ` : "") + number(line, frame))
        .join(", ");
    }
  };
  reading.addEventListener("input", () => read(+reading.value));
  for (const link of clip.querySelectorAll("button[data-frame]")) {
    link.addEventListener("click", () => {
      read(+link.dataset.frame);
      reading.scrollIntoView({ block: "center" });
      reading.focus({ preventScroll: true });
    });
  }
  for (const { drawing, frames } of plots) {
    drawing.addEventListener("pointermove", (event) => {
      const box = drawing.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * WIDTH;
      const share = (x - LEFT) / (WIDTH - LEFT - RIGHT);
      read(Math.round(Math.min(1, Math.max(0, share)) * (frames - 1)));
    });
  }
}
