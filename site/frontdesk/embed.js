// What a page includes:
//
//   <div id="contact-form"></div>
//   <script src="/frontdesk/embed.js" data-api="https://frontdesk.example" data-form="#contact-form" data-chat="on" defer></script>
//
// It adds the stylesheet and starts the rest, which are modules beside this file. All attributes: start.js.
(() => {
  const script = document.currentScript;
  const options = { ...script.dataset };
  options.api ??= window.FRONTDESK?.api;
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = new URL("frontdesk.css", script.src).href;
  const known = [...document.styleSheets].some((sheet) => sheet.href === style.href);
  // Before the page's own styles, so that those win.
  if (!known) document.head.prepend(style);
  import("./start.js").then(({ start }) => start(options));
})();
