"""The AWS emulator as a child process on a free port of 127.0.0.1, from its own virtual environment."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-local" / "bin" / "python"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def emulator(wait_scale: float = 1.0) -> Iterator[str]:
    """Start it, yield its URL, stop it by its own process id. `wait_scale` shortens waits of state machines."""
    if not PYTHON.exists():
        raise RuntimeError("the emulator is not installed: run `make .venv-local/.done`")
    port, state = free_port(), mkdtemp(prefix="meghdoot-emulator-")
    env = {
        **os.environ, "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0",
        "STATE_DIR": state, "LOG_LEVEL": "ERROR", "SFN_WAIT_SCALE": str(wait_scale), "PYTHONPATH": "",
    }  # fmt: skip
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([str(PYTHON), "-m", "ministack"], env=env, stdout=quiet, stderr=quiet, cwd=state)
    try:
        _wait(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
        shutil.rmtree(state, ignore_errors=True)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"the emulator ended with {process.returncode}")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=1).read()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the emulator did not start within 30 seconds")
