"""`python -m meghdoot_cli`: see `--help`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from typing import Any

from meghdoot.kernel.errors import AppError

_ACCOUNTS = ("reconcile", "message")
_OPERATIONS = ("stop-sending", "resume-sending", "restore", "redrive", "seal")


_TERMINATED = 128 + signal.SIGTERM
"""The exit code that shells show for SIGTERM."""


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run one command; answers the exit code."""
    parser = argparse.ArgumentParser(prog="meghdoot", description="Marketing automation in your own AWS account.")
    parser.add_argument(
        "--stage", help="work on this deployed stage, with the environment of its API function; `local` for `make dev`"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="a whole campaign on this machine, then serve the inbox")
    demo.add_argument("--once", action="store_true", help="end after the report")
    demo.add_argument("--json", metavar="FILE", help="write the figures to FILE")
    demo.add_argument("--port", type=int, default=0, help="port of 127.0.0.1 (a free one by default)")
    dev = commands.add_parser("dev", help="the local stack, empty, with a tenant and a key")
    dev.add_argument("--port", type=int, default=8000)
    tenant = commands.add_parser(
        "tenant", help="create a tenant and its first admin key (needs the deployment's environment)"
    )
    tenant.add_argument("id")
    tenant.add_argument("--name", required=True)
    tenant.add_argument("--address", required=True, help="postal address; stands in the footer of marketing mails")
    tenant.add_argument("--zone", default="Asia/Dhaka")
    tenant.add_argument("--currency", default="BDT")
    key = commands.add_parser("key", help="create an API key of a tenant; it is shown once")
    key.add_argument("tenant")
    key.add_argument("--name", required=True)
    key.add_argument("--role", choices=("viewer", "editor", "approver", "admin"), default="editor")
    rotate = commands.add_parser("rotate-key", help="replace a key; the old one works on for a while")
    rotate.add_argument("tenant")
    rotate.add_argument("key_id")
    rotate.add_argument("--overlap-hours", type=int, default=24)
    revoke = commands.add_parser("revoke-key", help="end a key at once")
    revoke.add_argument("tenant")
    revoke.add_argument("key_id")
    _add_operations(commands)
    _add_accounts(commands)
    return _run(parser.parse_args(arguments))


def _add_operations(commands: Any) -> None:
    stop = commands.add_parser("stop-sending", help="stop every message of a tenant within seconds")
    stop.add_argument("tenant")
    stop.add_argument("--reason", required=True, help="a sentence for whoever finds the messages waiting")
    resume = commands.add_parser("resume-sending", help="let a tenant's messages go on where they stood")
    resume.add_argument("tenant")
    redrive = commands.add_parser("redrive", help="put messages that were given up back, but for what is stale")
    redrive.add_argument("queue", choices=("chunks", "urgent", "receipts", "intake"))
    seal = commands.add_parser("seal", help="the first seal of a deployment that is older than seals")
    seal.add_argument("--tables-were-never-restored", action="store_true", required=True)
    restore = commands.add_parser("restore", help="after a table restore: until this is done no sender runs")
    restore.add_argument("--replay-noes", action="store_true", required=True, help="say every no of the bucket again")
    restore.add_argument("--after", metavar="LINE", help="go on behind this line, where a replay broke off")
    restore.add_argument("--past-unreadable", action="store_true", help="seal although lines could not be read")
    for command in (stop, resume, redrive, seal, restore):
        _on_a_stage(command)


def _add_accounts(commands: Any) -> None:
    reconcile = commands.add_parser("reconcile", help="every person of a run with one end, its reason and evidence")
    reconcile.add_argument("run")
    reconcile.add_argument("--tenant", required=True)
    reconcile.add_argument("--json", metavar="FILE", help="write people, sums and contradictions to FILE")
    reconcile.add_argument("--csv", metavar="FILE", help="write the people to FILE")
    reconcile.add_argument("--touches", action="store_true", help="with first opens, clicks and unsubscribes")
    _on_a_stage(reconcile)
    message = commands.add_parser(
        "message", help="a run's message to one customer as it was sent, held against its hash"
    )
    message.add_argument("run")
    message.add_argument("customer")
    message.add_argument("--tenant", required=True)
    message.add_argument("--raw", metavar="FILE", help="write the whole message to FILE")
    _on_a_stage(message)


def _on_a_stage(command: Any) -> None:
    """`--stage` behind the command too, where one looks for it."""
    command.add_argument("--stage", default=argparse.SUPPRESS, help="work on this deployed stage")


def _run(options: argparse.Namespace) -> int:
    if options.command in ("demo", "dev"):
        # A polite end stops the emulator and forgets the environment, as Ctrl-C does.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
        # Loggers read their level when they are made: on a screen that shows a bar, only what went wrong.
        os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "ERROR")
    if options.command == "demo":
        from meghdoot_cli import demo

        return demo.run(options.port, options.once, options.json)
    if options.command == "dev":
        from meghdoot_cli import dev

        return dev.run(options.port)
    try:
        if options.stage:
            _enter(options.stage)
        if options.command in _ACCOUNTS:
            return _account(options)
        return _operate(options) if options.command in _OPERATIONS else _administer(options)
    except AppError as e:
        wrong = "".join(f"\n  {f.field}: {f.message}" for f in e.fields)
        print(f"{e.code}: {e.detail}{wrong}", file=sys.stderr)
        return 1


def _enter(stage: str) -> None:
    """Take the environment that the deployed API function has: tables, buckets, queues, the name of the keyring.

    The stage `local` is the stack that `make dev` or `make demo` runs on this machine.
    """
    from meghdoot_cli import local_environment

    if stage == local_environment.STAGE:
        local_environment.enter()
        return
    import boto3

    deployed = boto3.client("lambda").get_function_configuration(FunctionName=f"meghdoot-{stage}-api")
    os.environ.update(deployed["Environment"]["Variables"])


def _account(options: argparse.Namespace) -> int:
    from meghdoot_cli import reconcile, sent_message

    if options.command == "message":
        return sent_message.run(options.tenant, options.run, options.customer, options.raw)
    return reconcile.run(options.tenant, options.run, options.json, options.csv, options.touches)


def _operate(options: argparse.Namespace) -> int:
    from meghdoot_cli import ops

    if options.command == "restore":
        return ops.restore(options.after, options.past_unreadable)
    if options.command == "seal":
        return ops.first_seal()
    if options.command == "redrive":
        print(ops.redrive(options.queue))
    elif options.command == "stop-sending":
        print(ops.stop_sending(options.tenant, options.reason))
    else:
        print(ops.resume_sending(options.tenant))
    return 0


def _administer(options: argparse.Namespace) -> int:
    from meghdoot_cli import admin

    if options.command == "tenant":
        print(admin.create_tenant(options.id, options.name, options.address, options.zone, options.currency))
    elif options.command == "key":
        print(admin.create_key(options.tenant, options.name, options.role))
    elif options.command == "rotate-key":
        print(admin.rotate_key(options.tenant, options.key_id, options.overlap_hours))
    else:
        admin.revoke_key(options.tenant, options.key_id)
    return 0


if __name__ == "__main__":
    sys.exit(main())
