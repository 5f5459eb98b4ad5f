/* Clickledger: registers a visit where redirects are not allowed, keeps its click id, fills it into links, reports
   conversions. */
(function () {
  "use strict";
  var own = document.currentScript;
  if (!own || window.clickledger) return;
  var slug = own.getAttribute("data-campaign") || "";
  var base = own.src.split(/[?#]/)[0].replace(/\.js$/, "");
  var key = "clickledger:" + slug;
  var query = location.search.slice(1);
  var now = Date.now(), minutes = 6e4, days = 864e5;
  var id = "", waiting = [], settle;
  /* Kept with the click id, or with nothing where there is none to be had. */
  var settled = new Promise(function (done) { settle = done; });

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
    settle(id);
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

  function post(path, said) {
    return fetch(base + "/" + encodeURIComponent(slug) + path, {
      method: "POST", keepalive: true, credentials: "omit", body: JSON.stringify(said)
    });
  }

  function refused(code, message) {
    return { result: "refused", code: code, message: message };
  }

  window.clickledger = {
    /* Calls back with the click id, at once or when it is known. */
    ready: function (tell) { if (id) tell(id); else waiting.push(tell); },
    clickId: function () { return id; },
    /* Reports a conversion: a promise of the verdict, which is kept in any case. */
    convert: function (event, more) {
      more = more || {};
      return settled.then(function (id) {
        if (!id) return refused("missing_click_id", "This visitor came by no click that is known here");
        return post("/convert", { click_id: id, event: event, amount: more.amount, txid: more.txid })
          .then(function (answer) { return answer.json(); });
      }).catch(function () { return refused("not_stored", "The tracker could not be reached"); });
    }
  };

  var last = recall(), age = now - (last.at || 0);
  var came = /(?:^|&)cid=([0-9a-z]{26})(?:&|$)/i.exec(query);
  if (came) keep(came[1].toLowerCase());
  else if (last.id && (query ? query === last.q && age < 30 * minutes : age < 30 * days)) { id = last.id; known(); }
  /* A page that only thanks is no visit: without a click its visitor came by himself. */
  else if (own.hasAttribute("data-known")) settle("");
  else post("", { query: query, referrer: document.referrer, known: !!last.id && age < days })
    .then(function (answer) { return answer.ok ? answer.json() : {}; })
    .then(function (told) { if (told.click_id) keep(told.click_id); else settle(""); })
    .catch(function () { settle(""); /* the page goes on without */ });

  document.addEventListener("DOMContentLoaded", function () { fill(document); });
  document.addEventListener("click", function (event) {
    var marked = event.target.closest && event.target.closest("[data-clickledger]");
    if (marked) one(marked);
  }, true);
})();
