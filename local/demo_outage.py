"""An outage: webhooks are lost, so that only the providers' lists know what happened. The timers compare the lists with what
is known. In the end the webhooks come after all, late, and nothing may happen a second time.
"""

from __future__ import annotations

from after import After
from chats import Event, iso
from desk import KEYWORD, LOCATION, answers, counted
from orders import changed, in_the_shops_time
from stage import Case, Story

# What compares the lists; on AWS once an hour each.
LISTS = ("reconcile-reviews", "reconcile-messages", "reconcile-orders")
# Long enough for the lists to be compared before the order is due.
LATER_S = 25.0
PAGE = "https://harbour-lane.example.com/contact"


def cases(after: After) -> list[Case]:
    """What happens while webhooks are lost, which they are from now on."""
    after.lose_webhooks(True)
    return [
        Case("a bad review", "told over slack; late: accepted, review_known; told 1 time", bad_review),
        Case("a question on the page", "1 answer; late: accepted, ingested; 1 answer, nothing said again", question),
        Case("STOP, before a request is due", "skipped opted_out; late: accepted, opted_out; out", stop),
        Case("an order", "sent; late: accepted; 1 text", an_order),
        Case("an order nobody knows to be shipped", "no request", not_shipped),
    ]


def bad_review(after: After) -> Story:
    review = after.review(text="Nobody answers.")
    at = iso(after.long_ago)
    after.stack.set_review(review.uid, rating=1, body=review.text, location=review.location, created_at=at)
    told = yield from after.is_told(review.notice())
    late = yield from _late(after, review.uid)
    yield from after.a_while()
    times = sum(review.uid in told.key for told in after.told)
    return f"told over {told.way}; late: {late}; told {counted(times, 'time')}"


def question(after: After) -> Story:
    visitor = after.visitor()
    said = "Is my order on its way?"
    fields = {"at": iso(after.long_ago), "name": visitor.name, "webchat_url": PAGE}
    uid = after.stack.customer_writes(visitor.phone, LOCATION, said, **fields)
    yield from after.until(lambda: answers(after.session(visitor)) == [said])
    yield from after.a_while(2.0)
    before = after.confirmations(visitor)
    late = yield from _late(after, uid)
    yield from after.a_while()
    again = "nothing said again" if after.confirmations(visitor) == before else "answered again"
    kept = counted(len(answers(after.session(visitor))), "answer")
    return f"1 answer; late: {late}; {kept}, {again}"


def stop(after: After) -> Story:
    visitor = after.visitor()
    made = after.buys(visitor, LATER_S)
    after.shop.deliver(made.fulfilled())
    yield from after.shop.planned(made)
    uid = after.stack.customer_writes(visitor.phone, LOCATION, "STOP", at=iso(after.long_ago), name=visitor.name)
    end = yield from after.shop.end_of(made)
    late = yield from _late(after, uid)
    row = after.stack.contacts([visitor.phone]).get(visitor.phone, {})
    return f"{end}; late: {late}; {row.get(KEYWORD, 'no wish')}"


def an_order(after: After) -> Story:
    """One that Shopify's webhook did not tell of."""
    made = after.shop.order(after.shop.customer())
    after.stack.list_order(changed(made, updated_at=in_the_shops_time(after.long_ago)).body)
    end = yield from after.shop.end_of(made)
    heard = after.shop.deliver(made.fulfilled())
    yield from after.a_while()
    texts = sum(text["phone"] == made.phone for text in after.texts)
    return f"{end}; late: {heard.text}; {counted(texts, 'text')}"


def not_shipped(after: After) -> Story:
    made = after.shop.order(after.shop.customer())
    body = changed(made, updated_at=in_the_shops_time(after.long_ago), fulfillments=[], fulfillment_status=None).body
    after.stack.list_order(body)
    yield from after.a_while(LATER_S / 2)
    return after.shop.state_of(made).replace(" yet", "")


def _late(after: After, named: str) -> Story:
    """The webhook that was lost comes after all, and is signed for today; what it is answered, and how it ends."""
    lost: list[Event] = []
    while not lost:
        lost = after.sent_by_podium(lambda one: one["attempt"] == 0 and named in one["body"])
        yield
    heard = after.hears(lost[0])
    return f"{heard.text}, {(yield from after.became(lost[0]))}"


