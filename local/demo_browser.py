"""The page in a browser: everything that a visitor can do on it, what they are told when it does not work, and whether
everybody can use it, by keyboard, on a small phone, in the dark.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator

from demo_assistant import NINE_TO_FIVE
from demo_edge import once_at_podium
from demo_looks import COMPLAINTS, OUTSIDE
from demo_wire import ASKED, MIB, PNG, THANKS
from stage import Case, Story
from visit import PHONE, Screen, Visit, visited
from web import CHAT, CHECK, CONFIG, LOCATION, MESSAGES, UPLOADS, mark

LARGE_BYTES = 26 * MIB
TOO_LARGE, WRONG_TYPE = "ERR_WEBCHAT_005", "ERR_WEBCHAT_015"
# Without it what is measured is still on its way there.
CALM = {"reduced_motion": "reduce"}
NO_CONNECTION = "We could not be reached."
# What no server of ours says; one that somebody has broken into might.
HOSTILE = "<img src=x onerror=\"document.title='broken'\"><b>bold</b>"


def cases() -> list[Case]:
    narrow = "nothing beside the screen: page, form with errors, chat with cards, with a form"
    return [
        Case("the page", "the form, the chat, three stores, the hours; nobody else was asked", visited(page_is_there)),
        Case("the chat: text", f"{NINE_TO_FIVE}; said to be coming; a log", visited(chat_text)),
        Case("the chat: articles", "a title, a sentence, a link that opens beside the page", visited(chat_article)),
        Case("the chat: products", "pictures, prices, links; 4 and more", visited(chat_cards)),
        Case("the chat: options", "3 buttons; Express delivery comes tomorrow.; clicked once", visited(chat_options)),
        Case("the chat: a form", "what is missing is said; thanked; told once", visited(chat_form)),
        Case("the chat: from a product", "opened, asked and answered", visited(chat_from_product)),
        Case("answers of all kinds", "8 of 8 shown as the widgets show them", visited(chat_kinds)),
        Case("a form of all types", "only what was touched is sent; thanked", visited(all_types)),
        Case("an answer that is an attack", "shown as text; nothing ran; no link", visited(chat_hostile)),
        Case("a number as people write it", "+61412345678, then +14155552671", visited(local_number)),
        Case("a number that is none", "ERR_WEBCHAT_001 beside it; right again once it is", visited(wrong_number)),
        Case("a number without a store", "needs +; +61412345678 once the store is chosen", visited(number_of_no_store)),
        Case("a page of a store", "chosen: loc_sydney", visited(page_of_store, "/?store=loc_sydney")),
        Case("a page of no store of ours", "ERR_WEBCHAT_003; none chosen; not sent", visited(wrong_store, "/?store=loc_x")),
        Case("an empty form", "4 fields are marked, the first has the focus; nobody was asked", visited(empty_form)),
        Case("a file of 26 MiB", f"{TOO_LARGE}; nobody was asked", visited(large_file)),
        Case("a file of no kind of ours", f"{WRONG_TYPE}; nobody was asked", visited(odd_file)),
        Case("files that are too large together", f"{TOO_LARGE}; nobody was asked; the first stays", visited(large_sum)),
        Case("a picture, and another one", "uploaded; removed; sent; ingested; shown at Podium once", visited(with_picture)),
        Case("an answer that is lost", "kept; sent again: one message; ingested; shown at Podium once", visited(lost)),
        Case("somebody who opted out", "ERR_WEBCHAT_009, and what it means", visited(opted_out)),
        Case("STOP", "no more texts", visited(stops)),
        Case("by keyboard alone", "to the form, sent; chat opened, asked, closed; always visible where", visited(by_keys, **CALM)),
        Case("on a phone of 320 px", narrow, visited(on_a_phone, size=PHONE)),
        Case("what everybody needs", "no complaint, in the light", visited(looks)),
        Case("the same in the dark", "no complaint, in the dark", visited(looks, color_scheme="dark")),
        Case("a page of somebody else", "the form is not there, and says so; the browser refused", is_foreign),
    ]


def page_is_there(visit: Visit) -> Story:
    yield
    visit.page.wait_for_function("document.querySelectorAll('#store-list li').length > 2")
    shown = {
        "the form": visit.field("Your name").is_visible(),
        "the chat": visit.page.get_by_role("button", name="Chat with us").is_visible(),
        "three stores": visit.page.locator("#store-list li").count() >= 3,
        "the hours": visit.form.locator(".fd-hours").count() == 1 or visit.site.config()["hours"] is None,
    }
    others = [url for _, url in visit.asked if url != CONFIG]
    there = ", ".join(what for what, is_there in shown.items() if is_there)
    return f"{there}; {f'asked: {others}' if others else 'nobody else was asked'}"


# ---- The chat


def chat_text(visit: Visit) -> Story:
    yield
    visit.opens_chat()
    watch = "() => { const at = document.querySelector('.fd-pending'); window.seen = []; " \
        "new MutationObserver(() => window.seen.push(at.textContent)).observe(at, { childList: true }); }"
    visit.run(watch)
    words = visit.asks(ASKED["text"]).inner_text()
    pending = [said for said in visit.run("() => window.seen") if said]
    coming = "said to be coming" if pending and not visit.panel.locator(".fd-pending").inner_text() else str(pending)
    log = "a log" if visit.panel.get_by_role("log").count() == 1 else "no log"
    return f"{NINE_TO_FIVE if NINE_TO_FIVE in words else words}; {coming}; {log}"


def chat_article(visit: Visit) -> Story:
    yield
    visit.opens_chat()
    item = visit.asks(ASKED["article"]).locator(".fd-articles li").first
    link = item.locator("a")
    beside = opens_beside(link)
    sentence = item.locator(".fd-note").inner_text() != ""
    return f"a title, {'a' if sentence else 'no'} sentence, a link that opens {beside}"


def opens_beside(link: Locator) -> str:
    """Whether a link leaves the page where it is, and tells the other page nothing of it."""
    rel = (link.get_attribute("rel") or "").split()
    is_web = (link.get_attribute("href") or "").startswith("http")
    right = is_web and link.get_attribute("target") == "_blank" and {"noopener", "noreferrer"} <= set(rel)
    return "beside the page" if right else str(link.evaluate("link => link.outerHTML"))


def chat_cards(visit: Visit) -> Story:
    yield
    visit.opens_chat()
    cards = visit.asks(ASKED["card"]).locator(".fd-card")
    first = cards.first
    loaded = "img => img.complete ? img.naturalWidth > 0 : new Promise(done => img.onload = () => done(true))"
    picture = first.locator("img").evaluate(loaded)
    price = first.locator(".fd-price").inner_text()
    good = picture and any(letter.isdigit() for letter in price) and opens_beside(first.locator("a")) == "beside the page"
    return f"{'pictures, prices, links' if good else first.inner_text()}; {'4 and more' if cards.count() >= 4 else cards.count()}"


def chat_options(visit: Visit) -> Story:
    yield
    visit.opens_chat()
    buttons = visit.asks(ASKED["quick_reply"]).get_by_role("button")
    count = buttons.count()
    express = buttons.filter(has_text="Express delivery")
    before = visit.asked.count(("POST", CHAT))
    words = visit.answer_to(express.dblclick).inner_text()
    # What waits behind the first answer is asked within this.
    visit.page.wait_for_timeout(1_000)
    clicks = visit.asked.count(("POST", CHAT)) - before
    said = "Express delivery comes tomorrow."
    return f"{count} buttons; {said if said in words else words}; clicked {'once' if clicks == 1 else f'{clicks} times'}"


def chat_form(visit: Visit) -> Story:
    words = mark()
    visit.opens_chat()
    bubble = visit.asks(ASKED["form"])
    form = bubble.locator("form")
    submit = form.get_by_role("button")
    submit.click()
    marked = form.locator("[aria-invalid=true]").count()
    # What no person sees they leave alone.
    for kind, typed in (("text", "Mia"), ("email", "mia@example.com"), ("tel", "+1 512 555 0100")):
        for control in form.locator(f".fd-field input[type={kind}]").all():
            control.fill(typed)
    for control in form.locator("select").all():
        control.select_option(index=1)
    for control in form.locator("input[type=checkbox]").all():
        control.check()
    form.locator("textarea").first.fill(f"Do you deliver? {words}")
    submit.click()
    thanks = bubble.get_by_text(THANKS)
    thanks.wait_for()
    yield from visit.site.until(lambda: visit.site.notices(words))
    yield from visit.site.a_while()
    told = len(visit.site.notices(words))
    said = "what is missing is said" if marked else "nothing was missed"
    return f"{said}; thanked; {'told once' if told == 1 else f'told {told} times'}"


def chat_from_product(visit: Visit) -> Story:
    yield
    button = visit.page.get_by_role("button", name="Is it in stock?")
    bubble = visit.answer_to(button.click)
    asked = visit.panel.locator(".fd-ours").last.inner_text()
    return "opened, asked and answered" if "lamp" in asked and bubble.locator(".fd-card").count() else asked


def chat_kinds(visit: Visit) -> Story:
    """What our own assistant never says, and other front desks may."""
    yield
    responses = {"title": "Which one?", "responses": [{"id": "1", "text": "This one", "value": "this"}]}
    form = {"fields": [{"id": "a", "type": "text", "label": "A field"}]}
    expected = [
        ({"output": "", "message": "The other field"}, "The other field"),
        ({"output": ""}, "Sorry, I couldn't process that."),
        ({"output": "ignored", "content": "Look", "content_type": "input_select"}, "Interactive content: Look"),
        (interactive("canned_response", "Choose", {"responses": responses}), "This one"),
        (interactive("card", "Products", {"cards": {"cards": [{"title": "A lamp", "price": "AUD 5"}]}}), "AUD 5"),
        (interactive("article", "Read this", {"items": [{"title": "Returns", "link": "https://a.example/"}]}), "Returns"),
        (interactive("article", "Nothing inside", None), "Nothing inside"),
        (interactive("form", "Fill this in", {"form": form}), "A field"),
    ]
    visit.answers_with(CHAT, *(body for body, _ in expected))
    visit.opens_chat()
    shown = [words in visit.asks("next").inner_text() for _, words in expected]
    return f"{sum(shown)} of {len(shown)} shown as the widgets show them"


def interactive(kind: str, content: str, attributes: object) -> dict[str, object]:
    return {"content": content, "content_type": kind, "content_attributes": attributes}


def all_types(visit: Visit) -> Story:
    yield
    options = [{"value": "blue", "label": "Blue"}, {"value": "red", "label": "Red"}]
    pattern = {"pattern": "^[0-9]{4}$", "message": "Four digits, please"}
    fields = [
        {"id": "name", "type": "text", "label": "Name", "required": True},
        {"id": "email", "type": "email", "label": "Address"},
        {"id": "phone", "type": "tel", "label": "Phone"},
        {"id": "code", "type": "text", "label": "Code", "validation": pattern},
        {"id": "words", "type": "textarea", "label": "Words"},
        {"id": "colour", "type": "select", "label": "Colour", "options": options},
        {"id": "size", "type": "radio", "label": "Size", "options": [{"value": "l", "label": "Large"}]},
        {"id": "news", "type": "checkbox", "label": "News"},
        {"id": "terms", "type": "checkbox", "label": "Terms", "required": True},
        {"id": "file", "type": "file", "label": "No type of the contract"},
    ]
    form = {"title": "Everything", "submitUrl": f"{visit.site.door}/contact-form?token=t", "fields": fields}
    visit.answers_with(CHAT, interactive("form", "Form", {"form": form}))
    sent = visit.answers_with("/contact-form", {"success": True, "message": THANKS})
    visit.opens_chat()
    bubble = visit.asks("form")
    bubble.get_by_label("Name").fill("Mia")
    bubble.get_by_label("Address").fill("not an address")
    bubble.get_by_label("Code").fill("12")
    bubble.get_by_label("Colour").select_option("red")
    bubble.get_by_label("Large").check()
    submit = bubble.get_by_role("button")
    submit.click()
    complaints = bubble.locator(".fd-error").all_inner_texts()
    said = "Four digits, please" in complaints and len([each for each in complaints if each]) == 3 and not sent
    bubble.get_by_label("Address").fill("")
    bubble.get_by_label("Code").fill("1234")
    bubble.get_by_label("Terms").check()
    submit.click()
    bubble.get_by_text(THANKS).wait_for()
    right = {"name": "Mia", "email": "", "code": "1234", "colour": "red", "size": "l", "terms": True}
    return "only what was touched is sent; thanked" if said and sent == [right] else f"{complaints}, {sent}"


def chat_hostile(visit: Visit) -> Story:
    yield
    card = {"title": HOSTILE, "description": HOSTILE, "link": "javascript:document.title='broken'", "price": HOSTILE}
    item = {"title": HOSTILE, "description": HOSTILE, "link": "data:text/html,x"}
    response = {"id": "1", "text": HOSTILE, "value": HOSTILE}
    visit.answers_with(
        CHAT,
        {"output": HOSTILE},
        interactive("card", HOSTILE, {"cards": {"title": HOSTILE, "cards": [card]}}),
        interactive("article", HOSTILE, {"items": [item]}),
        interactive("quick_reply", HOSTILE, {"responses": {"responses": [response]}}),
        interactive(HOSTILE, HOSTILE, {}),
    )
    title = visit.page.title()
    visit.opens_chat()
    bubbles = [visit.asks("x") for _ in range(5)]
    as_text = all(HOSTILE in bubble.inner_text() for bubble in bubbles)
    markup = visit.panel.locator("b, img[src=x], script").count()
    ran = visit.page.title() != title or markup
    links = sum(bubble.locator("a").count() for bubble in bubbles)
    return f"{'shown as text' if as_text else 'not shown'}; {'something' if ran else 'nothing'} ran; {links or 'no'} link"


# ---- The form


def local_number(visit: Visit) -> Story:
    yield
    visit.chooses("loc_sydney")
    visit.writes("Mobile number", "0412 345 678")
    australian = visit.confirmed()
    visit.writes("Mobile number", "")
    visit.chooses("loc_austin")
    visit.writes("Mobile number", "(415) 555-2671")
    return f"{australian}, then {visit.confirmed()}"


def wrong_number(visit: Visit) -> Story:
    yield
    visit.chooses("loc_sydney")
    visit.writes("Mobile number", "0412 34")
    said = visit.complaint("Mobile number")
    visit.writes("Mobile number", "0412 345 678")
    visit.confirmed()
    still = visit.field("Mobile number").get_attribute("aria-invalid")
    beside = "ERR_WEBCHAT_001 beside it" if "ERR_WEBCHAT_001" in said and len(said) > 30 else said
    return f"{beside}; {'still wrong' if still else 'right again once it is'}"


def number_of_no_store(visit: Visit) -> Story:
    yield
    visit.writes("Mobile number", "0412 345 678")
    said = visit.complaint("Mobile number")
    visit.chooses("loc_burleigh")
    return f"{'needs +' if '+' in said else said}; {visit.confirmed()} once the store is chosen"


def page_of_store(visit: Visit) -> Story:
    yield
    return f"chosen: {visit.field('Store').input_value()}"


def wrong_store(visit: Visit) -> Story:
    yield
    said = visit.complaint("Store")
    chosen = visit.field("Store").input_value()
    visit.writes("Your name", "Mia Example")
    visit.writes("Mobile number", "+61412345678")
    visit.writes("Your message", "Hello")
    visit.sends()
    sent = ("POST", MESSAGES) in visit.asked
    known = "ERR_WEBCHAT_003" if "ERR_WEBCHAT_003" in said else said
    return f"{known}; {chosen or 'none'} chosen; {'sent' if sent else 'not sent'}"


def empty_form(visit: Visit) -> Story:
    yield
    before = len(visit.asked)
    visit.sends()
    marked = visit.form.locator("[aria-invalid=true]").count()
    first = visit.field("Store").evaluate("field => field === document.activeElement")
    asked = visit.asked[before:]
    where = "the first has the focus" if first else "the focus is elsewhere"
    return f"{marked} fields are marked, {where}; {asked or 'nobody was asked'}"


def large_file(visit: Visit) -> Story:
    yield
    before = len(visit.asked)
    with tempfile.TemporaryDirectory() as folder:
        # Larger than Playwright hands over by itself; so it lies on the disk, as a visitor's would.
        file = Path(folder, "holiday.png")
        with file.open("wb") as content:
            content.truncate(LARGE_BYTES)
        visit.field("Pictures or files").set_input_files(file)
        said = visit.complaint("Pictures or files")
    return refused_unasked(visit, said, before, TOO_LARGE)


def odd_file(visit: Visit) -> Story:
    yield
    before = len(visit.asked)
    visit.attaches("setup.exe", b"MZ", "application/x-msdownload")
    return refused_unasked(visit, visit.complaint("Pictures or files"), before, WRONG_TYPE)


def large_sum(visit: Visit) -> Story:
    yield
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("one.png", "two.png")]
        for file in files:
            with file.open("wb") as content:
                content.truncate(LARGE_BYTES // 2)
        visit.field("Pictures or files").set_input_files(files[0])
        visit.form.locator(".fd-file-state").get_by_text("attached").wait_for(timeout=60_000)
        before = len(visit.asked)
        visit.field("Pictures or files").set_input_files([files[1]])
        # Thirteen and thirteen are one too many, if they count together.
        in_sum = visit.site.config()["limits"]["attachments_in_sum"]
        said = visit.complaint("Pictures or files") if in_sum else TOO_LARGE
    stays = "the first stays" if visit.form.locator(".fd-file").count() == (1 if in_sum else 2) else "the first is gone"
    return f"{refused_unasked(visit, said, before, TOO_LARGE, 1)}; {stays}"


def refused_unasked(visit: Visit, said: str, before: int, code: str, listed: int = 0) -> str:
    # Whatever would be asked is asked within this.
    visit.page.wait_for_timeout(1_000)
    asked = visit.asked[before:]
    known = code if code in said and visit.form.locator(".fd-file").count() == listed else said
    return f"{known}; {asked or 'nobody was asked'}"


def with_picture(visit: Visit) -> Story:
    phone, words = visit.site.number(), mark()
    visit.fills_in(visit.site.local(phone), f"It came like this {words}", LOCATION)
    attached = visit.form.locator(".fd-file-state").get_by_text("attached")
    visit.attaches("first.png", PNG)
    attached.wait_for()
    steps = ["uploaded" if any(method == "PUT" for method, _ in visit.asked) else "not uploaded"]
    visit.form.get_by_role("button", name="Remove first.png").click()
    steps.append("removed" if visit.form.locator(".fd-file").count() == 0 else "still there")
    visit.attaches("second.png", PNG)
    attached.wait_for()
    said = visit.sends()
    steps.append("sent" if "We have your message." in said and phone in said else said)
    order = [url for method, url in visit.asked if method == "POST" and url in (CHECK, UPLOADS, MESSAGES)]
    if order[-3:] != [CHECK, UPLOADS, MESSAGES]:
        return f"asked in this order: {order}"
    end = yield from visit.site.became(words)
    yield from visit.site.a_while()
    return "; ".join([*steps, end, once_at_podium(visit.site, phone, words)])


def lost(visit: Visit) -> Story:
    """It arrived, and the visitor does not know. So they send it again, and it is the same message."""
    phone, words = visit.site.number(), mark()
    visit.fills_in(visit.site.local(phone), f"Hello {words}", LOCATION)
    visit.loses_answer(MESSAGES)
    first = visit.sends()
    kept = "kept" if NO_CONNECTION in first and words in visit.field("Your message").input_value() else first
    again = visit.sends()
    same = "sent again: one message" if "nothing was sent twice" in again else again
    # The connection that was cut is in the console, as it should be.
    visit.errors = [error for error in visit.errors if "ERR_CONNECTION_RESET" not in error]
    end = yield from visit.site.became(words)
    yield from visit.site.a_while()
    return f"{kept}; {same}; {end}; {once_at_podium(visit.site, phone, words)}"


def opted_out(visit: Visit) -> Story:
    yield
    phone = visit.site.number()
    visit.site.post(MESSAGES, {"name": "Mia", "phone": phone, "location_uid": LOCATION, "text": "STOP"})
    visit.fills_in(visit.site.local(phone), "Where is my order?", LOCATION)
    said = visit.sends()
    means = "and what it means" if "We have your message." in said and len(said) > 80 else said
    return f"{'ERR_WEBCHAT_009' if 'ERR_WEBCHAT_009' in said else said}, {means}"


def stops(visit: Visit) -> Story:
    yield
    visit.fills_in(visit.site.local(visit.site.number()), "STOP", LOCATION)
    said = visit.sends()
    return "no more texts" if "no more texts" in said else said


# ---- Everybody


def by_keys(visit: Visit) -> Story:
    """Nothing but Tab, Enter, Escape and what is typed; and at each step it shows where one is."""
    phone, words = visit.site.number(), mark()
    [store] = [place["name"] for place in visit.site.config()["locations"] if place["uid"] == LOCATION]
    hidden: list[str] = []

    def tabs_to(holds: Callable[[Locator], bool]) -> None:
        for _ in range(80):
            visit.presses("Tab")
            focused = visit.focused()
            if not focused.evaluate(OUTSIDE):
                hidden.append(str(focused.evaluate("at => at.outerHTML.slice(0, 80)")))
            if holds(focused):
                return
        raise AssertionError("not reached with Tab")

    def is_labelled(label: str) -> Callable[[Locator], bool]:
        return lambda at: bool(at.evaluate("(at, label) => at.labels?.[0]?.textContent.startsWith(label)", label))

    def says(text: str) -> Callable[[Locator], bool]:
        return lambda at: bool(at.evaluate("(at, text) => at.textContent.trim() === text", text))

    tabs_to(says("Skip to the contact form"))
    visit.presses("Enter")
    tabs_to(is_labelled("Store"))
    # As people choose in a list without opening it: by the first letters.
    visit.page.keyboard.type(store)
    for label, typed in (("Your name", "Mia Example"), ("Mobile number", visit.site.local(phone)), ("Your message", words)):
        tabs_to(is_labelled(label))
        visit.page.keyboard.type(typed)
    tabs_to(says("Send message"))
    visit.presses("Enter")
    sent = "sent" if "We have your message." in visit.outcome() else visit.outcome()
    told = visit.focused().evaluate("at => at.tagName") == "H3"
    tabs_to(says("Chat with us"))
    visit.presses("Enter")
    visit.page.keyboard.type(ASKED["text"])
    known = visit.panel.locator(".fd-theirs").count()
    visit.presses("Enter")
    visit.panel.locator(".fd-theirs").nth(known).wait_for()
    asked = "asked" if NINE_TO_FIVE in visit.panel.locator(".fd-theirs").last.inner_text() else "not answered"
    visit.presses("Escape")
    closed = "closed" if visit.panel.is_hidden() and says("Chat with us")(visit.focused()) else "not closed"
    visible = "always visible where" if not hidden and told else f"not visible where: {hidden}"
    yield
    return f"to the form, {sent}; chat opened, {asked}, {closed}; {visible}"


def on_a_phone(visit: Visit) -> Story:
    yield
    fits = {"page": visit.run(FITS)}
    visit.sends()
    visit.chooses("loc_sydney")
    visit.writes("Mobile number", "0412")
    visit.complaint("Mobile number")
    fits["form with errors"] = visit.run(FITS)
    visit.opens_chat()
    visit.asks(ASKED["card"])
    fits["chat with cards"] = visit.run(FITS)
    visit.asks(ASKED["form"])
    fits["with a form"] = visit.run(FITS)
    beside = [what for what, is_good in fits.items() if not is_good]
    return f"nothing beside the screen: {', '.join(fits)}" if not beside else f"beside the screen: {', '.join(beside)}"


# No sideways scrolling, of the page or of the chat.
FITS = """() => [document.documentElement, ...document.querySelectorAll('.fd-log, .fd-panel, .fd-form')]
    .every(part => part.scrollWidth <= Math.max(part.clientWidth, 0) || part.clientWidth === 0)"""


def looks(visit: Visit) -> Story:
    yield
    visit.sends()
    visit.chooses("loc_sydney")
    visit.writes("Mobile number", "0412 345 678")
    visit.confirmed()
    visit.opens_chat()
    for kind in ("card", "form", "quick_reply"):
        visit.asks(ASKED[kind])
    found = visit.run(COMPLAINTS)
    dark = visit.run("() => matchMedia('(prefers-color-scheme: dark)').matches")
    return f"{'; '.join(found) or 'no complaint'}, in the {'dark' if dark else 'light'}"


def is_foreign(screen: Screen) -> Story:
    """The same page at another address: the front desk does not know it, and the browser lets it read nothing."""
    with screen.open(foreign=True) as visit:
        said = visit.form.get_by_role("alert").inner_text()
        yield
        refused = [error for error in visit.errors if "blocked by CORS policy" in error]
        there = "there" if visit.form.locator("form").count() else "not there"
        says = "and says so" if "could not be loaded" in said else said
        return f"the form is {there}, {says}; the browser {'refused' if refused else f'said {visit.errors}'}"
