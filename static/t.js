/* Clickledger: registers a visit where redirects are not allowed, keeps its click id, fills it into links. */
(function () {
  "use strict";
  var own = document.currentScript;
  if (!own || window.clickledger) return;
  var slug = own.getAttribute("data-campaign") || "";
  var base = own.src.split(/[?#]/)[0].replace(/\.js$/, "");
  var key = "clickledger:" + slug;
  var query = location.search.slice(1);
  var now = Date.now(), minutes = 6e4, days = 864e5;
  var id = "", waiting = [];

  function recall() {
    try { return JSON.parse(localStorage.getItem(key)) || {}; } catch (e) { return {}; }
  }

  function keep(found) {
    id = found;
    try { localStorage.setItem(key, JSON.stringify({ id: id, q: query, at: now })); } catch (e) { /* not allowed here */ }
    document.cookie = "cl_cid=" + id + ";path=/;max-age=2592000;samesite=lax" + (location.protocol === "https:" ? ";secure" : "");
    known();
  }

  function known() {
    fill(document);
    waiting.splice(0).forEach(function (tell) { tell(id); });
  }

  /* A marked link: {click_id} in its address is replaced, else the parameter that the mark names is set (cid). */
  function one(element) {
    if (!id) return;
    if (element.tagName === "INPUT") { element.value = id; return; }
    var address = element.getAttribute("href");
    if (!address) return;
    var filled = address.replace(/\{click_id\}|%7Bclick_id%7D/gi, id);
    if (filled === address) {
      try {
        var url = new URL(address, location.href);
        url.searchParams.set(element.getAttribute("data-clickledger") || "cid", id);
        filled = url.href;
      } catch (e) { return; }
    }
    if (filled !== address) element.setAttribute("href", filled);
  }

  function fill(root) {
    Array.prototype.forEach.call(root.querySelectorAll("[data-clickledger]"), one);
  }

  window.clickledger = {
    /* Calls back with the click id, at once or when it is known. */
    ready: function (tell) { if (id) tell(id); else waiting.push(tell); },
    clickId: function () { return id; }
  };

  var last = recall(), age = now - (last.at || 0);
  var came = /(?:^|&)cid=([0-9a-z]{26})(?:&|$)/i.exec(query);
  if (came) keep(came[1].toLowerCase());
  else if (last.id && (query ? query === last.q && age < 30 * minutes : age < 30 * days)) { id = last.id; known(); }
  else fetch(base + "/" + encodeURIComponent(slug), {
    method: "POST", keepalive: true, credentials: "omit",
    body: JSON.stringify({ query: query, referrer: document.referrer, known: !!last.id && age < days })
  }).then(function (answer) { return answer.ok ? answer.json() : {}; })
    .then(function (told) { if (told.click_id) keep(told.click_id); }, function () { /* the page goes on without */ });

  document.addEventListener("DOMContentLoaded", function () { fill(document); });
  document.addEventListener("click", function (event) {
    var marked = event.target.closest && event.target.closest("[data-clickledger]");
    if (marked) one(marked);
  }, true);
})();
