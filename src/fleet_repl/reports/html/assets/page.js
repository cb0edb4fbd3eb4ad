"use strict";
(() => {
  const entries = [...document.querySelectorAll("tbody.entry")].map((body) => ({
    body,
    button: body.querySelector("button[aria-expanded]"),
    picks: body.dataset.picks.split(";").map((numbers) => new Set(numbers.split(" "))),
    text: null,
  }));
  const text = document.getElementById("text");
  const selects = [...document.querySelectorAll("select[data-filter]")];
  const shown = document.getElementById("shown");
  const openAll = document.getElementById("open-all");

  const isShown = (entry, words) => {
    if (!selects.every((select, nth) => !select.value || entry.picks[nth].has(select.value))) return false;
    if (!words.length) return true;
    entry.text ??= entry.body.textContent.toLowerCase();
    return words.every((word) => entry.text.includes(word));
  };
  const filter = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let number = 0;
    for (const entry of entries) {
      entry.body.hidden = !isShown(entry, words);
      number += !entry.body.hidden;
    }
    shown.textContent = `${number.toLocaleString("en")} of ${entries.length.toLocaleString("en")} shown`;
  };
  const open = (entry, opens) => {
    entry.button?.setAttribute("aria-expanded", String(opens));
    entry.body.classList.toggle("open", opens);
  };
  const isOpen = (entry) => entry.body.classList.contains("open");

  for (const entry of entries) {
    entry.body.querySelector(".head").addEventListener("click", (event) => {
      const reads = String(getSelection()) && !event.target.closest("button");
      if (entry.button && !reads) open(entry, !isOpen(entry));
    });
  }
  if (text) {
    let waiting = 0;
    text.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(filter, 80);
    });
    for (const select of selects) select.addEventListener("change", filter);
    openAll.addEventListener("click", () => {
      const visible = entries.filter((entry) => !entry.body.hidden && entry.button);
      const opens = !visible.every(isOpen);
      for (const entry of visible) open(entry, opens);
    });
    filter();
  }
  for (const tile of document.querySelectorAll("button[data-choose]")) {
    tile.addEventListener("click", () => {
      const outcomes = selects.find((select) => select.dataset.name === "outcome");
      const option = [...(outcomes?.options ?? [])].find(({ text }) => text === tile.dataset.choose);
      if (option) outcomes.value = option.value;
      if (text) filter();
      document.getElementById("registries").focus();
    });
  }

  const matrix = document.querySelector(".matrix");
  const rows = [...(matrix?.querySelectorAll("tbody tr:not(.group)") ?? [])].map((row) => [...row.cells].slice(1));
  const isCell = (cell) => cell?.classList.contains("cell");
  const place = (cell, x, y) => {
    const tip = cell.querySelector(".tip");
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(x + 14, innerWidth - width - 8))}px`;
    tip.style.top = `${y + 18 + height > innerHeight ? Math.max(8, y - height - 12) : y + 18}px`;
    tip.style.bottom = "auto";
  };
  const find = (y, x, down, right) => {
    for (let nth = 1; nth < 4000; nth++) {
      const row = rows[y + down * nth];
      const cell = row?.[x + right * nth];
      if (!cell) return null;
      if (isCell(cell)) return cell;
    }
    return null;
  };
  const first = rows.flat().find(isCell);
  if (first) first.tabIndex = 0;
  matrix?.addEventListener("mouseover", (event) => {
    const cell = event.target.closest("td.cell");
    if (cell) place(cell, event.clientX, event.clientY);
  });
  matrix?.addEventListener("focusin", (event) => {
    if (!isCell(event.target)) return;
    const box = event.target.getBoundingClientRect();
    place(event.target, box.right, box.bottom);
  });
  matrix?.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (event.key === "Escape" && isCell(event.target)) event.target.blur();
    if (!step || !isCell(event.target)) return;
    const y = rows.findIndex((row) => row.includes(event.target));
    const next = find(y, rows[y].indexOf(event.target), ...step);
    if (!next) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
})();
