// The page works without this. With it, search and choice show at once, and the numbers stay fresh
// without a jump: what is open stays open, what is focused stays focused, nothing scrolls.
(() => {
  const form = document.querySelector("form");
  const seconds = 15;
  let waiting = 0;

  const address = () => {
    const asked = new URLSearchParams(new FormData(form));
    for (const [name, value] of [...asked]) if (!value) asked.delete(name);
    const limit = new URLSearchParams(location.search).get("limit");
    if (limit) asked.set("limit", limit);
    return form.getAttribute("action") + (asked.size ? `?${asked}` : "");
  };

  const replace = (id, page) => {
    const old = document.getElementById(id);
    const fresh = page.getElementById(id);
    if (old.isEqualNode(fresh)) return; // so that nothing is read aloud again
    const open = new Set([...old.querySelectorAll("details[open]")].map((each) => each.closest("article").id));
    const active = document.activeElement;
    const focused = old.contains(active) ? [active.closest("article")?.id, active.tagName] : null;
    for (const each of fresh.querySelectorAll("article")) {
      if (open.has(each.id)) each.querySelector("details").open = true;
    }
    old.replaceWith(fresh);
    if (focused?.[0]) document.getElementById(focused[0])?.querySelector(focused[1])?.focus({ preventScroll: true });
  };

  const refresh = async (visible) => {
    const asked = address();
    try {
      const answer = await fetch(asked, { headers: { Accept: "text/html" } });
      if (!answer.ok || asked !== address()) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const place = scrollY;
      replace("summary", page);
      replace("cards", page);
      document.title = page.title;
      if (visible) history.replaceState(null, "", asked);
      else scrollTo(scrollX, place);
    } catch {
      // The service is away; the next turn asks again.
    }
  };

  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => refresh(true), 200);
  };

  form.addEventListener("input", soon);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    refresh(true);
  });
  setInterval(() => {
    if (!document.hidden) refresh(false);
  }, seconds * 1000);
})();
