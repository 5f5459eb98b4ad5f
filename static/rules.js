// Rules in their order: moved by the buttons with keys, by the handle with mouse or finger. The first in the form is
// asked first, and so the order of the fields is what is saved. Without this script the buttons ask the server.
(() => {
  "use strict";
  const isRule = (element) => Boolean(element?.matches("[data-rule]"));

  function say(rule) {
    const rules = [...rule.parentElement.children].filter(isRule);
    const said = document.querySelector("[data-rules-said]");
    if (said) said.textContent = `Rule ${rules.indexOf(rule) + 1} of ${rules.length}`;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    if (!button) return;
    event.preventDefault();
    const rule = button.closest("[data-rule]");
    const isUp = button.dataset.move === "up";
    const other = isUp ? rule.previousElementSibling : rule.nextElementSibling;
    if (!isRule(other)) return;
    // The neighbour moves: what moves itself loses the keyboard's focus.
    if (isUp) rule.after(other); else rule.before(other);
    button.scrollIntoView({ block: "nearest" });
    say(rule);
  });

  document.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest("[data-drag]");
    if (!handle || event.button !== 0) return;
    event.preventDefault();
    const rule = handle.closest("[data-rule]");
    const list = rule.parentElement;
    const top = rule.getBoundingClientRect().top;
    // Heads alone while one is moved: opened rules would jump over each other.
    list.classList.add("dragging");
    rule.classList.add("dragged");
    window.scrollBy(0, rule.getBoundingClientRect().top - top);
    handle.setPointerCapture(event.pointerId);
    const middle = (element) => {
      const box = element.getBoundingClientRect();
      return box.top + box.height / 2;
    };
    const move = ({ clientY }) => {
      while (isRule(rule.previousElementSibling) && clientY < middle(rule.previousElementSibling)) rule.after(rule.previousElementSibling);
      while (isRule(rule.nextElementSibling) && clientY > middle(rule.nextElementSibling)) rule.before(rule.nextElementSibling);
    };
    const end = () => {
      for (const [name, deed] of listeners) handle.removeEventListener(name, deed);
      list.classList.remove("dragging");
      rule.classList.remove("dragged");
      rule.scrollIntoView({ block: "nearest" });
      say(rule);
    };
    const listeners = [["pointermove", move], ["pointerup", end], ["pointercancel", end]];
    for (const [name, deed] of listeners) handle.addEventListener(name, deed);
  });
})();
