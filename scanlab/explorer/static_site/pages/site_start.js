// What the page shows: the gallery, a strategy, or the player of one alone.

let FILTERS = readAddress().filters;

function reveal(name) {
  for (const id of ["gallery", "strategy", "wait"]) byId(id).hidden = id !== name;
  if (name === "gallery") byId("to-gallery").setAttribute("aria-current", "page");
  else byId("to-gallery").removeAttribute("aria-current");
}

async function follow() {
  const wanted = readAddress();
  document.body.classList.toggle("embed", wanted.embed && Boolean(wanted.strategy));
  byId("embedded").hidden = !wanted.embed;
  if (!wanted.strategy) return openGallery(wanted);
  if (PLAYER) PLAYER.setPlaying(false);
  byId("back").href = galleryAddress(FILTERS);
  const isOther = !SHOWN || SHOWN.key !== wanted.strategy;
  try {
    await showStrategy(wanted);
  } catch (error) {
    byId("wait").textContent = error.message;
    return reveal("wait");
  }
  byId("whole").textContent = `${byId("name").textContent}: proof and code`;
  keepStrategy();
  if (isOther) scrollTo(0, 0);
  return undefined;
}

function openGallery({ filters: wanted }) {
  const from = SHOWN && !byId("strategy").hidden ? cardOf(SHOWN.key) : undefined;
  if (PLAYER) PLAYER.setPlaying(false);
  document.title = "ScanLab: scan orders";
  setFilters(wanted);
  reveal("gallery");
  // Where the reader came from.
  if (from) from.focus();
}

function onLetter(event) {
  const isTyped = event.target.closest && event.target.closest("input, select, textarea");
  if (event.key !== "/" || isTyped || event.ctrlKey || event.altKey || event.metaKey || byId("gallery").hidden) return;
  event.preventDefault();
  byId("search").focus();
}

startGallery();
startStrategy();
document.addEventListener("keydown", onLetter);
document.addEventListener("click", () => { if (!byId("gallery").hidden) FILTERS = filters(); }, true);
addEventListener("hashchange", follow);
// The link that skips to the content is no address of a strategy.
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); byId("content").focus(); });
follow();
