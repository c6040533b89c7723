// Shows news without a reload. Without JavaScript the page reloads itself.
"use strict";
const live = document.querySelector("[data-live]");
if (live && window.EventSource) {
  const news = new EventSource(location.href);
  const stale = document.querySelector("[data-stale]");
  let silent;
  news.onopen = () => {
    clearTimeout(silent);
    stale.hidden = true;
  };
  news.onerror = () => {
    clearTimeout(silent);
    silent = setTimeout(() => (stale.hidden = false), 10000); // the browser asks again before that
  };
  news.onmessage = (message) => {
    const focused = live.contains(document.activeElement) ? document.activeElement : null;
    if (focused && /^(INPUT|SELECT|TEXTAREA)$/.test(focused.tagName)) return; // a person is writing
    const place = focused && (focused.id || focused.getAttribute("href"));
    live.innerHTML = message.data;
    if (place) {
      const again = document.getElementById(place) || live.querySelector(`[href="${CSS.escape(place)}"]`);
      if (again) again.focus();
    }
  };
}
