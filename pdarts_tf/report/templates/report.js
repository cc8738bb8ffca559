"use strict";
// One slider per run moves its heat maps, the markers and the values of its charts together.

const PLAY_MILLISECONDS = 400;

function setUpCourse(course) {
  const data = JSON.parse(document.getElementById(course.dataset.course).textContent);
  const slider = course.querySelector("input[type=range]");
  const output = course.querySelector("output");
  const scale = course.querySelectorAll("[data-scale]");
  const heatMaps = [...course.querySelectorAll("[data-heat]")].map((table) => ({
    cell: table.dataset.heat,
    rows: [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll("td")]),
  }));
  const charts = [...course.querySelectorAll("[data-chart]")].map((figure) => ({
    ...data.charts[figure.dataset.chart],
    svg: figure.querySelector("svg[role=img]"),
    marker: figure.querySelector(".marker"),
    values: [...figure.querySelectorAll(".value")],
  }));

  function show() {
    const epoch = Number(slider.value);
    output.value = data.labels[epoch];
    slider.setAttribute("aria-valuetext", data.labels[epoch]);
    const heat = data.heat[epoch];
    for (const { cell, rows } of heatMaps) showHeat(rows, heat ? heat[cell] : null);
    if (heat) scale.forEach((end, i) => { end.textContent = heat.scale[i]; });
    for (const { xs, texts, marker, values } of charts) {
      marker.setAttribute("transform", `translate(${xs[epoch] - xs[xs.length - 1]})`);
      values.forEach((value, line) => { value.textContent = texts[line][epoch]; });
    }
  }

  function goTo(epoch) {
    slider.value = epoch;
    show();
  }

  slider.addEventListener("input", show);
  for (const { svg, xs } of charts) {
    svg.addEventListener("pointerdown", (event) => goTo(nearest(svg, xs, event)));
    svg.addEventListener("pointermove", (event) => {
      if (event.buttons & 1) goTo(nearest(svg, xs, event));
    });
  }
  setUpPlay(course.querySelector("[data-play]"), slider, goTo);
  show(); // browsers may restore the slider's value when a page is loaded again
}

function showHeat(rows, map) {
  rows.forEach((cells, edge) => cells.forEach((cell, operation) => {
    const value = map ? map.probabilities[edge][operation] : null;
    const chosen = Boolean(map) && map.chosen.some(([e, o]) => e === edge && o === operation);
    cell.className = value === null ? "gone" : chosen ? "chosen" : "";
    if (value === null) {
      cell.removeAttribute("style");
      cell.replaceChildren(hidden(map ? "dropped" : "unknown"));
      return;
    }
    cell.style.setProperty("--p", map.shades[edge][operation]);
    cell.replaceChildren(value.toFixed(2), ...(chosen ? [hidden(" chosen")] : []));
  }));
}

function hidden(text) {
  const span = document.createElement("span");
  span.className = "hidden";
  span.textContent = text;
  return span;
}

function nearest(svg, xs, event) {
  const box = svg.getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
  let best = 0;
  xs.forEach((each, epoch) => { if (Math.abs(each - x) < Math.abs(xs[best] - x)) best = epoch; });
  return best;
}

function setUpPlay(button, slider, goTo) {
  let timer = null;
  function stop() {
    clearInterval(timer);
    timer = null;
    button.textContent = "▶ Play";
  }
  button.addEventListener("click", () => {
    if (timer !== null) {
      stop();
      return;
    }
    if (slider.value === slider.max) goTo(0);
    button.textContent = "❚❚ Pause";
    timer = setInterval(() => {
      goTo(Number(slider.value) + 1);
      if (slider.value === slider.max) stop();
    }, PLAY_MILLISECONDS);
  });
  slider.addEventListener("pointerdown", stop);
}

document.querySelectorAll("[data-course]").forEach(setUpCourse);
