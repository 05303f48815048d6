"""DuckDB, locked: no files but those of one folder, no network, no extensions, bounded memory, no way to change that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from meghdoot.adapters.lake import schema


@contextmanager
def session(folder: Path, *, memory_mb: int, threads: int) -> Iterator[Any]:
    """A connection that may read and write below the folder; what does not fit into memory spills there too."""
    import duckdb

    spill = folder / "spill"
    spill.mkdir(parents=True, exist_ok=True)
    config = {
        "memory_limit": f"{memory_mb}MB", "temp_directory": str(spill), "threads": threads,
        "autoinstall_known_extensions": False, "autoload_known_extensions": False,
    }  # fmt: skip
    connection = duckdb.connect(":memory:", config=config)
    try:
        connection.execute(f"SET allowed_directories = [{literal(str(folder))}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection
    finally:
        connection.close()


def literal(text: str) -> str:
    """A text as an SQL literal: only for paths that we made ourselves, where a parameter is not possible."""
    return "'" + text.replace("'", "''") + "'"


def _paths(files: Sequence[Path]) -> str:
    return "[" + ", ".join(literal(str(path)) for path in files) + "]"


def parquet(kind: str, files: Sequence[Path]) -> str:
    """A query over Parquet files of a kind; without files it has the columns and no rows."""
    if not files:
        nothing = ", ".join(f"NULL::{type_} AS {name}" for name, type_ in schema.KINDS[kind].items())
        return f"SELECT {nothing} WHERE false"
    return f"SELECT {schema.columns(kind)} FROM read_parquet({_paths(files)})"  # noqa: S608 - our own names


def row_groups(files: Sequence[Path], column: str) -> str:
    """A query over the lower bounds of a column's row groups, from the files' footers alone."""
    if not files:
        return "SELECT NULL::VARCHAR AS low WHERE false"
    statistics = f"SELECT stats_min_value AS low FROM parquet_metadata({_paths(files)})"  # noqa: S608 - our own names
    return f"{statistics} WHERE path_in_schema = {literal(column)} AND stats_min_value IS NOT NULL"


def json_lines(kind: str, files: Sequence[Path]) -> str:
    """A query over gzip JSON lines of a kind."""
    if not files:
        return parquet(kind, files)
    options = f"format = 'newline_delimited', compression = 'gzip', columns = {schema.json_columns(kind)}"
    return f"SELECT {schema.columns(kind)} FROM read_json({_paths(files)}, {options})"  # noqa: S608 - our own names
