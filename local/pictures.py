"""The documents' pictures of the shop's page, taken from the page as it runs."""

from __future__ import annotations

import tempfile
from pathlib import Path

from demo_wire import ASKED, MIB, PNG
from visit import Screen


def take(screen: Screen, folder: Path) -> list[Path]:
    """Takes them anew; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    with screen.open("/?store=loc_sydney") as visit:
        visit.page.wait_for_function("document.querySelectorAll('#store-list li').length > 2")
        visit.page.screenshot(path=folder / "website.png")
        visit.writes("Your name", "Mia Example")
        visit.writes("Mobile number", "0412 345 678")
        visit.confirmed()
        visit.writes("Your message", "The shade of my lamp came with a dent. Can I have another one?")
        visit.attaches("dent.png", PNG)
        visit.form.locator(".fd-file-state").get_by_text("attached").wait_for()
        with tempfile.TemporaryDirectory() as films:
            film = Path(films, "unboxing.mp4")
            with film.open("wb") as content:
                content.truncate(26 * MIB)
            visit.field("Pictures or files").set_input_files(film)
            visit.complaint("Pictures or files")
        # In a picture of the form alone it would lie upon a field.
        visit.page.locator(".fd-launcher").evaluate("button => { button.hidden = true; }")
        visit.page.locator("#contact").screenshot(path=folder / "website-form.png")
    with screen.open() as visit:
        visit.page.locator("#things").evaluate("part => part.scrollIntoView({ behavior: 'instant' })")
        visit.opens_chat()
        cards = visit.asks(ASKED["card"])
        cards.locator("img").last.scroll_into_view_if_needed()
        visit.page.wait_for_load_state("networkidle")
        visit.panel.locator(".fd-log").evaluate("log => log.scrollTo(0, log.querySelector('.fd-ours').offsetTop - log.offsetTop)")
        visit.page.screenshot(path=folder / "website-chat.png")
    with screen.open(size=(390, 760), color_scheme="dark") as visit:
        visit.opens_chat()
        visit.asks(ASKED["quick_reply"])
        visit.answer_to(visit.panel.get_by_role("button", name="Express delivery").click)
        visit.asks(ASKED["article"])
        visit.page.screenshot(path=folder / "website-phone.png")
    return sorted(folder.glob("website*.png"))
