"use strict";
/* Everything works without this file; with it, charts answer to the pointer, the slider answers at once. */

(function () {
  function number(cell) {
    return Number(cell.textContent.trim());
  }

  /* The table beside the chart holds the numbers: they are drawn from there. */
  function drawVolume(box) {
    const table = document.querySelector("[data-volume]");
    if (!window.uPlot || !table) return;
    const rows = Array.from(table.tBodies[0].rows).reverse();
    if (!rows.length) return;
    const names = Array.from(table.tHead.rows[0].cells, (cell) => cell.textContent.trim());
    const days = rows.map((row) => Date.parse(row.cells[0].textContent.trim() + "T00:00Z") / 1000);
    const relevant = rows.map((row) => number(row.cells[1]));
    const stories = rows.map((row) => number(row.cells[2]));
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const day = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);
    const svg = box.querySelector("svg");
    const options = {
      width: box.clientWidth,
      height: 200,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
      scales: {
        x: { range: (u, low, high) => [low - 43200, high + 43200] }, /* half a day, so that no bar is cut */
        y: { range: (u, low, high) => [0, Math.max(2, Math.ceil(high * 1.1))] },
      },
      axes: [
        Object.assign({}, axis, { grid: { show: false }, values: (u, splits) => splits.map((each) => day(each).slice(8) + "." + day(each).slice(5, 7) + "."), space: 70 }),
        Object.assign({}, axis, { size: 40, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] }),
      ],
      series: [
        { label: names[0], value: (u, value) => (value == null ? "–" : day(value)) },
        { label: names[1], fill: colour("--bar"), stroke: colour("--bar"), width: 0, paths: uPlot.paths.bars({ size: [0.72, 60] }), points: { show: false } },
        { label: names[2], paths: () => null, points: { show: false } }, /* only said in the legend */
      ],
    };
    const chart = new uPlot(options, [days, relevant, stories], box);
    chart.root.setAttribute("aria-hidden", "true"); /* the drawing keeps its label for those who hear it */
    svg.classList.add("heard");
    new ResizeObserver(() => chart.setSize({ width: box.clientWidth, height: 200 })).observe(box);
  }

  /* A form whose answer has one part that changes: that part is fetched and put in its place. */
  function live(form) {
    const target = document.getElementById(form.dataset.live);
    let last = 0;
    async function refresh() {
      const turn = ++last;
      const url = form.action.split("?")[0] + "?" + new URLSearchParams(new FormData(form));
      const answer = await fetch(url, { credentials: "same-origin" });
      if (!answer.ok || turn !== last) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (turn !== last) return;
      target.replaceChildren(...fresh.getElementById(form.dataset.live).childNodes);
      for (const point of document.querySelectorAll(".pr")) point.replaceWith(fresh.querySelector(".pr"));
      history.replaceState(null, "", url);
      localTimes(target);
    }
    form.addEventListener("input", (event) => {
      const output = event.target.parentElement.querySelector("output");
      if (output) output.value = Number(event.target.value).toFixed(2);
    });
    form.addEventListener("change", () => refresh().catch(() => form.submit()));
    form.querySelector("button").hidden = true;
  }

  function localTimes(root) {
    for (const each of root.querySelectorAll("time[datetime*='T']")) {
      each.title = new Date(each.dateTime).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
    }
  }

  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) return;
    const field = document.querySelector("[data-shortcut='/']");
    if (field) {
      event.preventDefault();
      field.focus();
    }
  });

  for (const box of document.querySelectorAll("[data-chart='volume']")) drawVolume(box);
  for (const form of document.querySelectorAll("form[data-live]")) live(form);
  localTimes(document);
})();
