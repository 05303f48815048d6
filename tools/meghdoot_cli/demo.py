"""The main job, end to end: a real shop's customers, one segment, one campaign, everything that follows, one report.

Everything goes through the REST API, as a client would. What the promise says is counted by an independent hand: from
what the provider truly accepted and from the consent that this script itself seeded, not from our own ledger.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from meghdoot.kernel.clock import SystemClock
from meghdoot_cli import cdnow, newsletter
from meghdoot_cli.admin import create_tenant
from meghdoot_cli.client import Api
from meghdoot_cli.reconcile import account, lines, summary
from meghdoot_cli.stack import LocalStack, local_stack
from meghdoot_cli.table import report_lines

TENANT, ZONE, CURRENCY = "muktapur-music", "Asia/Dhaka", "BDT"
ADDRESS = "12 Lake Road, Dhaka 1207"
SENDER = "news@muktapur-music.example.com"
BATCH = 100
SEGMENT = {
    "conditions": [
        {"field": "customer_lifetime_value", "operator": "greater_or_equal", "value": 100},
        {"field": "last_purchase_date", "operator": "not_within_days", "value": 90},
    ],
    "logic": "AND",
}
T = TypeVar("T")


@dataclass
class Shop:
    """The demo's people as they were seeded."""

    people: list[cdnow.Person]
    today: date

    @property
    def purchases(self) -> int:
        return sum(len(p.purchases) for p in self.people)


def run(port: int = 0, once: bool = False, json_path: str | None = None) -> int:
    """Run the whole story; answers the process's exit code. Serves the API and the inbox afterwards unless `once`."""
    started = time.monotonic()
    say("Starting the local stack: an AWS emulator with the real template, our functions, a provider to send to ...")
    with local_stack(port) as stack:
        say(f"  {stack.url} after {time.monotonic() - started:.1f} s")
        outcome = play(stack)
        failures = verdict(outcome)
        if json_path:
            Path(json_path).write_text(json.dumps(outcome, indent=2, ensure_ascii=False) + "\n")
        for error in stack.runtime.errors[:3]:
            sys.stderr.write(error + "\n")
        for failure in failures:
            say(f"FAILED: {failure}")
        say(f"Done in {time.monotonic() - started:.0f} s.")
        if not once:
            serve(stack)
        return 1 if failures else 0


def serve(stack: LocalStack) -> None:
    """Keep serving until somebody presses Ctrl-C."""
    say(
        f"\nInbox   {stack.url}/inbox\nReport  {stack.url}/report\nAPI     {stack.url}/api/v1/marketing   (Ctrl-C ends it)"
    )
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        say("Stopping.")


def play(stack: LocalStack) -> dict[str, Any]:
    """The story; answers the figures."""
    today = SystemClock().now().astimezone(ZoneInfo(ZONE)).date()
    shop = Shop(cdnow.load(today), today)
    api = _open_shop(stack)
    _import(api, shop)
    stack.settle()
    segment = _segment(api, stack)
    independent = cdnow.count_by_a_plain_loop(shop.people, today, at_least=Decimal(100), days=90)
    say(
        f"  segment «{segment['segment_name']}»: {segment['customer_count']} people (a plain loop over the file counts {independent})"
    )
    email = _campaign(api, segment["id"])
    stack.provider.buy = _buyer(api, shop)
    _launch(api, stack, email)
    report = _report(api, stack, email)
    stack.inbox.report = lambda: report
    for line in report_lines(report):
        say(line)
    proof = _reconcile(api, email)
    return figures(stack, shop, segment, independent, report) | proof


def _reconcile(api: Api, email: str) -> dict[str, Any]:
    """Account for every person of the run, from letters, rows, gates and ledger, and hold them against the proof."""
    result = account(TENANT, str(api.get(f"/email-campaigns/{email}")["run_id"]), [])
    for line in lines(result):
        say(f"  {line}")
    told = summary(result)
    return {name: told[name] for name in ("reconciled", "unknown", "root_verified", "contradictions")}


def _open_shop(stack: LocalStack) -> Api:
    """A tenant with a key, its settings and a verified sender."""
    key = create_tenant(TENANT, "Muktapur Music", ADDRESS, ZONE, CURRENCY)
    api = Api(f"{stack.url}/api/v1/marketing", key)
    settings = api.get("/tenant")
    api.put(
        "/tenant",
        {
            "postal_address": "12 Lake Road, Dhaka 1207",
            "privacy_url": "https://shop.example.com/privacy",
            "attribution_days": 7,
        },
        {"If-Match": f'"{settings["version"]}"'},
    )
    api.post("/senders", {"sender_email": SENDER, "display_name": "Muktapur Music"})
    api.post(f"/senders/{SENDER}/verify")
    return api


