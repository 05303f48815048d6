"""Traces are taken where a daemon listens, and cost nothing elsewhere."""

from __future__ import annotations

from meghdoot.adapters.telemetry import NoTelemetry, XRay, telemetry


def test_without_a_daemon_nothing_is_measured() -> None:
    assert isinstance(telemetry(None), NoTelemetry)
    with telemetry(None).segment("anything"):
        pass


def test_with_a_daemon_a_request_is_a_subsegment() -> None:
    from aws_xray_sdk.core import xray_recorder

    xray_recorder.configure(service="tests", sampling=False, context_missing="LOG_ERROR", daemon_address="127.0.0.1:9")
    assert isinstance(telemetry("127.0.0.1:2000"), XRay)
    segment = xray_recorder.begin_segment("tests")
    with XRay().segment("/api/v1/marketing/segments/{segment_id}"):
        pass
    names = [subsegment.name for subsegment in segment.subsegments]
    xray_recorder.clear_trace_entities()
    assert names == ["/api/v1/marketing/segments/_segment_id_"]
