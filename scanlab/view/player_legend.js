// The legend: what the colours mean, and the symbols that occur.

const SYMBOLS = {
  start: '<circle cx="6" cy="6" r="4" fill="FIRST" stroke="currentColor" stroke-width="1.4"/>',
  end: '<path d="M6 1 11 6 6 11 1 6Z" fill="LAST" stroke="currentColor" stroke-width="1.4"/>',
  jump: '<path d="M0 6H22" stroke="MIDDLE" stroke-width="1.4" stroke-dasharray="4 3"/>',
  reset: '<circle cx="6" cy="6" r="3.4" fill="none" stroke="MIDDLE" stroke-width="1.8"/>',
  absent: '<rect x="1" y="1" width="10" height="10" class="off"/>',
};

function paintLegend() {
  shareRibbons();
  const items = { step: rampItems, path: pathItems, gap: gapItems }[VIEW.colour]();
  const memory = VIEW.memory ? memoryItems() : [];
  at("legend").replaceChildren(...(SCENES.length ? [...items, ...memory, ...symbolItems()] : []));
}

function rampItems(low = "first step", high = "last step") {
  const ramp = element("canvas", undefined, "ramp");
  ramp.width = LEVELS + 1;
  ramp.height = 1;
  ramp.setAttribute("aria-hidden", "true");
  const context = ramp.getContext("2d");
  RAMP.forEach((colour, level) => { context.fillStyle = colour; context.fillRect(level, 0, 1, 1); });
  const item = element("span", undefined, "item scale");
  item.append(element("span", low), ramp, element("span", high));
  return [item];
}

function gapItems() {
  SCENES.forEach(gapLevels);
  return rampItems("neighbours read 1 step apart", `${count(Math.round(SCENES.widest || 1))} steps, log scale`);
}

function pathItems() {
  const shown = SCENES.slice(0, 8), groups = SCENES.some((scene) => scene.group !== SCENES[0].group);
  const items = shown.map((scene) => {
    const item = element("span", undefined, "item"), swatch = element("i");
    swatch.style.background = RAMP[pathLevel(scene)];
    item.append(swatch, groups ? scene.title : scene.label);
    return item;
  });
  return SCENES.length > shown.length ? [...items, element("span", `and ${SCENES.length - shown.length} more`, "item")] : items;
}

function symbolItems() {
  const pick = VIEW.colour === "path" ? () => "currentColor" : (level) => RAMP[level];
  const items = [symbolItem("start", "start", pick), symbolItem("end", "end", pick)];
  if (SCENES.some((scene) => scene.kinds.includes(JUMP))) items.push(symbolItem("jump", "jump", pick, 22));
  const resets = SCENES.filter((scene) => scene.restarts.length > 1), many = resets.some((scene) => scene.restarts.length > MOST_RESETS);
  const unmarked = many ? `, not marked where a path has more than ${MOST_RESETS}` : "";
  if (resets.length) items.push(symbolItem("reset", `state reset${unmarked}`, pick));
  const partial = SCENES.some((scene) => scene.grid.length === 2 && scene.length < scene.patches);
  if (partial) items.push(symbolItem("absent", "not visited", pick));
  const names = new Set(SCENES.flatMap((scene) => scene.tokens.map(({ name }) => name)));
  for (const name of names) {
    const item = element("span", undefined, "item"), known = { cls: "class token", mean: "mean token" };
    item.append(element("span", name[0].toUpperCase(), "token"), known[name] || `token ${name}`);
    items.push(item);
  }
  return items;
}

function symbolItem(sign, text, pick, wide = 12) {
  const item = element("span", undefined, "item");
  const drawn = SYMBOLS[sign].replace("FIRST", pick(0)).replace("LAST", pick(LEVELS)).replace("MIDDLE", pick(128));
  item.innerHTML = `<svg width="${wide}" height="12" viewBox="0 0 ${wide} 12" aria-hidden="true">${drawn}</svg>`;
  item.append(text);
  return item;
}
