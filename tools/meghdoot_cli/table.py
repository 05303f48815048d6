"""The report as a table for a terminal."""

from __future__ import annotations

from typing import Any


def report_lines(report: dict[str, Any]) -> list[str]:
    """The mission's performance answer and the accounting, as lines."""
    delivery, engagement = report["delivery_metrics"], report["engagement_metrics"]
    money, accounting = report["conversion_metrics"], report["accounting"]
    rows: list[tuple[str, Any, str]] = [
        ("sent", report["campaign_info"]["total_sent"], ""),
        ("delivered", delivery["delivered"], percent(delivery["delivery_rate"]) + " of sent"),
        ("bounced", delivery["bounced"], ""),
        ("opened", engagement["opened"], percent(engagement["open_rate"]) + " of delivered"),
        ("clicked", engagement["clicked"], percent(engagement["click_rate"]) + " of delivered"),
        ("unsubscribed", engagement["unsubscribed"], ""),
        ("machine opens", engagement["machine_opened"], "not in the figures above"),
        (
            "conversions",
            money["conversions"],
            percent(money["conversion_rate"]) + " of delivered, " + str(money["attribution"]),
        ),
        ("revenue", money["revenue"], str(money["currency"])),
    ]
    lines = ["", f"  {report['campaign_info']['name']}", "  " + "─" * 62]
    lines += [f"  {name:<16}{value!s:>10}   {note}" for name, value, note in rows]
    lines += ["  " + "─" * 62, f"  audience        {accounting['audience']:>10}   each person in exactly one state:"]
    people = sorted(accounting["people"].items(), key=lambda row: -row[1])
    lines += [f"    {state:<24}{count:>6}" for state, count in people]
    lines += ["  " + "─" * 62, "  links"]
    lines += [f"    {link['clicks']:>4}  {link['url'][:70]}" for link in report["top_performing_links"][:5]]
    return [*lines, ""]


def percent(rate: float) -> str:
    """0.2137 as 21.4%."""
    return f"{100 * rate:.1f}%"
