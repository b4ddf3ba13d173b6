// A strategy: its paths in the player, and beside them what they compile to.

let PLAYER, SHOWN;

// Show what an address says; resolved when it is drawn.
async function showStrategy(wanted) {
  const { strategy: key } = wanted;
  const data = await dataOf(key);
  // Meanwhile the reader may have gone elsewhere.
  if (readAddress().strategy !== key) return;
  const grid = data.grids.find((each) => each.grid === wanted.grid) || data.grids[0];
  const isNew = !SHOWN || SHOWN.key !== key || SHOWN.grid !== grid;
  SHOWN = { key, data, grid, panes: wanted.panes };
  describe(cardOf(key), data, key);
  byId("grid").replaceChildren(...data.grids.map((each) => new Option(each.grid.replaceAll("x", "×"), each.grid)));
  byId("grid").value = grid.grid;
  reveal("strategy");
  PLAYER = PLAYER || mountPlayer(byId("player"));
  PLAYER.colourBy(wanted.colour);
  PLAYER.show(grid.paths, wanted.view);
  if (isNew && !wanted.looksAt) PLAYER.autoplay();
  showPanes();
}

function describe(card, data, key) {
  const name = card ? card.querySelector("strong").textContent : key;
  document.title = `${name} · ScanLab`;
  byId("name").textContent = name;
  byId("doc").textContent = card ? card.querySelector(".doc").textContent : "";
  byId("verdict").className = `verdict ${{ "✓": "proved", "?": "undecided" }[data.mark] || ""}`;
  byId("verdict").firstElementChild.textContent = data.mark;
  byId("verdict").lastElementChild.textContent = data.words;
  byId("definition").innerHTML = `<h2>Definition</h2>${data.definition}${data.remarks}`;
  const [before, after] = neighboursOfCard(key);
  leadTo(byId("previous"), before, (words) => `‹ ${words}`);
  leadTo(byId("next"), after, (words) => `${words} ›`);
}

function leadTo(link, key, words) {
  link.hidden = key === undefined;
  if (link.hidden) return;
  link.href = `#strategy=${key}`;
  link.textContent = words(cardOf(key).querySelector("strong").textContent);
}

// The panes that are open, in the order of their names above them.
function showPanes() {
  const { data, grid } = SHOWN, made = { ...data.panes, ...grid.panes };
  for (const chip of document.querySelectorAll("[data-pane]")) {
    chip.setAttribute("aria-pressed", String(SHOWN.panes.includes(chip.dataset.pane)));
  }
  const open = Object.keys(PANE_TITLES).filter((name) => SHOWN.panes.includes(name));
  byId("panes").replaceChildren(...open.map((name) => pane(name, made[name])));
}

function pane(name, html) {
  const section = document.createElement("section"), body = document.createElement("div"), title = document.createElement("h2");
  title.textContent = PANE_TITLES[name];
  title.id = `pane-${name}`;
  section.className = "pane";
  section.setAttribute("aria-labelledby", title.id);
  body.className = "pane-body";
  body.innerHTML = html;
  section.append(title, body);
  return section;
}

function turnPane(name) {
  SHOWN.panes = SHOWN.panes.includes(name) ? SHOWN.panes.filter((other) => other !== name) : [...SHOWN.panes, name];
  showPanes();
  keepStrategy();
}

// The address of what is shown now. embed: of the player alone.
function addressNow(embed) {
  const { key, data, grid, panes } = SHOWN;
  const named = grid === data.grids[0] ? "" : grid.grid;
  return strategyAddress({ strategy: key, grid: named, colour: PLAYER.VIEW.colour, panes, view: PLAYER.view(), embed });
}

function keepStrategy() {
  const { embed, strategy } = readAddress();
  if (strategy === SHOWN.key) keepAddress(addressNow(embed));
  byId("whole").href = addressNow(false);
  if (!byId("snippet").hidden) fillSnippet();
}

function fillSnippet() {
  const address = location.href.split("#")[0] + addressNow(true);
  const source = address.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  byId("snippet-text").value = `<iframe src="${source}" title="${byId("name").textContent}, drawn by ScanLab" width="420" height="600" style="border: 0" loading="lazy"></iframe>`;
  byId("snippet-note").textContent = location.protocol === "file:"
    ? "This gallery lies on a disk, so others see the frame once its folder is on a server, and the address changed to that."
    : "";
}

async function copy(words) {
  try {
    await navigator.clipboard.writeText(words);
    byId("said").textContent = "Copied.";
  } catch {
    byId("said").textContent = "The browser does not let this page copy: the address above is the link.";
  }
}

function startStrategy() {
  byId("player").addEventListener("view", keepStrategy);
  byId("player").addEventListener("colour", keepStrategy);
  byId("grid").addEventListener("change", () => {
    SHOWN.grid = SHOWN.data.grids.find((each) => each.grid === byId("grid").value);
    PLAYER.show(SHOWN.grid.paths);
    showPanes();
    keepStrategy();
  });
  byId("copy").addEventListener("click", () => copy(location.href.split("#")[0] + addressNow(false)));
  byId("embed").addEventListener("click", () => {
    byId("snippet").hidden = !byId("snippet").hidden;
    byId("embed").setAttribute("aria-expanded", String(!byId("snippet").hidden));
    if (!byId("snippet").hidden) { fillSnippet(); byId("snippet-text").select(); }
  });
  for (const chip of document.querySelectorAll("[data-pane]")) chip.addEventListener("click", () => turnPane(chip.dataset.pane));
}
