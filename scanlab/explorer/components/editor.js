// The text box of the explorer: a textarea over its own highlighted copy, with completion and marks under mistakes.

import { paint } from "/scanlab/static/paint.js";

const SHOWN = 8;
// Longer texts are sent when typing rests for a moment, so that no keystroke costs more than it must.
const LONG = 20_000, REST_MS = 120;
const WORD = /[A-Za-z_]\w*$/;

export default {
  template: `
    <div class="editor">
      <div class="paper" ref="paper">
        <pre class="numbers" aria-hidden="true" ref="numbers"></pre>
        <pre class="copy" aria-hidden="true" ref="copy"></pre>
        <textarea ref="area" id="editor-text" spellcheck="false" autocapitalize="off" autocomplete="off" autocorrect="off" wrap="off"
          aria-label="Definitions" role="combobox" :aria-expanded="offered.length > 0" aria-autocomplete="list" aria-controls="editor-words"
          :aria-activedescendant="offered.length ? 'editor-word-' + chosen : null" aria-describedby="editor-problems"
          @input="typed" @keydown="key" @scroll="follow" @blur="offered = []" @click="offered = []"></textarea>
        <ul v-show="offered.length" id="editor-words" class="words" role="listbox" aria-label="Completions" :style="place">
          <li v-for="(word, i) in offered" :id="'editor-word-' + i" role="option" :aria-selected="i === chosen"
            @mousedown.prevent="take(i)">{{ word[0] }}<small>{{ word[1] }}</small></li>
        </ul>
      </div>
    </div>`,
  props: { rules: Array, words: Array },
  emits: ["edit"],
  data: () => ({ offered: [], chosen: 0, place: {} }),
  mounted() {
    this.patterns = this.rules.map(([pattern, kind]) => [new RegExp(pattern, "y"), kind]);
    this.marks = [];
    this.paint();
  },
  methods: {
    // Put another text in, as when a file is opened; what the user types goes the other way.
    show(text) {
      this.$refs.area.value = text;
      this.$refs.area.setSelectionRange(0, 0);
      this.$refs.area.scrollTop = 0;
      this.marks = [];
      this.offered = [];
      this.paint();
    },
    // Replace a range by a text so that undo takes it back. The browser then tells of the input as of typing.
    replace(start, end, text) {
      const area = this.$refs.area;
      area.focus();
      area.setSelectionRange(start, end);
      if (document.execCommand("insertText", false, text)) { this.offered = []; return; }
      area.setRangeText(text, start, end, "end");
      this.typed();
      this.offered = [];
    },
    // Select a range, as when a problem is clicked.
    goTo(start, end) {
      const area = this.$refs.area;
      area.focus();
      area.setSelectionRange(start, end);
      const row = area.value.slice(0, start).split("\n").length - 1, high = parseFloat(getComputedStyle(area).lineHeight);
      if (row * high < area.scrollTop || (row + 2) * high > area.scrollTop + area.clientHeight) area.scrollTop = (row - 3) * high;
    },
    focus() { this.$refs.area.focus(); },
    // marks: [{start, end, severity}], offsets in UTF-16 units; length: of the text they belong to.
    mark(marks, length) {
      if (length !== this.$refs.area.value.length) return;
      this.marks = marks;
      this.paint();
    },
    typed() {
      const text = this.$refs.area.value;
      this.marks = [];
      this.paint();
      this.offer();
      clearTimeout(this.timer);
      if (text.length < LONG) this.$emit("edit", text);
      else this.timer = setTimeout(() => this.$emit("edit", text), REST_MS);
    },
    key(event) {
      if ((event.ctrlKey || event.metaKey) && event.key === " ") { event.preventDefault(); this.offer(true); return; }
      if (!this.offered.length) return;
      const steps = { ArrowDown: 1, ArrowUp: -1 };
      if (event.key in steps) this.chosen = (this.chosen + steps[event.key] + this.offered.length) % this.offered.length;
      else if (event.key === "Tab" || (event.key === "Enter" && this.chosen >= 0)) this.take(Math.max(this.chosen, 0));
      else if (event.key === "Escape") this.offered = [];
      else return;
      event.preventDefault();
      event.stopPropagation();
    },
    follow() {
      const { area, copy, numbers } = this.$refs;
      copy.style.transform = `translate(${-area.scrollLeft}px, ${-area.scrollTop}px)`;
      numbers.style.transform = `translateY(${-area.scrollTop}px)`;
      this.offered = [];
    },
    // The words that begin with what stands before the caret; nothing in a comment or a string. Enter takes one only
    // after an arrow has chosen it: at the end of a line it must stay a new line.
    offer(always = false) {
      const area = this.$refs.area, before = area.value.slice(0, area.selectionStart);
      const line = before.slice(before.lastIndexOf("\n") + 1), start = WORD.exec(line)?.[0] ?? "";
      const quiet = line.includes("#") || (line.match(/"/g) ?? []).length % 2;
      const fits = ([word]) => word.startsWith(start) && word !== start;
      this.offered = quiet || (start.length < 2 && !always) ? [] : [...this.own(), ...this.words].filter(fits).slice(0, SHOWN);
      this.chosen = always ? 0 : -1;
      if (this.offered.length) this.put(before, line.length - start.length);
    },
    // Below the caret's line, or above it where there is no room.
    put(before, column) {
      const area = this.$refs.area, style = getComputedStyle(area), high = parseFloat(style.lineHeight);
      const left = parseFloat(style.paddingLeft) + column * this.width(style) - area.scrollLeft;
      const top = parseFloat(style.paddingTop) + before.split("\n").length * high - area.scrollTop;
      const tall = this.offered.length * 26 + 10;
      const above = top + tall > area.clientHeight && top - high > tall;
      // So that the words stand below the one that is typed, and never past the edge of the box.
      const start = Math.max(4, Math.min(left - 13, area.clientWidth - 280));
      this.place = { left: `${start}px`, top: `${above ? top - high - tall : top}px`, maxWidth: `${area.clientWidth - start - 4}px` };
    },
    // The text's own names.
    own() {
      const text = this.$refs.area.value;
      const defined = [...text.matchAll(/^\s*(order|scan|plan)\s+([A-Za-z_]\w*)/gm)].map(([, kind, name]) => [name, `${kind}, defined here`]);
      const known = new Set(this.words.map(([word]) => word));
      return defined.filter(([name]) => !known.has(name));
    },
    width(style) {
      const context = document.createElement("canvas").getContext("2d");
      context.font = `${style.fontSize} ${style.fontFamily}`;
      return context.measureText("0").width;
    },
    take(i) {
      const area = this.$refs.area, end = area.selectionStart;
      const start = end - (WORD.exec(area.value.slice(0, end))?.[0].length ?? 0);
      this.replace(start, end, this.offered[i][0]);
    },
    paint() {
      const text = this.$refs.area.value, rows = text.split("\n").length;
      this.$refs.copy.innerHTML = paint(text, this.patterns, this.marks);
      if (rows !== this.rows) this.$refs.numbers.textContent = Array.from({ length: rows }, (_, i) => i + 1).join("\n");
      this.rows = rows;
      const { area, copy, numbers } = this.$refs;
      copy.style.transform = `translate(${-area.scrollLeft}px, ${-area.scrollTop}px)`;
      numbers.style.transform = `translateY(${-area.scrollTop}px)`;
    },
  },
};
