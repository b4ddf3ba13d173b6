// An array that is pasted, or dropped anywhere on the page, and what is known of it. An answer is marked as of an older
// array at the first key; one that is overtaken is dropped.

export default {
  template: `
    <div class="arrays">
      <label for="array-text">Numbers, or drop a .npy or .npz file anywhere on the page</label>
      <textarea ref="text" id="array-text" spellcheck="false" autocomplete="off" rows="6" @input="typed"
        placeholder="0 1 2 3 …, a JSON list, or what numpy prints"></textarea>
      <div class="tools">
        <div class="field"><label for="array-grid">its grid</label>
          <input ref="grid" id="array-grid" type="text" autocomplete="off" spellcheck="false" placeholder="8x8"
            @input="changed" @keydown.enter="look()"></div>
        <label class="chip"><input ref="file" type="file" accept=".npy,.npz,.txt,.csv,.json" @change="chosen"> File</label>
        <button type="button" class="main" @click="look()">Find its line</button>
      </div>
      <p class="about" v-if="file">{{ file.name }}</p>
      <div class="answer" role="status" :data-older="older ? '' : null" :aria-busy="busy">
        <p v-if="busy" class="note">Searching …</p>
        <div v-html="html"></div>
        <div class="remedies" v-if="choices.length">
          <button type="button" v-for="choice in choices" :key="choice" @click="choose(choice)">{{ choice || "unnamed" }}</button>
        </div>
      </div>
    </div>`,
  emits: ["line"],
  data: () => ({ html: "", choices: [], ask: "", older: false, busy: false, file: null, pick: "" }),
  created() { this.turn = 0; this.going = null; },
  mounted() {
    this.over = (event) => { if (this.holdsFile(event)) event.preventDefault(); };
    this.dropped = (event) => {
      if (event.defaultPrevented || !this.holdsFile(event)) return;
      const box = this.$el.closest("dialog"), [file] = event.dataTransfer.files;
      // A picture, say, is nothing to open this window for: static/drops.js takes it.
      if (!box.open && !/\.np[yz]$/i.test(file.name)) return;
      event.preventDefault();
      if (!box.open) box.showModal();
      this.take(file);
    };
    document.addEventListener("dragover", this.over);
    document.addEventListener("drop", this.dropped);
  },
  unmounted() {
    document.removeEventListener("dragover", this.over);
    document.removeEventListener("drop", this.dropped);
    this.going?.abort();
  },
  methods: {
    holdsFile(event) { return Array.from(event.dataTransfer?.types ?? []).includes("Files"); },
    typed() { this.file = null; this.changed(); },
    // Whatever stands here now is of another array or grid than what is asked next.
    changed() {
      this.turn++;
      this.going?.abort();
      this.busy = false;
      this.pick = "";
      this.older = Boolean(this.html);
    },
    chosen() { if (this.$refs.file.files.length) this.take(this.$refs.file.files[0]); },
    take(file) {
      this.changed();
      this.file = file;
      this.$refs.text.value = "";
      this.$refs.grid.value = "";
      this.$refs.file.value = "";
      this.look();
    },
    choose(choice) {
      if (this.older) return;
      if (this.ask === "grid") this.$refs.grid.value = choice;
      const picked = this.ask === "pick" ? choice : this.pick;
      this.changed();
      this.pick = picked;
      this.look();
    },
    async look() {
      const turn = ++this.turn;
      this.going?.abort();
      this.going = new AbortController();
      this.busy = true;
      this.older = Boolean(this.html);
      const query = new URLSearchParams({ name: this.file?.name ?? "", grid: this.$refs.grid.value.trim(), pick: this.pick });
      let answer;
      try {
        const body = this.file ?? this.$refs.text.value;
        const response = await fetch(`/scanlab/array?${query}`, { method: "POST", body, signal: this.going.signal });
        answer = await response.json();
      } catch {
        if (turn !== this.turn) return;
        answer = { html: "<p>There was no answer: is the explorer still running?</p>", choices: [], ask: "", text: "" };
      }
      if (turn !== this.turn) return;
      Object.assign(this, { html: answer.html, choices: answer.choices, ask: answer.ask, older: false, busy: false });
      if (answer.text) this.$emit("line", { text: answer.text, grid: answer.grid });
    },
  },
};
