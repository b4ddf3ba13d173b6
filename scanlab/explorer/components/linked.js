// The link between the picture and the panes: what is pointed at in one is marked in the other. It shows nothing itself.

import { fillLines, markCells, openPanes, paneOf, sceneOf, stepsOfKey, watchItems } from "/scanlab/static/linked.js";

// The least time between two questions while the paths play, and how long an answer is waited for.
const EVERY_MS = 200, LOST_MS = 6000;

export default {
  template: `<div hidden></div>`,
  emits: ["ask", "line", "reach"],
  mounted() {
    this.ending = new AbortController();
    Object.assign(this, { turn: 0, asked: null, waiting: false, wanted: false, item: null, lineTurn: 0, lastAsk: 0 });
    const { signal } = this.ending;
    document.addEventListener("mark", this.follow, { signal });
    document.addEventListener("step", this.follow, { signal });
    watchItems(this.point, this.press, signal);
    // Panes that open, turn a page or follow another text have nothing marked yet.
    this.watch = new MutationObserver((changes) => { if (changes.some(({ addedNodes }) => addedNodes.length)) this.renew(); });
    const begin = () => {
      const desk = document.querySelector(".desk");
      if (desk) this.watch.observe(desk, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-of"] });
      else requestAnimationFrame(begin);
    };
    begin();
  },
  unmounted() { this.ending.abort(); this.watch.disconnect(); },
  methods: {
    player() { return document.querySelector(".drawing > .player")?.scanlabPlayer; },
    version() { return document.querySelector(".drawing[data-state=paths]")?.dataset.of ?? ""; },
    // Once for each picture, and not for every event before it.
    follow() {
      if (this.due) return;
      this.due = true;
      requestAnimationFrame(() => { this.due = false; this.update(); });
    },
    renew() { this.asked = null; this.follow(); },
    update() {
      const player = this.player(), version = this.version(), scenes = player?.scenes() ?? [];
      if (!version || !scenes.length || player.counter()) return;
      const mark = player.marked(), targets = player.targets(), own = mark?.scene ?? 0;
      const isSeen = markCells(targets, scenes, own, version);
      if (!isSeen && mark?.pinned) this.turnTo(mark, version);
      const panes = openPanes(version);
      if (panes.length) this.ask({ of: version, patches: targets.map(({ patch }) => patch), own, panes });
    },
    // The page of the indices with a pinned patch, asked for once.
    turnTo({ scene, patch }, of) {
      const words = JSON.stringify([scene, patch, of]);
      if (words === this.reached) return;
      this.reached = words;
      this.$emit("reach", { scene, patch, of });
    },
    // One question at a time; of those that come meanwhile the newest is asked next.
    ask(question) {
      const words = JSON.stringify(question);
      if (words === this.asked) return;
      const soon = this.player().CLOCK.playing ? this.lastAsk + EVERY_MS - performance.now() : 0;
      if (this.waiting || soon > 0) {
        this.wanted = true;
        if (!this.waiting) { clearTimeout(this.later); this.later = setTimeout(this.follow, soon); }
        return;
      }
      Object.assign(this, { asked: words, waiting: true, wanted: false, lastAsk: performance.now() });
      this.$emit("ask", { ...question, turn: ++this.turn });
      clearTimeout(this.losing);
      this.losing = setTimeout(() => { this.waiting = false; this.renew(); }, LOST_MS);
    },
    answer(turn, version, panes) {
      if (turn !== this.turn) return;
      clearTimeout(this.losing);
      this.waiting = false;
      // An answer that is overtaken would only flicker, unless the next is far.
      if (panes && version === this.version()) for (const [name, parts] of Object.entries(panes)) fillLines(name, parts);
      if (this.wanted) this.follow();
    },
    // A cell or a line under the pointer or the focus; null where it has left.
    point(item) {
      const player = this.player();
      this.lineTurn++;
      if (!player || player.counter() || (item && item.closest(".pane-body").dataset.of !== this.version())) return;
      if (!item) player.mark(null);
      else if (item.dataset.patch) player.mark({ scene: Number(item.dataset.scene), patch: Number(item.dataset.patch) });
      else this.pointLine(player, item);
    },
    pointLine(player, line) {
      const pane = paneOf(line), key = pane === "keys" && stepsOfKey(line), scene = sceneOf(line);
      if (key) {
        const { indices } = player.scenes()[key.scene];
        player.mark({ scene: key.scene, patches: indices.slice(key.first, key.last + 1) });
        return;
      }
      player.mark(null);
      const patch = player.targets()[scene]?.patch ?? -1, part = Number(line.parentElement.dataset.part);
      if (pane === "keys" || patch < 0 || !line.lastElementChild.textContent) return;
      this.$emit("line", { of: this.version(), turn: this.lineTurn, pane, part, line: Number(line.dataset.line), scene, patch });
    },
    // The patches for which a line comes to the same, while it is still pointed at.
    mark(turn, version, chosen) {
      if (turn !== this.lineTurn || !chosen || version !== this.version()) return;
      const { indices } = this.player().scenes()[chosen.scene], bits = atob(chosen.steps), patches = [];
      for (let step = 0; step < indices.length; step++) if ((bits.charCodeAt(step >> 3) >> (step & 7)) & 1) patches.push(indices[step]);
      this.player().mark({ scene: chosen.scene, patches });
    },
    press(item) {
      if (!item.dataset.patch || item.closest(".pane-body").dataset.of !== this.version()) return;
      const [scene, patch] = [Number(item.dataset.scene), Number(item.dataset.patch)], mark = this.player().marked();
      if (mark?.pinned && mark.scene === scene && mark.patch === patch) this.player().unpin();
      else this.player().mark({ scene, patch, pinned: true });
    },
  },
};
