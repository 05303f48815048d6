"""Canaries: the private places of moto that tests.support.machines replaces still exist and still mean the same."""

from __future__ import annotations

import inspect

from moto.awslambda.models import LambdaFunction
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction

from tests.support.machines import FOLDER


def test_moto_invokes_a_function_by_one_method_that_answers_payload_error_and_logs() -> None:
    signature = inspect.signature(LambdaFunction._invoke_lambda)
    assert list(signature.parameters) == ["self", "event"]
    assert "tuple[str, bool, str]" in str(signature.return_annotation)


def test_moto_waits_and_backs_off_where_the_support_module_replaces_it() -> None:
    assert list(inspect.signature(WaitFunction._wait_interval).parameters) == ["self", "env", "wait_seconds"]
    assert "time.sleep(" in inspect.getsource(retrier_decl)


def test_every_machine_is_executed_by_a_test_of_its_own() -> None:
    tests = {path.name for path in (FOLDER.parent / "tests" / "machines").glob("test_*_machine.py")}
    assert tests == {f"test_{path.name.removesuffix('.asl.json')}_machine.py" for path in FOLDER.glob("*.asl.json")}
