"""CSV: good rows in, bad rows listed with their line, and the sums add up whatever is in the file."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meghdoot.areas.customers.csv_import import CsvImport, Report
from meghdoot.areas.customers.csv_rows import MAX_LINE, Row, RowError, read_rows
from meghdoot.areas.customers.model import Customer
from meghdoot.areas.customers.service import CustomerService
from meghdoot.kernel.errors import Invalid


def people(service: CustomerService, text: str | bytes, **how: Any) -> Report:
    raw = text.encode() if isinstance(text, str) else text
    report = CsvImport("acme", **how).customers(io.BytesIO(raw), service)
    assert report.totals.good + report.totals.bad == report.totals.total
    assert report.totals.bad == len(report.errors)
    return report


def errors(report: Report) -> list[tuple[int, str]]:
    return [(e.line, e.code) for e in report.errors]


def emails(service: CustomerService) -> set[str | None]:
    return {c.email for c in service.page("acme").items}


@pytest.mark.parametrize(
    "raw",
    [
        b"email,city\na@x.test,Dhaka\n",
        b"\xef\xbb\xbfemail,city\r\na@x.test,Dhaka",
        b"\xef\xbb\xbfemail,city\n\n a@x.test ,Dhaka\n\n",
    ],
)
def test_118_a_byte_order_mark_and_either_line_end_are_read(service: CustomerService, raw: bytes) -> None:
    assert people(service, raw).totals.stored == {"created": 1}
    assert service.find("acme", "email", "a@x.test").city == "Dhaka"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("email\na@x.test\n".encode("utf-16"), "not_utf8"), (b"email\x00\n", "not_utf8"), (b"", "no_header"),
        (b"email;city\na@x.test;Dhaka\n", "unknown_column"), (b"email\tcity\n", "unknown_column"),
        (b'"email\na@x.test\n', "no_header"), (b"email,city\ra@x.test,Dhaka\r", "no_header"),
    ],
)  # fmt: skip
def test_118_another_encoding_or_separator_is_refused_before_anything_is_stored(
    service: CustomerService, raw: bytes, code: str
) -> None:
    with pytest.raises(Invalid) as e:
        people(service, raw)
    assert code in {f.code for f in e.value.fields}
    assert emails(service) == set()


def test_118_a_row_in_windows_1252_is_listed_and_the_others_are_taken(service: CustomerService) -> None:
    report = people(service, b"email,city\na@x.test,M\xfcnchen\nb@x.test,Dhaka\n")
    assert errors(report) == [(2, "not_utf8")]
    assert emails(service) == {"b@x.test"}


def test_119_an_unterminated_quote_costs_its_own_row(service: CustomerService) -> None:
    rows = "".join(f"a{n}@x.test,Dhaka\n" for n in range(100))
    report = people(service, f'email,city\nbad@x.test,"Dhaka\n{rows}')
    assert errors(report) == [(2, "unterminated_quote")]
    assert report.totals.good == 100


def test_119_a_quote_that_ends_in_another_row_costs_its_own_row(service: CustomerService) -> None:
    report = people(service, 'email,city\nbad@x.test,"Dhaka\na@x.test,"Sylhet"\nb@x.test,Dhaka\n')
    assert errors(report) == [(2, "broken_quotes")]
    assert emails(service) == {"a@x.test", "b@x.test"}


def test_119_a_quoted_line_break_is_one_row_and_lines_are_still_counted(service: CustomerService) -> None:
    report = people(service, 'email,city\na@x.test,"Dha\nka"\nbad\n', declare=True)
    assert errors(report) == [(2, "forbidden_characters"), (4, "wrong_number_of_cells")]


def test_119_ragged_rows_long_cells_and_controls_are_listed(service: CustomerService) -> None:
    text = f"email,city\na@x.test\nb@x.test,a,b\nc@x.test,{'x' * 200_000}\nd@x.test,{'x' * 500}\ne@x.test,a\x00b\nf@x.test,ok\n"
    assert errors(people(service, text)) == [
        (2, "wrong_number_of_cells"), (3, "wrong_number_of_cells"), (4, "line_too_long"), (5, "too_long"),
        (6, "forbidden_characters"),
    ]  # fmt: skip
    assert emails(service) == {"f@x.test"}


def test_120_what_an_export_made_harmless_is_restored(service: CustomerService) -> None:
    people(service, "phone,first_name\n'+8801712345678,'=Ann\n")
    assert service.find("acme", "phone", "01712345678").first_name == "=Ann"


def test_121_the_same_file_twice_changes_nothing(service: CustomerService) -> None:
    text = "email,city,tags,is_active\na@x.test,Dhaka,vip|new,true\nb@x.test,,,\n"
    assert people(service, text).totals.stored == {"created": 2}
    assert people(service, text).totals.stored == {"unchanged": 2}
    assert service.find("acme", "email", "a@x.test").tags == ("new", "vip")


def test_122_duplicates_and_case_variants_are_one_person(service: CustomerService) -> None:
    report = people(service, "email\nA@x.test\na@X.TEST\n a@x.test\n")
    assert report.totals.stored == {"created": 1, "unchanged": 2}


def test_122_consent_is_only_what_the_hook_makes_of_its_own_columns(service: CustomerService) -> None:
    seen: list[Mapping[str, str]] = []

    def hook(customer: Customer, cells: Mapping[str, str]) -> None:
        if "consent.source" not in cells:
            raise Invalid.field("consent.source", "evidence_required", "where was it given?")
        seen.append(cells)

    text = "email,where,when\na@x.test,shop,2026-01-01\nb@x.test,,\n"
    how = CsvImport("acme", {"where": "consent.source", "when": "consent.at"})
    report = how.customers(io.StringIO(text), service, hook)
    assert errors(report) == [(3, "evidence_required")]
    assert seen == [{"consent.source": "shop", "consent.at": "2026-01-01"}]
    assert service.customers.gates.get("acme", service.find("acme", "email", "a@x.test").id).granted == frozenset()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("header", "mapping"),
    [
        ("email,email", {}), ("email,mail", {"mail": "email"}), ("email,size", {}), ("email,", {}), ("city", {}),
        ("email", {"gone": "city"}), ("email,x", {"x": "version"}), ("email,attributes.size", {}), ("ইমেইল", {}),
        (",".join(["email", *(f"c{n}" for n in range(5000))]), {}), ("email,x", {"x": "attributes.Bad Name"}),
    ],
)  # fmt: skip
def test_123_columns_that_cannot_be_mapped_are_named_and_nothing_is_stored(
    service: CustomerService, header: str, mapping: dict[str, str]
) -> None:
    with pytest.raises(Invalid):
        people(service, f"{header}\na@x.test,1\n", mapping=mapping)
    assert emails(service) == set()


def test_123_a_header_in_bangla_is_mapped(service: CustomerService) -> None:
    assert people(service, "ইমেইল\na@x.test\n", mapping={"ইমেইল": "email"}).totals.good == 1


def test_mapped_attributes_are_typed_by_the_mapping(service: CustomerService) -> None:
    mapping = {"size": "attributes.size:number", "vip": "attributes.vip:boolean", "note": "attributes.note"}
    text = "email,size,vip,note\na@x.test,৩৯,yes,5\nb@x.test,big,no,\nc@x.test,1.5,maybe,\n"
    report = people(service, text, mapping=mapping, declare=True)
    assert errors(report) == [(3, "not_a_number"), (4, "not_a_boolean")]
    assert service.find("acme", "email", "a@x.test").attributes == {"size": 39, "vip": True, "note": "5"}


def test_undeclared_attributes_are_listed_when_nobody_asked_to_declare(service: CustomerService) -> None:
    report = people(service, "email,x\na@x.test,1\n", mapping={"x": "attributes.x"})
    assert errors(report) == [(2, "unknown_attribute")]


def test_errors_can_be_streamed_and_hold_no_content(service: CustomerService) -> None:
    told: list[RowError] = []
    report = CsvImport("acme", on_error=told.append).customers(["email\n", "canary@\n", "a@x.test"], service)
    assert report.errors == []
    assert [(e.line, e.code, e.field) for e in told] == [(2, "invalid_email", "email")]
    assert "canary" not in repr(told)


def test_events_come_once_even_where_two_lines_are_equal(service: CustomerService) -> None:
    text = (
        "type,external_id,at,amount,sku\n" + "purchase,a-1,1997-01-01T12:00:00+06:00,29.33,x\n" * 2
        + "purchase,a-1,yesterday,1,x\npurchase,a-1,1997-01-02T12:00:00Z,1.234,x\npurchase,,,1,x\n"
    )  # fmt: skip
    how = CsvImport("acme", {"sku": "properties.sku"}, create_missing=True, currency="USD", source="shop.csv")
    first = how.events(io.BytesIO(text.encode()), service)
    assert first.totals.stored == {"created": 2}
    assert errors(first) == [(4, "invalid_time"), (5, "invalid_amount"), (6, "customer_required")]
    again = how.events(io.BytesIO(text.encode()), service)
    assert again.totals.stored == {"duplicate": 2}
    ann = service.find("acme", "external_id", "a-1")
    assert [e.amount.minor for e in service.timeline("acme", ann.id).items if e.amount] == [2933, 2933]


def test_events_need_a_type_and_somebody(service: CustomerService) -> None:
    for header in ("type,at", "email,at"):
        with pytest.raises(Invalid):
            CsvImport("acme").events([header, "x,y"], service)


def test_an_amount_without_a_currency_is_listed(service: CustomerService) -> None:
    report = CsvImport("acme", create_missing=True).events(["type,email,amount", "purchase,a@x.test,5"], service)
    assert errors(report) == [(2, "invalid_amount")]


def test_a_line_of_exactly_the_longest_length_is_read() -> None:
    text = "email,city\na@x.test," + "x" * (MAX_LINE - 10) + "\nb@x.test,y\n"
    read = list(read_rows(io.BytesIO(text.encode()), "customers", {}))
    assert [type(r) for r in read] == [Row, Row]
    assert [r.line for r in read] == [2, 3]


@given(st.binary(max_size=300))
def test_119_no_bytes_break_the_reader_and_every_row_has_its_fate(raw: bytes) -> None:
    read = list(read_rows(io.BytesIO(b"email,city\n" + raw), "customers", {}))
    lines = [r.line for r in read]
    assert lines == sorted(set(lines))
    assert len(lines) <= raw.count(b"\n") + 1
