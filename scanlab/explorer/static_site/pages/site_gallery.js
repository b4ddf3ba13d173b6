// The gallery: which cards are shown.

const byId = (id) => document.getElementById(id);
const CARDS = [...document.querySelectorAll("#gallery li")];
const CHOICES = ["axes", "kind", "mark"];

function filters() {
  return { search: byId("search").value.trim(), ...Object.fromEntries(CHOICES.map((name) => [name, byId(name).value])) };
}

function setFilters(wanted) {
  byId("search").value = wanted.search;
  for (const name of CHOICES) {
    const known = [...byId(name).options].some(({ value }) => value === wanted[name]);
    byId(name).value = known ? wanted[name] : "";
  }
  showCards();
}

// Cards on which every word that is searched for occurs.
function showCards() {
  const wanted = filters(), words = wanted.search.toLowerCase().split(/\s+/).filter(Boolean);
  for (const card of CARDS) {
    const fits = CHOICES.every((name) => !wanted[name] || card.dataset[name] === wanted[name]);
    card.hidden = !fits || !words.every((word) => card.dataset.search.includes(word));
  }
  for (const system of document.querySelectorAll("#gallery .system")) {
    system.hidden = !system.querySelector("li:not([hidden])");
  }
  const shown = CARDS.filter((card) => !card.hidden).length;
  byId("counted").textContent = `${shown} of ${CARDS.length}`;
  byId("none").hidden = shown > 0;
}

function filtered() {
  showCards();
  keepAddress(galleryAddress(filters()));
}

function startGallery() {
  for (const name of ["search", ...CHOICES]) byId(name).addEventListener("input", filtered);
  document.querySelector(".filters").addEventListener("submit", (event) => {
    event.preventDefault();
    const first = CARDS.find((card) => !card.hidden && card.querySelector("a"));
    if (first) first.querySelector("a").click();
  });
  byId("all").addEventListener("click", () => {
    setFilters({ search: "", axes: "", kind: "", mark: "" });
    filtered();
    byId("search").focus();
  });
}

// The cards beside one in the gallery, of those that have paths: [before, after].
function neighboursOfCard(key) {
  const keys = [...document.querySelectorAll("#gallery a.card")].map((card) => card.dataset.key), at = keys.indexOf(key);
  return at < 0 ? [undefined, undefined] : [keys[at - 1], keys[at + 1]];
}

function cardOf(key) {
  return [...document.querySelectorAll("#gallery a.card")].find((card) => card.dataset.key === key);
}