def _import(api: Api, shop: Shop) -> None:
    """Customers with their consent, then what they bought."""
    say(f"Importing {len(shop.people):,} customers and {shop.purchases:,} purchases through the API ...")
    people = [{"customers": [_customer(p) for p in batch]} for batch in chunks(shop.people, BATCH)]
    acts = [{"acts": [_consent(p) for p in batch]} for batch in chunks([p for p in shop.people if p.consents], BATCH)]
    events = [
        {"events": [_purchase(x) for x in batch]}
        for batch in chunks([x for p in shop.people for x in p.purchases], BATCH)
    ]
    for label, path, bodies in (
        ("customers", "/customers/batch", people),
        ("consent", "/consent/batch", acts),
        ("purchases", "/events/batch", events),
    ):
        with ThreadPoolExecutor(4) as pool:
            for answer in progress(label, pool.map(partial(api.post, path), bodies), len(bodies)):
                _require(answer["results"])


def _customer(person: cdnow.Person) -> dict[str, Any]:
    return {
        "external_id": person.external_id, "email": person.email, "first_name": person.first_name,
        "last_name": person.last_name, "language": person.language, "city": person.city, "timezone": ZONE,
    }  # fmt: skip


def _consent(person: cdnow.Person) -> dict[str, Any]:
    return {
        "external_id": person.external_id, "channel": "email", "purpose": "marketing", "state": "granted",
        "text_version": "signup-2026-01", "basis": "consent", "source": "checkout",
    }  # fmt: skip


def _purchase(purchase: cdnow.Purchase) -> dict[str, Any]:
    return {
        "id": purchase.event_id, "external_id": purchase.external_id, "type": "purchase",
        "at": cdnow.noon(purchase.day, ZONE).isoformat(), "amount": float(purchase.amount), "currency": CURRENCY,
    }  # fmt: skip


def _require(results: list[dict[str, Any]]) -> None:
    bad = [r for r in results if r["result"] == "failed"]
    if bad:
        raise RuntimeError(f"{len(bad)} items were refused, the first: {bad[0]}")


def _segment(api: Api, stack: LocalStack) -> dict[str, Any]:
    """Save, refresh and read the segment."""
    body = {
        "segment_name": "Big spenders gone quiet", "segment_name_bn": "নীরব বড় ক্রেতা", "segment_type": "behavioral",
        "description": "Spent at least 100 in all and bought nothing within the last 90 days", "criteria": SEGMENT,
    }  # fmt: skip
    segment = api.post("/segments", body)
    api.post(f"/segments/{segment['id']}/refresh")
    wait_for(
        lambda: api.get(f"/segments/{segment['id']}")["last_updated"] != segment["last_updated"],
        60,
        "the segment's refresh",
    )
    return dict(api.get(f"/segments/{segment['id']}"))


def _campaign(api: Api, segment_id: str) -> str:
    """Template, campaign and its e-mail in English and Bangla, checked and approved; answers the e-mail's id."""
    template = api.post("/templates", newsletter.template())
    start = SystemClock().now()
    campaign = api.post(
        "/campaigns",
        {
            "campaign_name": "We miss you", "campaign_name_bn": "আপনাকে মনে পড়ে", "campaign_type": "reactivation",
            "campaign_objective": "sales", "channels": ["email"], "budget": 5000.0, "start_date": start.isoformat(),
            "end_date": (start + timedelta(days=14)).isoformat(), "target_audience": {"segments": [segment_id]},
        },
    )  # fmt: skip
    email = api.post(
        "/email-campaigns",
        {
            "marketing_campaign_id": campaign["id"], "campaign_name": "We miss you", "template_id": template["id"],
            "subject_line": newsletter.SUBJECT, "subject_line_bn": newsletter.SUBJECT_BN, "sender_name": "Muktapur Music",
            "sender_email": SENDER, "content": newsletter.CONTENT, "content_bn": newsletter.CONTENT_BN,
            "send_type": "immediate", "target_segments": [segment_id],
        },
    )  # fmt: skip
    for line in api.post(f"/email-campaigns/{email['id']}/check")["findings"]:
        say(f"  {line['level']}: {line['message']} {line['hint']}")
    api.post(f"/campaigns/{campaign['id']}/approve")
    return str(email["id"])


def _buyer(api: Api, shop: Shop) -> Any:
    """What a reader does who clicked and was persuaded: buys, through the API."""
    by_email = {p.email: p for p in shop.people}

    def buy(address: str, message_id: str) -> None:
        person = by_email[address]
        spent = person.purchases[-1].amount or Decimal("14.77")
        api.post(
            "/events",
            {
                "id": f"order-{message_id}", "external_id": person.external_id, "type": "purchase",
                "at": SystemClock().now().isoformat(), "amount": float(spent), "currency": CURRENCY,
            },
        )  # fmt: skip

    return buy


