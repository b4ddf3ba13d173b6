// The data of strategies: scripts in the folder data, since pages on a disk may load scripts and nothing else.

const TAKEN = new Map(), WAITING = new Map();

// Called by the scripts in data.
function scanlabTake(key, packed) {
  TAKEN.set(key, packed);
}

// All of a strategy; rejected where it is not there, or the browser cannot unpack it.
function dataOf(key) {
  if (!WAITING.has(key)) {
    const asked = load(key).then(() => unpacked(TAKEN.get(key)));
    asked.catch(() => WAITING.delete(key));
    WAITING.set(key, asked);
  }
  return WAITING.get(key);
}

function load(key) {
  const missing = new Error("There is no such strategy here.");
  if (!cardOf(key)) return Promise.reject(missing);
  return new Promise((done, fail) => {
    const script = document.createElement("script");
    script.src = `data/${key}.js`;
    script.onload = done;
    script.onerror = () => fail(missing);
    document.head.append(script);
  });
}

async function unpacked(packed) {
  if (typeof DecompressionStream === "undefined") {
    throw new Error("This browser cannot unpack the paths: any of 2023 or later can.");
  }
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}
