// What a page needs of its browser: the address, the history, shortcuts, the clipboard, and short notices.

// Browsers slow pages down that change their address more often.
const ADDRESS_EVERY_MS = 250;

export default {
  template: `<div class="notice" role="status" aria-live="polite" :class="{ shown: notice }">{{ notice }}</div>`,
  props: { keys: Array },
  emits: ["address", "shortcut"],
  data: () => ({ notice: "" }),
  mounted() {
    this.onHash = () => { if (location.hash !== this.known) this.heard(); };
    window.addEventListener("popstate", this.onHash);
    window.addEventListener("keydown", this.onKey, true);
    this.known = location.hash;
  },
  unmounted() {
    window.removeEventListener("popstate", this.onHash);
    window.removeEventListener("keydown", this.onKey, true);
  },
  methods: {
    // The state as it is now: it takes the place of the last one, and another document starts a new entry.
    address(text, isNew) {
      if (isNew) this.settle();
      clearTimeout(this.timer);
      this.known = `#${text}`;
      if (isNew) history.pushState(null, "", this.known);
      else this.timer = setTimeout(() => history.replaceState(null, "", this.known), ADDRESS_EVERY_MS);
    },
    // Write down what waits, so that the entry that is left holds the last state.
    settle() {
      clearTimeout(this.timer);
      if (this.known && this.known !== location.hash) history.replaceState(null, "", this.known);
    },
    heard() {
      clearTimeout(this.timer);
      this.known = location.hash;
      this.$emit("address", location.hash.slice(1));
    },
    async copy(text, said) {
      const link = text ?? location.href;
      try { await navigator.clipboard.writeText(link); }
      catch { copyByHand(link); }
      this.say(said);
    },
    copyLink(said) { this.settle(); this.copy(location.href, said); },
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
      const found = this.keys.find(([name]) => name === held + key || name === held + place);
      if (!found || (plain && typing) || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      event.stopPropagation();
      this.$emit("shortcut", found[1]);
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