def _launch(api: Api, stack: LocalStack, email: str) -> None:
    """Send, with a bar, until the run is done and everybody has reacted."""
    say("Launching the campaign ...")
    started = time.monotonic()
    api.post(f"/email-campaigns/{email}/launch")
    while True:
        state = api.get(f"/email-campaigns/{email}")
        report = api.get(f"/email-campaigns/{email}/performance")
        people, audience = report["accounting"]["people"], report["accounting"]["audience"]
        open_ = sum(people.get(k, 0) for k in ("pending", "calling"))
        sent = state["status"] == "sent"
        bar("sending", audience - open_, audience, last=sent)
        if sent:
            break
        if time.monotonic() - started > 300:
            raise RuntimeError(f"not sent after 300 s: {report['accounting']}; {stack.runtime.errors[-1:]}")
        time.sleep(0.3)
    say(f"  sent in {time.monotonic() - started:.1f} s; waiting for what people do ...")
    stack.settle(120, calm=2.5)


def _report(api: Api, stack: LocalStack, email: str) -> dict[str, Any]:
    """Bring the snapshot up to date (conversions are counted on it) and read the report."""
    for segment in api.get("/segments")["segments"]:
        api.post(f"/segments/{segment['id']}/refresh")
    stack.settle(30, calm=2.0)
    return dict(api.get(f"/email-campaigns/{email}/performance"))


def figures(
    stack: LocalStack, shop: Shop, segment: dict[str, Any], independent: int, report: dict[str, Any]
) -> dict[str, Any]:
    """The figures by their published names. The last two are counted from what the provider truly accepted."""
    consents = {p.email for p in shop.people if p.consents}
    accepted = [m for m in stack.provider.accepted if m.tags.get("run")]
    sent_to = Counter(m.to for m in accepted)
    too_late = [
        m for m in accepted if m.to in stack.provider.unsubscribed_at and m.at > stack.provider.unsubscribed_at[m.to]
    ]
    engagement, money = report["engagement_metrics"], report["conversion_metrics"]
    return {
        "customers": len(shop.people),
        "purchases": shop.purchases,
        "segment_count": segment["customer_count"],
        "independent_count": independent,
        "audience": report["accounting"]["audience"],
        "accounting": report["accounting"]["people"],
        "delivered": report["delivery_metrics"]["delivered"],
        "bounced": report["delivery_metrics"]["bounced"],
        "complained": report["accounting"]["people"].get("complained", 0),
        "opened": engagement["opened"],
        "clicked": engagement["clicked"],
        "unsubscribed": engagement["unsubscribed"],
        "conversions": money["conversions"],
        "revenue": money["revenue"],
        "sent_without_consent": sum(1 for m in accepted if m.to not in consents) + len(too_late),
        "sent_twice": sum(n - 1 for n in sent_to.values()),
    }


def verdict(outcome: dict[str, Any]) -> list[str]:
    """What is wrong with the figures, in words; nothing when the promise held."""
    people = outcome["accounting"]
    checks = {
        "the audience is not the segment": outcome["audience"]
        == outcome["segment_count"]
        == outcome["independent_count"],
        "somebody is unaccounted for": sum(people.values()) == outcome["audience"],
        "somebody was mailed without consent": outcome["sent_without_consent"] == 0,
        "somebody was mailed twice": outcome["sent_twice"] == 0,
        "somebody's fate is unknown": people.get("unknown", 0) == 0,
        "the account does not add up": outcome["reconciled"] == outcome["audience"],
        "the account contradicts itself": not outcome["contradictions"],
        "the proof of the run does not hold": outcome["root_verified"] is True,
    }
    positive = ("delivered", "bounced", "complained", "opened", "clicked", "unsubscribed", "conversions")
    missing = [f"no {name}" for name in positive if not outcome[name]]
    return [wrong for wrong, holds in checks.items() if not holds] + missing


def chunks(items: list[T], size: int) -> list[list[T]]:
    """Items in lists of at most `size`."""
    return [items[n : n + size] for n in range(0, len(items), size)]


def progress(label: str, items: Iterable[T], of: int) -> Iterator[T]:
    """The items, drawing a bar while they come in."""
    for n, item in enumerate(items, start=1):
        yield item
        bar(label, n, of, last=n == of)


def bar(label: str, done: int, of: int, *, last: bool) -> None:
    """A progress bar that redraws itself; one line at the end where nobody watches."""
    width = 34
    filled = width * done // max(1, of)
    if last or sys.stdout.isatty():
        sys.stdout.write(
            f"\r  {label:<10} {'█' * filled}{'·' * (width - filled)} {done:,}/{of:,}" + ("\n" if last else "")
        )
        sys.stdout.flush()


def wait_for(ready: Any, seconds: float, what: str) -> None:
    """Wait until `ready()` is true. Raises RuntimeError when it is not in time."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise RuntimeError(f"gave up waiting for {what}")
        time.sleep(0.2)


def say(text: str) -> None:
    """A line for the person who watches."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
