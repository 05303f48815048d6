"""The processes of a campaign that is killed again and again: senders, a sweeper, and a provider that remembers.

Each is a real process with an id of its own. They are forked from one that has imported everything, so that a new sender
is at work within milliseconds of the death of the old one; its clients are made after the fork.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
from sender.app import MARGIN_SECONDS
from sender.app import handler as send

from meghdoot.areas.messaging import planner, sweeper
from meghdoot.areas.messaging.rules import letters, waves
from meghdoot.kernel.errors import AppError
from meghdoot.wiring import aws, messaging
from tests.support.world import REGION

_fork = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Pace:
    """The house's times, all shortened alike so that a hundred deaths fit into minutes. Seconds."""

    work: float = 8.0
    """A sender's life in one invocation; 295 in a deployment."""
    wave: float = 2.0
    call: float = 1.5
    margin: int = 2
    on_its_way: int = 45
    visibility: int = 20
    """Longer than a lease, as in a deployment."""
    chunk: int = 500

    def set(self) -> None:
        """Take these times in this process, and in all that are forked from it."""
        waves.WAVE_SECONDS, waves.CALL_SECONDS, waves.ON_ITS_WAY_SECONDS = self.wave, self.call, self.on_its_way
        letters.LEASE_MARGIN_SECONDS = self.margin
        planner.CHUNK_SIZE, planner.ON_ITS_WAY_SECONDS = self.chunk, self.on_its_way
        sweeper.ON_ITS_WAY_SECONDS = self.on_its_way


class Context:
    """As much of Lambda's context as the sender reads."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds + MARGIN_SECONDS

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._end - time.monotonic()) * 1000))


def started(work: Callable[..., None], *arguments: Any) -> Any:
    """A process of its own that does the work."""
    process = _fork.Process(target=_lived, args=(work, *arguments), daemon=True)
    process.start()
    return process


def _lived(work: Callable[..., None], *arguments: Any) -> None:
    # Nothing that the parent opened is shared: sockets would answer both.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    aws.forget()
    boto3.setup_default_session()
    work(*arguments)


def kill(process: Any) -> None:
    """SIGKILL, by its own id: no handler runs, nothing is flushed."""
    os.kill(process.pid, signal.SIGKILL)
    process.join()


def sending(pace: Pace, stop: Path) -> None:
    """Poll the queue of chunks and hand each message to the function's own handler, as Lambda's poller does."""
    sqs, url = aws.client("sqs"), aws.settings().queue_chunks
    while not stop.exists():
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1, WaitTimeSeconds=0).get("Messages", [])
        if not found:
            time.sleep(0.1)
            continue
        (message,) = found
        record = {
            "messageId": message["MessageId"],
            "body": message["Body"],
            "eventSourceARN": f"arn:aws:sqs:{REGION}:1:q",
        }
        answer = send({"Records": [record]}, Context(pace.work))
        if not answer["batchItemFailures"]:
            # By the batch call, which raises nothing for a message that was given to another one in the meantime.
            entries = [{"Id": "0", "ReceiptHandle": message["ReceiptHandle"]}]
            sqs.delete_message_batch(QueueUrl=url, Entries=entries)


def sweeping(stop: Path, every: float = 2.0) -> None:
    """What the ticker does once a minute, at this campaign's pace."""
    while not stop.exists():
        try:
            messaging.sweeper().sweep_all()
        except AppError as e:
            # As a tick that failed: the next one comes.
            print(f"sweep: {e.code}", flush=True)
        time.sleep(every)


def providing(port: int, journal: Path, answer_seconds: float) -> None:
    """A provider that writes down what it accepts before it answers, and is never killed."""
    file = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if len(body) < int(self.headers["Content-Length"]):
                # Whoever asked is dead: half a mail is none.
                return
            mail = json.loads(body)
            line = json.dumps({"tags": mail["tags"], "to": mail["to"], "from": mail["from"], "at": time.time()})
            os.write(file, line.encode() + b"\n")
            # Whoever dies now dies after the acceptance and before the word of it.
            time.sleep(answer_seconds)
            answer = json.dumps({"MessageId": f"p-{mail['tags']['key']}"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_args: Any) -> None:
            """Quiet."""

    server = _Patient(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    server.serve_forever()


class _Patient(ThreadingHTTPServer):
    """Clients that die in the middle of an answer are what this is for."""

    def handle_error(self, *_args: Any) -> None:
        """Nothing to say."""
