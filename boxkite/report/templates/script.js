// The page works without this script. With it, filters apply as you type and the numbers refresh by
// themselves. A refresh keeps the open tables, the focus and the scroll position.
(() => {
  const form = document.querySelector("form");
  // On a phone the filters would fill the first screen, where the first picture belongs.
  const filters = document.querySelector(".filters");
  if (filters && matchMedia("(max-width: 40rem)").matches) filters.open = false;
  const seconds = 15;
  let waiting = 0;
  let asked = location.href; // the latest request, answered or not

  const chosen = () => {
    const values = new URLSearchParams(new FormData(form));
    for (const [name, value] of [...values]) if (!value) values.delete(name);
    const limit = new URLSearchParams(location.search).get("limit");
    if (limit) values.set("limit", limit);
    return form.getAttribute("action") + (values.size ? `?${values}` : "");
  };

  // Unchanged nodes are kept: a screen reader would read new ones aloud, and a selection would be lost.
  const patch = (old, fresh) => {
    if (old.isEqualNode(fresh)) return;
    old.className = fresh.className;
    const children = [...fresh.children];
    children.forEach((child, place) => {
      const there = old.children[place];
      if (!there) old.append(child);
      else if (there.matches("[role=status]") && child.matches("[role=status]")) {
        if (there.textContent !== child.textContent) there.textContent = child.textContent;
        there.className = child.className;
      } else if (!there.isEqualNode(child)) there.replaceWith(child);
    });
    while (old.children.length > children.length) old.lastElementChild.remove();
  };

  const patchCards = (old, fresh) => {
    for (const card of fresh.querySelectorAll("article")) {
      const details = document.getElementById(card.id)?.querySelector("details");
      if (details) card.querySelector("details").open = details.open;
    }
    const active = document.activeElement;
    const card = old.contains(active) ? active.closest("article")?.id : "";
    patch(old, fresh);
    if (card && document.activeElement !== active) {
      document.getElementById(card)?.querySelector(active.tagName)?.focus({ preventScroll: true });
    }
  };

  const show = async (address) => {
    asked = address;
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" } });
      if (asked !== address) return; // a later request makes this answer obsolete
      if (!answer.ok) throw new Error(`the service answers ${answer.status}`);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const [left, top] = [scrollX, scrollY];
      patch(document.getElementById("summary"), page.getElementById("summary"));
      patch(document.getElementById("sections"), page.getElementById("sections"));
      patchCards(document.getElementById("cards"), page.getElementById("cards"));
      patch(document.querySelector("footer"), page.querySelector("footer"));
      document.title = page.title;
      history.replaceState(null, "", address);
      scrollTo(left, top);
    } catch (error) {
      const reason = error instanceof TypeError ? "the service does not answer" : error.message;
      const fresh = document.getElementById("fresh");
      if (fresh && !fresh.classList.contains("stale")) fresh.textContent += `: ${reason}`;
      fresh?.classList.add("stale");
    }
  };

  form?.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => show(chosen()), 200);
  });
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    show(chosen());
  });
  document.addEventListener("click", async (event) => {
    const more = event.target.closest?.(".more a");
    if (!more || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    const before = document.querySelectorAll("article").length;
    await show(more.href);
    document.querySelectorAll("article h2 a")[before]?.focus({ preventScroll: true });
  });
  setInterval(() => {
    if (!document.hidden) show(asked);
  }, seconds * 1000);
})();
