// Files that are dropped anywhere on the page: an image lies under the paths, a text takes the place of the one in the
// box. Arrays are taken before, by their own window.

const TEXT = /\.(scan|txt)$/i, IMAGE = /\.(png|jpe?g|gif|webp|bmp|svg|avif)$/i;

// over: told whether files hang over the page; text: given a file's name and what it holds; say: of one that is neither.
export function watchDrops({ over, text, say }) {
  const ending = new AbortController(), listen = (type, listener) => window.addEventListener(type, listener, { signal: ending.signal });
  const holdsFile = (event) => Array.from(event.dataTransfer?.types ?? []).includes("Files");

  async function take(file) {
    if (file.type.startsWith("image/") || IMAGE.test(file.name)) window.dispatchEvent(new CustomEvent("scanlab-image", { detail: file }));
    else if (TEXT.test(file.name)) text(file.name, await file.text());
    else say(`${file.name} is no image, no array (.npy, .npz) and no .scan file`);
  }

  listen("dragover", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    over(!document.querySelector("dialog[open]"));
  });
  listen("dragleave", (event) => { if (!event.relatedTarget) over(false); });
  listen("drop", (event) => {
    over(false);
    if (event.defaultPrevented || !holdsFile(event)) return;
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  });
  return () => ending.abort();
}
