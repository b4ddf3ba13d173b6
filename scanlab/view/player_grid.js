// How panels share the room: as many columns as make the pictures largest while all are seen at once; where that leaves
// little, small multiples, which keep their names and drop the rest.

const COLUMN_GAP = 28, TRIMMINGS = 104, HEADING = 58;
// Least height of a picture with all that belongs to it, of a small one, and width of a panel of both kinds.
const ROOMY = 165, SMALL = 56, NARROWEST = 150, SMALLEST = 84;
// What the name takes of a small panel, and the gaps between those.
const TINY = { trim: 48, gap: 10 };
// Below this width the controls that are used seldom fold away; below that, a phone's, panels stand below each other.
const NARROW = 600, PHONE = 480, TIGHT = 960;
// Below this side a picture keeps no room for the names of its axes.
const UNNAMED = 110;
let ROOM = 0, TALL = 0, BARE = false;

// Columns and height for panels in groups (their numbers), each group with a heading or not; null where rows do not fit.
function fitColumns(groups, headings, [wide, high], { trim, gap, least }, [shape, rimX, rimY]) {
  const most = headings ? Math.max(...groups) : groups.reduce((sum, size) => sum + size, 0);
  let best = null;
  for (let columns = 1; columns <= most; columns++) {
    const width = (wide - (columns - 1) * gap) / columns;
    if (width < least && columns > 1) break;
    const rows = headings ? groups.reduce((sum, size) => sum + Math.ceil(size / columns), 0) : Math.ceil(most / columns);
    const tall = (high - headings * HEADING - rows * trim - (rows - 1) * Math.min(gap, 18)) / rows;
    const side = Math.min(width - rimX, (tall - rimY) / shape);
    if (!best || side > best.side + 0.5) best = { columns, tall, side };
  }
  return best;
}

function setColumns() {
  const main = at("panels"), figures = PANELS.length, compactBefore = main.classList.contains("small");
  root.classList.toggle("narrow", root.clientWidth < NARROW);
  root.classList.toggle("tight", root.clientWidth < TIGHT);
  measureRoom();
  const groups = [], headings = main.querySelectorAll("h2").length;
  for (const node of main.children) {
    if (node.tagName === "H2" || !groups.length) groups.push(0);
    if (node.tagName === "FIGURE") groups[groups.length - 1]++;
  }
  BARE = false;
  if (!figures || COUNTER) return;
  const ribbons = Math.max(...PANELS.map((panel) => panel.ribbons.length)) - 1, size = [main.clientWidth, ROOM + TRIMMINGS];
  const roomy = { trim: TRIMMINGS + ribbons * (RIBBON.height + 4) + (VIEW.memory ? 24 : 0), gap: COLUMN_GAP, least: NARROWEST };
  let best = fitColumns(groups, headings, size, roomy, shapeOf());
  const isSmall = figures > 1 && best.tall < ROOMY && window.innerWidth > PHONE;
  if (isSmall) best = fitColumns(groups, 0, [size[0], size[1] - 14], { ...TINY, least: SMALLEST }, shapeOf());
  BARE = isSmall && best.side < UNNAMED;
  if (BARE) best = fitColumns(groups, 0, [size[0], size[1] - 14], { ...TINY, least: SMALLEST }, shapeOf());
  main.style.setProperty("--columns", best.columns);
  main.classList.toggle("small", isSmall);
  TALL = isSmall ? Math.max(best.tall, SMALL) : Math.max(best.tall, 220);
  if (isSmall !== compactBefore) measureRoom();
}

// Height to width of the tallest picture, and what the names of axes take of its sides.
function shapeOf() {
  const shapes = PANELS.map(({ scene, size: [columns, rows] }) => (isSolid(scene) ? 0.8 : Math.min(rows / columns, 1.4)));
  const rim = rimOf(PANELS[0].scene);
  return [Math.max(...shapes), rim.left + rim.right, rim.top + rim.bottom];
}

// The height that a picture may have so that it, its ribbon and the controls are seen at once.
function measureRoom() {
  let top = (COUNTER ? at("counter") : at("panels")).getBoundingClientRect().top;
  for (let node = root; node; node = node.parentElement) top += node.scrollTop;
  const below = window.innerHeight - at("bar").offsetHeight - TRIMMINGS;
  // Where much stands above, the reader scrolls to the picture.
  ROOM = top > window.innerHeight * 0.45 ? below : below - top;
}

// Of whose path a panel is, where its own name does not say it: which of how many, of which scan, in which layers.
function whoseText(scenes) {
  const [scene] = scenes, siblings = SCENES.filter((other) => ofOneScan(other, scene));
  if (scenes.length > 1 || !scene.group || (siblings.length === 1 && !scene.part)) return "";
  const nth = siblings.length > 1 ? `path ${siblings.indexOf(scene) + 1} of ${siblings.length}` : "";
  return scene.part ? `${scene.part}; ${nth && `${nth}, `}${scene.group}` : `${scene.group}, ${nth}`;
}
