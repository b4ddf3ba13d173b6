/* The search of a page that is opened from a disk.

   Browsers start no workers for files. Where a page is a file, a worker is therefore a hidden frame that runs the same
   script: what is sent to it arrives as a message in the frame, and what it sends arrives as a message from the worker.
   The script asks for `IFrameWorker` in its parent to know where it runs. Pages from a server never come here. */
if (location.protocol === "file:") {
  window.IFrameWorker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      // Only once the page has a body is there a place for the frame; what is sent before waits.
      this.ready = new Promise(resolve => {
        const start = () => {
          document.body.append(frame)
          const inside = frame.contentWindow
          inside.postMessage = data => this.dispatchEvent(new MessageEvent("message", { data }))
          const script = inside.document.createElement("script")
          script.onload = () => resolve(inside)
          script.src = url
          inside.document.body.append(script)
        }
        document.body ? start() : addEventListener("DOMContentLoaded", start)
      })
    }

    postMessage(data) {
      this.ready.then(inside => inside.dispatchEvent(new inside.MessageEvent("message", { data })))
    }

    terminate() {}
  }
  window.Worker = window.IFrameWorker
}
