// The text box of the explorer: a textarea over its own highlighted copy, with completion and marks under mistakes.

import { makeHover } from "/scanlab/static/hover.js";
import { meaningAt } from "/scanlab/static/meaning.js";
import { isOf, keep, MOST, unread, wantGrid, wantText } from "/scanlab/static/page.js";
import { paint } from "/scanlab/static/paint.js";
import { parametersOf } from "/scanlab/static/parameters.js";
import { makeUndo, SLIDE } from "/scanlab/static/undo.js";

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
        <textarea ref="area" id="editor-text" readonly spellcheck="false" autocapitalize="off" autocomplete="off" autocorrect="off" wrap="off"
          aria-label="Definitions" aria-haspopup="listbox" aria-autocomplete="list" aria-controls="editor-words"
          :aria-activedescendant="offered.length ? 'editor-word-' + chosen : null" aria-describedby="editor-problems"
          @input="typed" @keydown="key" @scroll="follow" @blur="blurred" @click="offered = []"></textarea>
        <ul v-show="offered.length" id="editor-words" class="words" role="listbox" aria-label="Completions" :style="place">
          <li v-for="(word, i) in offered" :id="'editor-word-' + i" role="option" :aria-selected="i === chosen"
            @mousedown.prevent="take(i)">{{ word[0] }}<small>{{ word[1] }}: {{ word[3] }}</small></li>
        </ul>
        <div class="meaning" ref="meaning" role="status" hidden></div>
      </div>
      <div v-if="sliders.length" class="sliders" role="group" aria-label="Parameters" @keydown="undo.key($event)">
        <label v-for="(one, i) in sliders" :key="i"><span><code>{{ one.name }}</code> of {{ one.of }}, line {{ one.line }}</span>
          <input type="range" :min="one.least" :max="one.most" :value="one.value" @input="slide(i, $event)" @change="slid"><output>{{ one.value }}</output></label>
      </div>
      <p v-if="tooLong" class="toolong" role="alert">{{ tooLong }}</p>
    </div>`,
  props: { rules: Array, words: Array, limits: Object },
  emits: ["edit"],
  data: () => ({ offered: [], chosen: 0, place: {}, tooLong: "", sliders: [] }),
  mounted() {
    window.addEventListener("scanlab-flush", this.flush);
    this.patterns = this.rules.map(([pattern, kind]) => [new RegExp(pattern, "y"), kind]);
    this.marks = [];
    this.slides = 0;
    const { area, meaning } = this.$refs;
    this.undo = makeUndo(area, this.undone);
    this.hover = makeHover(area, meaning, this.geometry, (at) => meaningAt(area.value, at, this.patterns, this.words));
    this.paint();
  },
  unmounted() { window.removeEventListener("scanlab-flush", this.flush); },
  methods: {
    // Put another text in, as when a file is opened; what the user types goes the other way. Undo takes it back, unless
    // it is the first. A text that stands there already is left alone, with the caret in it.
    show(text) {
      const area = this.$refs.area, isFirst = area.readOnly;
      area.readOnly = false;
      wantGrid(null);
      if (isFirst) text = unread() ?? text;
      if (text !== area.value) {
        this.undo.mark();
        area.value = text;
        area.setSelectionRange(0, 0);
        area.scrollTop = 0;
      }
      if (isFirst) this.undo.begin();
      else this.undo.record();
      clearTimeout(this.timer);
      this.timer = null;
      this.marks = [];
      this.offered = [];
      this.measure();
      this.paint();
    },
    // Replace a range by a text so that undo takes it back; `of` is the version of the text that the range is of.
    replace(start, end, text, of) {
      if (!isOf(of)) return;
      this.insert(start, end, text);
      this.$refs.area.focus();
    },
    // As if it were typed.
    insert(start, end, text) {
      this.undo.mark();
      this.$refs.area.setRangeText(text, start, end, "end");
      this.typed();
      this.offered = [];
    },
    // A slider writes its number into the text; all that one pull of it writes is taken back together.
    slide(i, { target }) {
      const one = parametersOf(this.$refs.area.value, this.patterns, this.words, this.limits)[i];
      if (!one) return;
      const far = this.sliders.map(({ least, most }) => ({ least, most }));
      this.undo.mark();
      this.$refs.area.setRangeText(target.value, one.start, one.end, "preserve");
      this.typed({ inputType: `${SLIDE}${this.slides}` });
      this.offered = [];
      this.sliders = this.sliders.map((other, at) => ({ ...other, ...far[at] }));
    },
    slid() { this.slides++; },
    undone() {
      this.typed();
      this.offered = [];
      this.reveal(this.$refs.area.selectionStart);
    },
    // Select a range, as when a problem is clicked.
    goTo(start, end, of) {
      if (!isOf(of)) return;
      const area = this.$refs.area;
      area.focus();
      area.setSelectionRange(start, end);
      this.reveal(start);
    },
    // Scroll to a place, where it cannot be seen.
    reveal(start) {
      const area = this.$refs.area;
      const row = area.value.slice(0, start).split("\n").length - 1, high = parseFloat(getComputedStyle(area).lineHeight);
      if (row * high < area.scrollTop || (row + 2) * high > area.scrollTop + area.clientHeight) area.scrollTop = (row - 3) * high;
    },
    focus() { this.$refs.area.focus(); },
    // marks: [{start, end, severity}], offsets in UTF-16 units; of: the version of the text they belong to.
    mark(marks, of) {
      if (!isOf(of)) return;
      this.marks = marks;
      this.paint();
    },
    typed(event) {
      const text = this.$refs.area.value;
      this.undo.record(event?.inputType);
      this.marks = [];
      this.measure();
      this.paint();
      this.offer();
      this.turn = keep("text", text);
      clearTimeout(this.timer);
      this.timer = setTimeout(this.flush, REST_MS);
      if (text.length < LONG) this.flush();
    },
    // Send what waits, as before something that needs all of the text.
    flush() {
      if (!this.timer) return;
      clearTimeout(this.timer);
      this.timer = null;
      if (!this.tooLong) this.$emit("edit", { value: this.$refs.area.value, turn: this.turn });
    },
    // Which text it is; one that is too long says so, and nothing on the page is of it.
    measure() {
      const text = this.$refs.area.value, over = text.length - MOST;
      wantText(text);
      this.sliders = parametersOf(text, this.patterns, this.words, this.limits);
      this.tooLong = over > 0 ? `This text is ${over.toLocaleString("en")} characters too long: it is neither read nor saved, nor in the address.` : "";
    },
    key(event) {
      if (this.undo.key(event)) return;
      if ((event.ctrlKey || event.metaKey) && event.key === " ") { event.preventDefault(); this.offer(true); return; }
      if (!this.offered.length) return this.hover.key(event);
      const steps = { ArrowDown: 1, ArrowUp: -1 };
      if (event.key in steps) this.chosen = (this.chosen + steps[event.key] + this.offered.length) % this.offered.length;
      else if (event.key === "Tab" || (event.key === "Enter" && this.chosen >= 0)) this.take(Math.max(this.chosen, 0));
      else if (event.key === "Escape") this.offered = [];
      else return;
      event.preventDefault();
      event.stopPropagation();
    },
    blurred() { this.offered = []; this.flush(); },
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
      const fits = ([word]) => word.startsWith(start) && word !== start && /^\w/.test(word);
      this.offered = quiet || (start.length < 2 && !always) ? [] : [...this.own(), ...this.words].filter(fits).slice(0, SHOWN);
      this.chosen = always ? 0 : -1;
      if (this.offered.length) this.put(before, line.length - start.length);
    },
    // Below the caret's line, or above it where there is no room.
    put(before, column) {
      const area = this.$refs.area, { wide, high, left: padded, top: first } = this.geometry();
      const left = padded + column * wide - area.scrollLeft, top = first + before.split("\n").length * high - area.scrollTop;
      const tall = this.offered.length * 26 + 10;
      const above = top + tall > area.clientHeight && top - high > tall;
      // So that the words stand below the one that is typed, and never past the edge of the box.
      const start = Math.max(4, Math.min(left - 13, area.clientWidth - 280));
      this.place = { left: `${start}px`, top: `${above ? top - high - tall : top}px`, maxWidth: `${area.clientWidth - start - 4}px` };
    },
    // The text's own names.
    own() {
      const text = this.$refs.area.value;
      const defined = [...text.matchAll(/^\s*(order|scan|plan)\s+([A-Za-z_]\w*)/gm)].map(([, kind, name]) => [name, kind, "", "defined here"]);
      const known = new Set(this.words.map(([word]) => word));
      return defined.filter(([name]) => !known.has(name));
    },
    // What a letter takes, and where the first one stands.
    geometry() {
      const style = getComputedStyle(this.$refs.area), context = document.createElement("canvas").getContext("2d");
      context.font = `${style.fontSize} ${style.fontFamily}`;
      const wide = context.measureText("0").width;
      return { wide, high: parseFloat(style.lineHeight), left: parseFloat(style.paddingLeft), top: parseFloat(style.paddingTop) };
    },
    take(i) {
      const area = this.$refs.area, end = area.selectionStart;
      const start = end - (WORD.exec(area.value.slice(0, end))?.[0].length ?? 0);
      this.insert(start, end, this.offered[i][0]);
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
