"""The local inbox: every mail as its recipient sees it, with text, headers, source and links."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import escape
from typing import Any

from meghdoot_cli.frontdoor import Answer
from meghdoot_cli.provider import Accepted, LocalProvider, tracked_links

_STYLE = """
:root{--ink:#17212b;--dim:#66717d;--line:#e3e7eb;--accent:#0b6e6e;--paper:#fff;--back:#f4f6f8}
*{box-sizing:border-box}body{margin:0;font:15px/1.5 system-ui,"Noto Sans","Noto Sans Bengali",sans-serif;color:var(--ink);background:var(--back)}
header{background:var(--paper);border-bottom:1px solid var(--line);padding:14px 28px;display:flex;gap:24px;align-items:baseline}
header b{font-size:18px;color:var(--accent)}header a{color:var(--dim);text-decoration:none}header a:hover{color:var(--ink)}
main{max-width:1080px;margin:24px auto;padding:0 20px}table{width:100%;border-collapse:collapse;background:var(--paper);border:1px solid var(--line);border-radius:8px;overflow:hidden}
th,td{padding:9px 14px;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}th{font-size:12px;text-transform:uppercase;letter-spacing:.04em;color:var(--dim)}
tr:last-child td{border-bottom:0}td a{color:var(--ink);text-decoration:none;font-weight:600}td a:hover{color:var(--accent)}
.tag{display:inline-block;padding:0 8px;margin:1px 3px 1px 0;border-radius:10px;background:#e6f2f1;color:var(--accent);font-size:12px}
.tag.bounce,.tag.complaint,.tag.unsubscribe{background:#fdecea;color:#a33020}nav a{display:inline-block;padding:6px 14px;color:var(--dim);text-decoration:none;border-bottom:2px solid transparent}
nav a.on{color:var(--accent);border-color:var(--accent)}iframe{width:100%;height:72vh;border:1px solid var(--line);background:#fff;border-radius:8px}
pre{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:16px;overflow:auto;white-space:pre-wrap;word-break:break-word}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:12px;margin:0 0 20px}.card{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:12px 16px}
.card b{display:block;font-size:24px}.card span{color:var(--dim);font-size:13px}.bar{height:8px;border-radius:4px;background:var(--accent)}.num{text-align:right;font-variant-numeric:tabular-nums}
h1{font-size:20px;margin:0 0 14px}h2{font-size:15px;margin:24px 0 10px;color:var(--dim)}
"""
_TABS = ("html", "text", "headers", "links", "source")
Report = Callable[[], dict[str, Any] | None]


class Inbox:
    """Answers `/`, `/inbox/...`, `/report` and the provider's own `/provider/send`."""

    def __init__(self, provider: LocalProvider, report: Report = lambda: None) -> None:
        self._provider = provider
        self.report = report

    def __call__(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> Answer | None:
        """An answer, or None when the path is the gateway's."""
        if method == "POST" and path in ("/provider", "/provider/send"):
            return Answer(200, json.dumps(self._provider.send(json.loads(body))).encode())
        if method not in ("GET", "HEAD"):
            return None
        if path in ("/", "/inbox"):
            return _page("Inbox", self._list(int(query.get("page", ["1"])[0])))
        if path == "/report":
            return _page("Report", _report(self.report()))
        if path.startswith("/inbox/"):
            return self._mail(path.removeprefix("/inbox/").split("/"))
        return None

    def _list(self, page: int) -> str:
        mails = list(reversed(self._provider.accepted))
        shown = mails[(page - 1) * 50 : page * 50]
        rows = "".join(_row(m) for m in shown)
        more = f'<p><a href="/inbox?page={page + 1}">older</a></p>' if len(mails) > page * 50 else ""
        head = "<tr><th>#</th><th>To</th><th>Subject</th><th>What happened</th></tr>"
        return f"<h1>{len(mails)} mails accepted</h1><table>{head}{rows}</table>{more}"

    def _mail(self, parts: list[str]) -> Answer | None:
        if not parts[0].isdigit() or not 1 <= int(parts[0]) <= len(self._provider.accepted):
            return Answer(404, b"no such mail", "text/plain")
        mail = self._provider.accepted[int(parts[0]) - 1]
        tab = parts[1] if len(parts) > 1 else "html"
        if tab == "body":
            return Answer(
                200,
                mail.part("html").encode(),
                "text/html; charset=utf-8",
                (("Content-Security-Policy", "script-src 'none'"),),
            )
        return _page(_subject(mail), _mail_page(mail, tab if tab in _TABS else "html"))


def _subject(mail: Accepted) -> str:
    return str(mail.parsed()["Subject"])


def _row(mail: Accepted) -> str:
    tags = "".join(f'<span class="tag {escape(s)}">{escape(s)}</span>' for s in mail.story)
    return (
        f'<tr><td>{mail.number}</td><td>{escape(mail.to)}</td><td><a href="/inbox/{mail.number}">{escape(_subject(mail))}</a></td>'
        f"<td>{tags}</td></tr>"
    )


def _mail_page(mail: Accepted, tab: str) -> str:
    tabs = "".join(f'<a class="{"on" if t == tab else ""}" href="/inbox/{mail.number}/{t}">{t}</a>' for t in _TABS)
    return f"<h1>{escape(_subject(mail))}</h1><nav>{tabs}</nav><br>{_tab(mail, tab)}"


def _tab(mail: Accepted, tab: str) -> str:
    if tab == "html":
        return f'<iframe sandbox src="/inbox/{mail.number}/body" title="the mail"></iframe>'
    if tab == "text":
        return f"<pre>{escape(mail.part('plain'))}</pre>"
    if tab == "headers":
        return "<pre>" + "\n".join(f"{escape(k)}: {escape(str(v))}" for k, v in mail.parsed().items()) + "</pre>"
    if tab == "links":
        return "<pre>" + "\n".join(escape(u) for u in tracked_links(mail)) + "</pre>"
    return f"<pre>{escape(mail.raw.decode('utf-8', 'replace'))}</pre>"


def _report(report: dict[str, Any] | None) -> str:
    if report is None:
        return "<h1>No campaign was sent yet</h1>"
    delivery, engagement, money = report["delivery_metrics"], report["engagement_metrics"], report["conversion_metrics"]
    cards = "".join(
        f'<div class="card"><b>{escape(str(value))}</b><span>{escape(name)}</span></div>'
        for name, value in [
            ("audience", report["accounting"]["audience"]), ("sent", report["campaign_info"]["total_sent"]),
            ("delivered", delivery["delivered"]), ("bounced", delivery["bounced"]), ("opened", engagement["opened"]),
            ("clicked", engagement["clicked"]), ("unsubscribed", engagement["unsubscribed"]),
            ("conversions", money["conversions"]), (f"revenue {money.get('currency', '')}", money["revenue"]),
        ]
    )  # fmt: skip
    audience = max(1, report["accounting"]["audience"])
    people = "".join(
        f'<tr><td>{escape(state)}</td><td class="num">{count}</td><td style="width:60%"><div class="bar" style="width:{100 * count / audience:.1f}%"></div></td></tr>'
        for state, count in sorted(report["accounting"]["people"].items(), key=lambda row: -row[1])
    )
    links = "".join(
        f'<tr><td>{escape(link["url"])}</td><td class="num">{link["clicks"]}</td></tr>'
        for link in report["top_performing_links"]
    )
    return (
        f"<h1>{escape(report['campaign_info']['name'])}</h1><div class=cards>{cards}</div>"
        f"<h2>Every person of the audience, in exactly one state</h2><table>{people}</table>"
        f"<h2>Links</h2><table>{links}</table>"
    )


def _page(title: str, body: str) -> Answer:
    text = (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>{escape(title)}"
        f" - Meghdoot</title><style>{_STYLE}</style><header><b>Meghdoot</b><a href='/inbox'>Inbox</a><a href='/report'>Report</a>"
        f"</header><main>{body}</main></html>"
    )
    return Answer(200, text.encode(), "text/html; charset=utf-8")
