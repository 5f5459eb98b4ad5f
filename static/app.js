// What script adds to pages that work without it: theme, copying, keys, the live preview, rows of forms, the chart.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const root = document.documentElement;

  // ---- theme: as the system, light, dark ----
  const THEMES = ["", "light", "dark"];
  const THEME_NAMES = { "": "Theme: system", light: "Theme: light", dark: "Theme: dark" };
  function showTheme() {
    const name = THEME_NAMES[root.dataset.theme || ""];
    for (const label of all("[data-theme-name]")) label.textContent = name;
  }
  function nextTheme() {
    const next = THEMES[(THEMES.indexOf(root.dataset.theme || "") + 1) % THEMES.length];
    if (next) root.dataset.theme = next; else delete root.dataset.theme;
    try { next ? localStorage.setItem("theme", next) : localStorage.removeItem("theme"); } catch { /* not kept then */ }
    showTheme();
    document.dispatchEvent(new Event("themechange"));
  }

  // ---- copying ----
  async function copy(button) {
    const text = button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without https the clipboard is closed to script: select a hidden field and copy the old way.
      const field = document.createElement("textarea");
      field.value = text;
      field.className = "sr";
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    const label = button.dataset.label ||= button.textContent;
    button.textContent = "Copied";
    clearTimeout(button.timer);
    button.timer = setTimeout(() => { button.textContent = label; }, 1600);
  }

  // ---- clicks, all in one place so that swapped-in parts need no wiring ----
  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest(selector);
    for (const open of all("details.popover[open]")) if (!open.contains(event.target)) open.open = false;
    if (at("[data-theme-switch]")) nextTheme();
    if (at("[data-copy]")) copy(at("[data-copy]"));
    if (at("[data-dismiss]")) at("[data-notice]").remove();
    if (at("[data-macro]")) putMacro(at("[data-macro]").dataset.macro);
    const row = at("[data-add-path], [data-add-pick], [data-add-pair], [data-remove]");
    if (row) { event.preventDefault(); changeRows(row); }
  });

  // ---- keys: / to search, Escape to close, j and k or arrows along a table, Enter to open ----
  function typing(target) {
    return target.matches?.("input, select, textarea, [contenteditable]");
  }
  function stepRow(step) {
    const rows = all("table[data-keys] tbody tr");
    if (!rows.length) return;
    const now = rows.findIndex((row) => row.classList.contains("at"));
    const next = rows[Math.min(Math.max(now + step, 0), rows.length - 1)];
    if (now >= 0) rows[now].classList.remove("at");
    next.classList.add("at");
    (next.querySelector("a, button") || next).focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const open = event.target.closest?.("details.popover[open]") || document.querySelector("details.popover[open]");
      if (open) { open.open = false; open.querySelector("summary").focus(); }
      const drawer = document.getElementById("drawer");
      if (drawer) drawer.checked = false;
      return;
    }
    if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    const inTable = event.target.closest?.("table[data-keys]");
    if (event.key === "/") {
      const box = document.querySelector("[data-slash]") || document.querySelector("input[type=search]");
      if (box) { event.preventDefault(); box.focus(); box.select(); }
    } else if (event.key === "j" || (event.key === "ArrowDown" && inTable)) {
      event.preventDefault(); stepRow(1);
    } else if (event.key === "k" || (event.key === "ArrowUp" && inTable)) {
      event.preventDefault(); stepRow(-1);
    }
  });

  // ---- a template's filled form, while one types ----
  let lastTemplate = null;
  function wireTemplate(box) {
    const input = box.querySelector("input, textarea");
    const preview = box.querySelector(".preview");
    let timer;
    let asked = 0;
    input.addEventListener("focus", () => { lastTemplate = input; });
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(async () => {
        const turn = ++asked;
        const body = new URLSearchParams({ template: input.value, kind: box.dataset.template });
        try {
          const answer = await fetch("/templates/preview", { method: "POST", body, headers: { Accept: "application/json" } });
          if (!answer.ok || turn !== asked) return;
          showPreview(input, preview, await answer.json());
        } catch { /* away for a moment: the server checks again when the form is saved */ }
      }, 200);
    });
    lastTemplate ||= input;
  }
  function line(className, ...parts) {
    const p = document.createElement("p");
    p.className = className;
    p.append(...parts);
    return p;
  }
  // The answer: {"filled":"https://..."} or {"message":"...","start":48,"end":56} with places in characters.
  function showPreview(input, preview, answer) {
    preview.replaceChildren();
    const bad = typeof answer.message === "string";
    input.toggleAttribute("aria-invalid", false);
    if (bad) {
      input.setAttribute("aria-invalid", "true");
      if (Number.isInteger(answer.start) && answer.end > answer.start) {
        const chars = [...input.value];
        const mark = document.createElement("u");
        mark.textContent = chars.slice(answer.start, answer.end).join("");
        preview.append(line("preview-url", chars.slice(0, answer.start).join(""), mark, chars.slice(answer.end).join("")));
      }
      preview.append(line("field-error", answer.message));
    } else if (answer.filled) {
      const said = input.closest("[data-template]").dataset.said || "A sample click would go to";
      preview.append(line("preview-label", said), line("preview-url", answer.filled));
    }
  }
  function putMacro(macro) {
    const input = lastTemplate;
    if (!input) return;
    input.setRangeText(macro, input.selectionStart ?? input.value.length, input.selectionEnd ?? input.value.length, "end");
    input.focus();
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // ---- rows of forms: added from a <template>, removed in place ----
  let nextKey = 1000; // above every number that the server gives out first
  function fromTemplate(template, mark, path = "__P__") {
    // A part that the server drew anew goes on from the highest number that it saw.
    while (document.querySelector(`[name*=".${nextKey}."]`)) nextKey++;
    const key = String(nextKey++);
    const holder = document.createElement("div");
    holder.innerHTML = template.innerHTML.replaceAll("__P__", path).replaceAll(mark, key);
    return holder.firstElementChild;
  }
  function changeRows(button) {
    const form = button.form;
    if (button.matches("[data-add-path]")) {
      const list = button.dataset.addPath;
      const path = fromTemplate(document.getElementById("path-template"), "__K__", `${list}.__K__`);
      form.querySelector(`[data-path-list="${list}"]`).append(path);
      path.querySelector(".path-name").focus();
    } else if (button.matches("[data-add-pick]")) {
      const part = button.closest("[data-picks]");
      // All paths copy their rows from the empty path: such a row holds everything that can be chosen.
      const blank = document.getElementById("path-template").content;
      const template = blank.querySelector(`[data-picks="${part.dataset.picks}"] > template`);
      const row = fromTemplate(template, "__R__", part.closest("[data-path]").dataset.path);
      part.querySelector("[data-pick-list]").append(row);
      row.querySelector("select").focus();
    } else if (button.matches("[data-add-pair]")) {
      const part = button.closest("[data-pairs]");
      const row = fromTemplate(part.querySelector(":scope > template"), "__R__");
      part.querySelector("[data-pair-list]").append(row);
      row.querySelector("input").focus();
    } else {
      button.closest(button.dataset.remove).remove();
    }
    for (const part of all("[data-picks]")) {
      const none = part.querySelector("[data-none]");
      if (none) none.hidden = Boolean(part.querySelector("[data-pick-list] .choice"));
    }
    shares();
  }
  // Weights as per cent, within each group of weights.
  function shareOut(inputs) {
    const weights = inputs.map((input) => Math.max(0, Number(input.value) || 0));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    inputs.forEach((input, i) => {
      const label = input.closest(".choice, .path-head").querySelector("[data-share]");
      const share = total ? (weights[i] / total) * 100 : 0;
      label.textContent = total ? `${Number.isInteger(share) ? share : share.toFixed(1)}%` : "–";
    });
  }
  function shares() {
    for (const list of all("[data-path-list]")) shareOut(all("[data-weight=path]", list));
    for (const part of all("[data-path-list] [data-picks]")) shareOut(all("[data-weight=pick]", part));
  }
  document.addEventListener("input", (event) => { if (event.target.matches?.("[data-weight]")) shares(); });

  // ---- the chart: money as lines above, clicks as bars in a strip of their own below ----
  function colour(token) {
    const probe = document.createElement("i");
    probe.style.color = `var(${token})`;
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  }
  function axisMoney(data, value) {
    const size = Math.abs(value);
    const digits = size >= 10000 ? `${+(size / 1000).toFixed(1)}k` : size.toLocaleString("en-US", { maximumFractionDigits: 2 });
    return `${value < 0 ? "−" : ""}${data.before}${digits}${data.after}`;
  }
  function axisCount(value) {
    return value >= 10000 ? `${+(value / 1000).toFixed(1)}k` : String(value);
  }
  function drawChart(box) {
    const data = JSON.parse(box.dataset.chart);
    const numbers = (list) => list.map((value) => (value === null ? null : Number(value)));
    const xs = data.labels.map((_, i) => i);
    const ink = { faint: colour("--muted"), line: colour("--soft"), accent: colour("--accent"), ink: colour("--ink"),
      gain: colour("--gain"), dotted: colour("--faint"), bars: colour("--bars") };
    const font = "11px Inter, system-ui, sans-serif";
    const axisWidth = 58;
    const width = box.clientWidth;
    const compared = data.compare.length > 0;
    const everyX = Math.max(1, Math.ceil(data.labels.length / Math.max(3, Math.floor((width - axisWidth) / 76))));
    const scaleX = { time: false, range: () => [-0.5, xs.length - 0.5] };
    const snap = (plot, left, top) => (left < 0 ? [left, top] : [plot.valToPos(plot.posToIdx(left), "x"), top]);
    const cursor = { move: snap, sync: { key: "chart" }, y: false, points: { show: false }, drag: { setScale: false, x: false, y: false } };
    const series = (stroke, more = {}) => ({ stroke, width: 1.75, points: { show: false }, ...more });
    const yAxis = (values, space) => ({ size: axisWidth, font, stroke: ink.faint, space, gap: 8, values,
      grid: { stroke: ink.line, width: 1 }, ticks: { show: false } });
    const ticks = (max) => (max > 0 ? [0, max] : [0]);

    box.replaceChildren();
    const top = document.createElement("div"); top.className = "money";
    const bottom = document.createElement("div"); bottom.className = "strip";
    const tip = document.createElement("div"); tip.className = "tip"; tip.hidden = true;
    box.append(top, bottom, tip);
    const hooks = { setCursor: [(plot) => showTip(plot, box, tip)] };

    const money = new uPlot({
      width, height: top.clientHeight, padding: [12, 6, 6, 0], legend: { show: false }, cursor, hooks,
      scales: { x: scaleX, y: { range: (_, low, high) => uPlot.rangeNum(Math.min(0, low ?? 0), high > 0 ? high : 1, 0.08, true) } },
      axes: [{ show: false }, yAxis((_, splits) => splits.map((v) => axisMoney(data, v)), 36)],
      series: [{}, series(ink.dotted, { width: 1.5, dash: [2, 4], show: compared }), series(ink.ink), series(ink.gain, { width: 1.25 }), series(ink.accent, { width: 2 })],
    }, [xs, compared ? numbers(data.compare) : xs.map(() => null), numbers(data.cost), numbers(data.profit), numbers(data.revenue)], top);

    const most = Math.max(1, ...data.clicks.map((n) => n ?? 0));
    const round = 10 ** Math.max(0, Math.floor(Math.log10(most)) - 1);
    const ceiling = Math.ceil(most / round) * round;
    const clicks = new uPlot({
      width, height: bottom.clientHeight, padding: [6, 6, 0, 0], legend: { show: false }, cursor, hooks,
      scales: { x: scaleX, y: { range: [0, ceiling] } },
      axes: [
        { size: 22, font, stroke: ink.faint, gap: 6, grid: { show: false }, ticks: { show: false },
          splits: () => xs.filter((i) => i % everyX === 0), values: (_, splits) => splits.map((i) => data.labels[i] ?? "") },
        { ...yAxis((_, splits) => splits.map(axisCount), 20), splits: () => ticks(ceiling) },
      ],
      series: [{}, { fill: ink.bars, width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.78, 48], radius: [0.12, 0] }) }],
    }, [xs, numbers(data.clicks)], bottom);
    return [money, clicks];
  }
  // Shows the row of the table beneath: the words there are the server's, so both always agree.
  function showTip(plot, box, tip) {
    const { idx, left } = plot.cursor;
    const row = idx == null || left < 0 ? null : document.querySelector("#chart-table tbody").rows[idx];
    tip.hidden = !row;
    if (!row) return;
    const heads = document.querySelector("#chart-table thead tr").cells;
    const lines = [...row.cells].map((cell, i) => {
      if (i === 0) return line("", cell.textContent);
      const value = document.createElement("b");
      value.textContent = cell.textContent;
      value.className = cell.className.replace("n", "").trim();
      return line("", heads[i].textContent, value);
    });
    tip.replaceChildren(...lines);
    const x = left + plot.bbox.left / devicePixelRatio;
    const room = box.clientWidth - tip.offsetWidth - 4;
    tip.style.left = `${x + 16 > room ? Math.max(0, x - tip.offsetWidth - 16) : x + 16}px`;
    tip.style.top = "8px";
  }
  function wireChart(box) {
    if (typeof uPlot === "undefined" || !box.dataset.chart) return;
    let plots = [];
    let drawnAt = 0;
    const redraw = () => {
      for (const plot of plots) plot.destroy();
      plots = drawChart(box);
      drawnAt = box.clientWidth;
    };
    document.fonts.ready.then(redraw);
    document.addEventListener("themechange", redraw);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    new ResizeObserver(() => { if (drawnAt && box.clientWidth !== drawnAt) redraw(); }).observe(box);
  }

  // ---- start ----
  for (const notice of all("[data-notice]")) {
    // One that can be undone stays until it is closed.
    if (!notice.querySelector("form") && !notice.matches(".bad")) setTimeout(() => notice.remove(), 6000);
  }
  showTheme();
  all("[data-template]").forEach(wireTemplate);
  all("[data-chart]").forEach(wireChart);
  for (const field of all("[data-own-zone]")) {
    if (!field.value || field.value === "UTC") field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  }
})();
