// The text box of the explorer: a textarea over its own highlighted copy, with completion and marks under mistakes.

const SHOWN = 8;

export default {
  template: `
    <div class="editor">
      <div class="paper">
        <pre class="copy" aria-hidden="true" ref="copy"><span v-for="line in lines" class="line" v-html="line"></span></pre>
        <textarea ref="area" spellcheck="false" autocapitalize="off" autocomplete="off" wrap="off" aria-label="Definitions"
          role="combobox" :aria-expanded="offered.length > 0" aria-autocomplete="list" aria-controls="editor-words"
          :aria-activedescendant="offered.length ? 'editor-word-' + chosen : null" aria-describedby="editor-problems"
          @input="typed" @keydown="key" @scroll="follow" @blur="offered = []" @click="offered = []"></textarea>
        <ul v-if="offered.length" id="editor-words" class="words" role="listbox" :style="place">
          <li v-for="(word, i) in offered" :id="'editor-word-' + i" role="option" :aria-selected="i === chosen"
            @mousedown.prevent="take(i)">{{ word[0] }}<small>{{ word[1] }}</small></li>
        </ul>
      </div>
    </div>`,
  props: { rules: Array, words: Array, delay: Number },
  emits: ["edit", "save"],
  data: () => ({ lines: [""], offered: [], chosen: 0, place: {}, marks: [] }),
  mounted() {
    this.patterns = this.rules.map(([pattern, kind]) => [new RegExp(pattern, "y"), kind]);
    this.paint();
  },
  methods: {
    // Put another text in, as when a file is opened; what the user types goes the other way.
    show(text) {
      this.$refs.area.value = text;
      this.marks = [];
      this.paint();
    },
    // Replace a range by a text so that undo takes it back, and tell of it.
    replace(start, end, text) {
      const area = this.$refs.area;
      area.focus();
      area.setSelectionRange(start, end);
      if (!document.execCommand("insertText", false, text)) area.setRangeText(text, start, end, "end");
      this.typed();
    },
    // Put the caret at a place, as when a problem is clicked.
    goTo(start, end) {
      this.$refs.area.focus();
      this.$refs.area.setSelectionRange(start, end);
    },
    // marks: [{start, end, severity, message}], offsets in characters.
    mark(marks) {
      this.marks = marks;
      this.paint();
    },
    typed() {
      this.marks = [];
      this.paint();
      this.offer();
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.$emit("edit", this.$refs.area.value), this.delay);
    },
    key(event) {
      if ((event.ctrlKey || event.metaKey) && event.key === "s") { event.preventDefault(); this.$emit("save"); return; }
      if ((event.ctrlKey || event.metaKey) && event.key === " ") { event.preventDefault(); this.offer(true); return; }
      if (!this.offered.length) return;
      const steps = { ArrowDown: 1, ArrowUp: -1 };
      if (event.key in steps) this.chosen = (this.chosen + steps[event.key] + this.offered.length) % this.offered.length;
      else if (event.key === "Enter" || event.key === "Tab") this.take(this.chosen);
      else if (event.key === "Escape") this.offered = [];
      else return;
      event.preventDefault();
      event.stopPropagation();
    },
    follow() {
      const { area, copy } = this.$refs;
      copy.style.transform = `translate(${-area.scrollLeft}px, ${-area.scrollTop}px)`;
    },
    // The words that begin with what stands before the caret; nothing after a comment or inside a string.
    offer(always = false) {
      const area = this.$refs.area, before = area.value.slice(0, area.selectionStart);
      const line = before.slice(before.lastIndexOf("\n") + 1);
      const start = /[A-Za-z_]\w*$/.exec(line)?.[0] ?? "";
      const quiet = line.includes("#") || (line.match(/"/g) ?? []).length % 2;
      const fits = quiet || (!start && !always) ? [] : this.words.filter(([word]) => word.startsWith(start) && word !== start);
      this.offered = fits.slice(0, SHOWN);
      this.chosen = 0;
      const style = getComputedStyle(area), high = parseFloat(style.lineHeight), wide = this.width();
      const row = before.split("\n").length, column = line.length - start.length;
      this.place = { left: `${column * wide - area.scrollLeft + 12}px`, top: `${row * high - area.scrollTop + 10}px` };
    },
    width() {
      const context = document.createElement("canvas").getContext("2d");
      context.font = getComputedStyle(this.$refs.area).font;
      return context.measureText("0").width;
    },
    take(i) {
      const area = this.$refs.area, end = area.selectionStart;
      const start = end - (/[A-Za-z_]\w*$/.exec(area.value.slice(0, end))?.[0].length ?? 0);
      const word = this.offered[i][0];
      this.replace(start, end, word);
      this.offered = [];
    },
    paint() {
      const text = this.$refs.area.value, parts = [];
      let at = 0;
      while (at < text.length) {
        const [size, kind] = this.next(text, at);
        parts.push([at, at + size, kind]);
        at += size;
      }
      this.lines = this.html(text, parts).split("\n").map((line) => line || " ");
      this.follow();
    },
    next(text, at) {
      for (const [pattern, kind] of this.patterns) {
        pattern.lastIndex = at;
        const found = pattern.exec(text);
        if (found && found[0].length) return [found[0].length, kind];
      }
      return [1, "error"];
    },
    // Every token in its colour, cut where a mark begins or ends.
    html(text, parts) {
      const cuts = this.marks.flatMap(({ start, end }) => [start, Math.max(end, start + 1)]);
      let made = "";
      for (const [start, end, kind] of parts) {
        const inner = [start, ...cuts.filter((cut) => cut > start && cut < end).sort((a, b) => a - b), end];
        for (let i = 0; i + 1 < inner.length; i++) {
          const mark = this.marks.find((m) => m.start <= inner[i] && inner[i] < Math.max(m.end, m.start + 1));
          const piece = escape(text.slice(inner[i], inner[i + 1]));
          // A token over several lines is closed and opened again, since each line is an element of its own.
          made += piece.split("\n").map((p) => `<span class="${kind}${mark ? ` mark ${mark.severity}` : ""}">${p}</span>`).join("\n");
        }
      }
      return made;
    },
  },
};

function escape(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}
