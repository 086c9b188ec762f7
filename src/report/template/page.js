"use strict";
// What the other scripts share: the report's data, the page's elements, text and time. Names and words come from files and are
// never read as HTML: elements are made by make() and filled with text.

const report = JSON.parse(document.getElementById("report-data").textContent);

function byId(id) {
  return document.getElementById(id);
}

/** An element with properties (textContent, className, ...) and attributes (those with a dash, and role) and children. */
function make(name, properties = {}, children = []) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role") element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children);
  return element;
}

/** 75.25 as 1:15.2, with hours where there are some. */
function clock(seconds) {
  const tenths = Math.max(0, Math.floor(seconds * 10 + 1e-6));
  const hours = Math.floor(tenths / 36000), minutes = Math.floor(tenths / 600) % 60, rest = tenths % 600;
  const text = `${String(Math.floor(rest / 10)).padStart(2, "0")}.${rest % 10}`;
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${text}` : `${minutes}:${text}`;
}

function percent(share) {
  return `${Math.round(share * 100)} %`;
}

function counted(count, one, many) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/** Lower case without accents, for searching. */
function folded(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/** The last index whose value is at most `wanted`, of rising values; -1 where there is none. */
function lastAtMost(values, wanted) {
  let low = 0, high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= wanted) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function reveal(element, block) {
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  element.scrollIntoView({ block, inline: "nearest", behavior: still ? "instant" : "smooth" });
}
