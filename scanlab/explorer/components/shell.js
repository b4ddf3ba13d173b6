// What a page needs of its browser: the address, the history, shortcuts, the clipboard, and short notices.

import { watchDrops } from "/scanlab/static/drops.js";
import { push, settle, whole, write } from "/scanlab/static/page.js";

// Browsers slow pages down that change their address more often.
const ADDRESS_EVERY_MS = 250;

// Milliseconds between two questions whether the server is back.
const AGAIN_MS = 2000;
const GONE = {
  stopped: "The explorer’s server does not answer. What you type stays in this tab, and what is dimmed is of an older text. "
    + `Start it again with “scanlab explore --port ${location.port}”.`,
  again: "The connection to the explorer was lost, and is made again. What you type stays in this tab.",
  other: "The explorer was started again and has another token. What you type stays in this tab: open the address that its "
    + "terminal shows, in another tab, and this page goes on.",
};

export default {
  template: `
    <div class="gone" role="alert" v-show="gone">{{ gone }}</div>
    <div class="dropping" v-show="dropping">Drop an image, an array (.npy, .npz) or a .scan file</div>
    <div class="notice" role="status" aria-live="polite" :class="{ shown: notice }">{{ notice }}</div>`,
  props: { keys: Array },
  emits: ["address", "shortcut", "dropped"],
  data: () => ({ notice: "", gone: "", dropping: false }),
  mounted() {
    // What began before the last step through the history is no longer for this entry.
    this.least = 0;
    this.onHash = () => { if (location.hash !== this.known) this.moved(); };
    window.scanlabWhole = () => { window.dispatchEvent(new Event("scanlab-flush")); return this.whole(); };
    window.addEventListener("popstate", this.onHash);
    window.addEventListener("keydown", this.onKey, true);
    this.unwatch = watchDrops({ over: (is) => { this.dropping = is; }, text: (name, text) => this.$emit("dropped", { name, text }), say: this.say });
    this.known = location.hash;
    // The page's channel is made after its elements.
    setTimeout(() => {
      window.socket?.on("disconnect", this.lost);
      window.socket?.on("connect", this.reconnected);
    });
  },
  unmounted() {
    window.removeEventListener("popstate", this.onHash);
    window.removeEventListener("keydown", this.onKey, true);
    clearTimeout(this.asking);
    this.unwatch();
  },
  methods: {
    // The state as it is now, of all up to a turn: it takes the place of the last one, and another document starts a new
    // entry.
    address(text, isNew, turn) {
      if (turn < this.least) return;
      clearTimeout(this.timer);
      if (isNew) write();
      this.known = `#${text}`;
      if (isNew) push(this.known, turn);
      else {
        settle(this.known, turn);
        this.timer = setTimeout(write, ADDRESS_EVERY_MS);
      }
    },
    whole() {
      const entry = whole();
      this.least = entry.turn;
      this.known = location.hash;
      if (entry.adopted) this.say("restored what was typed in this tab and had reached no server");
      const [{ type } = {}] = performance.getEntriesByType("navigation");
      return { ...entry, fresh: type === "navigate" };
    },
    moved() {
      clearTimeout(this.timer);
      this.$emit("address", this.whole());
    },
    lost() {
      clearTimeout(this.asking);
      this.asking = setTimeout(this.ask, AGAIN_MS / 4);
    },
    reconnected() {
      clearTimeout(this.asking);
      this.gone = "";
    },
    // Whether there is a server, and whether it knows this browser. The channel goes on by itself as soon as it does.
    async ask() {
      const status = await fetch("/scanlab/here", { cache: "no-store" }).then((answer) => answer.status, () => 0);
      this.gone = window.socket?.connected ? "" : GONE[{ 204: "again", 403: "other" }[status] ?? "stopped"];
      clearTimeout(this.asking);
      if (this.gone) this.asking = setTimeout(this.ask, AGAIN_MS);
    },
    async copy(text, said) {
      const link = text ?? location.href;
      try { await navigator.clipboard.writeText(link); }
      catch { copyByHand(link); }
      this.say(said);
    },
    copyLink(said) { clearTimeout(this.timer); write(); this.copy(location.href, said); },
    say(text) {
      this.notice = text;
      clearTimeout(this.ending);
      this.ending = setTimeout(() => { this.notice = ""; }, 4000);
    },
    title(text) { document.title = text; },
    reveal(id) { requestAnimationFrame(() => document.getElementById(id)?.scrollIntoView({ block: "nearest", behavior: "smooth" })); },
    onKey(event) {
      const typing = event.target.closest?.("textarea, input, select, [contenteditable]");
      const held = `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}`;
      const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
      // Where Alt makes other characters, as on a Mac, the key's place counts; but in a text they are meant.
      const place = event.altKey && !typing ? /^(?:Key|Digit)(.)$/.exec(event.code)?.[1] : undefined;
      const plain = !event.ctrlKey && !event.metaKey && !event.altKey && event.key.length === 1;
      const shortcut = this.keys.find(([name]) => name === held + key || name === held + place);
      if (!shortcut || (plain && typing) || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      event.stopPropagation();
      window.dispatchEvent(new Event("scanlab-flush"));
      this.$emit("shortcut", shortcut[1]);
    },
  },
};

// Where the clipboard is closed to scripts, as on pages of other machines without TLS.
function copyByHand(text) {
  const box = document.createElement("textarea");
  box.value = text;
  document.body.append(box);
  box.select();
  document.execCommand("copy");
  box.remove();
}
