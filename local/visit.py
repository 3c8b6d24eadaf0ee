"""Somebody who looks at the page in a browser: what they see, what the page asks for meanwhile, and what its console says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, Route

from stage import Story
from web import Website

PATIENCE_MS = 20_000
DESK, PHONE = (1280, 900), (320, 640)
# The front door saying no is an answer, and the browser notes each in its console.
REFUSED = "Failed to load resource: the server responded with a status of"


class Screen:
    """The scene: the website, and a browser to look at it."""

    def __init__(self, site: Website, browser: Browser) -> None:
        self.site = site
        self.browser = browser
        self.parts = site.parts

    def look(self) -> None:
        """Looks for what the stories wait for at the front desk; at the page each looks for itself."""
        self.site.look()

    def stands(self, part: Any) -> str:
        return str(part.label)

    @contextmanager
    def open(self, path: str = "/", *, size: tuple[int, int] = DESK, foreign: bool = False, **how: Any) -> Iterator[Visit]:
        """A visit in a window of its own, with no memory of others."""
        width, height = size
        context = self.browser.new_context(viewport={"width": width, "height": height}, locale="en-AU", **how)
        try:
            visit = Visit(self.site, context.new_page())
            visit.goes_to((self.site.foreign if foreign else self.site.origin) + path)
            yield visit
        finally:
            context.close()


def visited(tell: Callable[[Visit], Story], path: str = "/", **how: Any) -> Callable[[Screen], Story]:
    """A story about a visit. Whatever the console says that is no refusal is told with it."""

    def story(screen: Screen) -> Story:
        with screen.open(path, **how) as visit:
            try:
                became = yield from tell(visit)
            except Error as error:
                return f"the browser: {error.message.splitlines()[0]}"
            return "; console: ".join([became, *visit.errors])

    return story


class Visit:
    """A page that somebody has open."""

    def __init__(self, site: Website, page: Any) -> None:
        self.site = site
        self.page = page
        # Each with its method, without what the page itself consists of.
        self.asked: list[tuple[str, str]] = []
        self.errors: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", lambda request: self._noted(request.method, request.url))
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _noted(self, method: str, url: str) -> None:
        if not url.startswith((self.site.origin, self.site.foreign, "data:")):
            self.asked.append((method, url.removeprefix(self.site.door)))

    def _said(self, message: ConsoleMessage) -> None:
        at = str(message.location.get("url", ""))
        if message.type == "error" and not (message.text.startswith(REFUSED) and at.startswith(self.site.door)):
            self.errors.append(message.text)

    def goes_to(self, url: str) -> None:
        self.page.goto(url)
        # Either the form, or why there is none.
        self.form.locator("form, [role=alert]").first.wait_for()

    def run(self, script: str, argument: Any = None) -> Any:
        return self.page.evaluate(script, argument)

    def presses(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def focused(self) -> Locator:
        return self.page.locator(":focus")

    # ---- The form

    @property
    def form(self) -> Locator:
        return self.page.locator("#contact-form")

    def field(self, label: str) -> Locator:
        return self.form.get_by_label(label)

    def writes(self, label: str, words: str) -> None:
        """Fills in a field and leaves it."""
        field = self.field(label)
        field.fill(words)
        field.blur()

    def chooses(self, store: str) -> None:
        self.field("Store").select_option(store)

    def fills_in(self, phone: str, words: str, store: str) -> None:
        self.chooses(store)
        self.writes("Your name", "Mia Example")
        self.writes("Mobile number", phone)
        self.confirmed()
        self.writes("Your message", words)

    def confirmed(self) -> str:
        """The number as the page shows it back."""
        shown = self.form.locator(".fd-confirm strong")
        shown.wait_for()
        return str(shown.inner_text())

    def complaint(self, label: str) -> str:
        """What is said of a field to whoever sees it, and to whoever hears it."""
        field = self.field(label)
        self.page.wait_for_function("field => field.getAttribute('aria-invalid') === 'true'", arg=field.element_handle())
        told = field.get_attribute("aria-describedby") or ""
        region = self.page.locator(f"#{told.split()[-1]}")
        if region.get_attribute("aria-live") != "polite":
            return "said where nobody hears it"
        return str(region.inner_text())

    def sends(self) -> str:
        """Presses Send and returns what is said then."""
        self.form.get_by_role("button", name="Send message").click()
        return self.outcome()

    def outcome(self) -> str:
        said = self.form.locator(".fd-outcome:visible:not(:empty)")
        said.wait_for()
        self.page.wait_for_function("!document.querySelector('#contact-form [type=submit][aria-disabled]')")
        return str(said.first.inner_text()).replace("\n\n", "\n")

    def attaches(self, name: str, content: bytes, kind: str = "image/png") -> None:
        self.field("Pictures or files").set_input_files({"name": name, "mimeType": kind, "buffer": content})

    # ---- The chat

    @property
    def panel(self) -> Locator:
        return self.page.locator(".fd-panel")

    def opens_chat(self) -> None:
        self.page.get_by_role("button", name="Chat with us").click()

    def asks(self, words: str) -> Locator:
        """Writes into the chat and returns the answer's bubble."""
        return self.answer_to(lambda: self._types(words))

    def answer_to(self, does: Callable[[], object], *, within_ms: int = PATIENCE_MS, instead: int = 0) -> Locator:
        """The next bubble; `instead`: of how many that go."""
        known = self.panel.locator(".fd-theirs").count() - instead
        does()
        self.page.wait_for_function("() => !document.querySelector('.fd-failed')" if instead else "() => true")
        bubble = self.panel.locator(".fd-theirs").nth(known)
        bubble.wait_for(timeout=within_ms)
        return bubble

    def _types(self, words: str) -> None:
        self.panel.get_by_placeholder("Write a message").fill(words)
        self.presses("Enter")

    # ---- What lies between

    def answers_with(self, path: str, *bodies: dict[str, Any]) -> list[Any]:
        """Lets the front door have answered this, one after the other; returns what was sent to it."""
        waiting, sent = list(bodies), []

        def answer(route: Route) -> None:
            if route.request.method == "OPTIONS":
                route.continue_()
                return
            sent.append(route.request.post_data_json)
            headers = {"access-control-allow-origin": self.site.origin}
            route.fulfill(json=waiting.pop(0) if len(waiting) > 1 else waiting[0], headers=headers)

        self.page.route(lambda url: url.removeprefix(self.site.door).startswith(path), answer)
        return sent

    def loses_answer(self, path: str) -> None:
        """The front door hears the next request; its answer is lost."""

        def lose(route: Route) -> None:
            route.fetch()
            route.abort("connectionreset")

        self.page.route(self.site.door + path, lose, times=1)
