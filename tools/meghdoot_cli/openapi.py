"""Writes the OpenAPI files from the route table; `--check` says whether the committed ones are current.

    python -m meghdoot_cli.openapi [--check]

`docs/reference/openapi.json` (3.1) is whole, for clients and fuzzing. `infra/openapi.json` and `infra/openapi-public.json`
(3.0.1) hold paths and integrations only, for API Gateway, which takes neither 3.1 nor pydantic's schemas.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from meghdoot_cli.openapi_gateway import gateway_document, public_document
from meghdoot_cli.openapi_reference import reference_document

ROOT = Path(__file__).resolve().parents[2]


def documents() -> dict[Path, str]:
    """Every file and what must stand in it."""
    built: dict[str, dict[str, Any]] = {
        "docs/reference/openapi.json": reference_document(),
        "infra/openapi.json": gateway_document(),
        "infra/openapi-public.json": public_document(),
    }
    return {ROOT / name: json.dumps(document, indent=1, ensure_ascii=False) + "\n" for name, document in built.items()}


def drifted() -> list[str]:
    """Names of the files that are not what the route table says."""
    return [
        str(path.relative_to(ROOT))
        for path, text in documents().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str]) -> int:
    """Write the files, or check them; the exit code is 1 when one has drifted."""
    if arguments == ["--check"]:
        old = drifted()
        for name in old:
            print(f"{name} is not what the route table says; run `python -m meghdoot_cli.openapi`")
        return 1 if old else 0
    for path, text in documents().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
