"""`sync-worker mappings`: check mapping files, run their examples, try one on a record, print the schema for editors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from sync_worker.cli.core.command import WhilePaused, refuse_paused, tenant_of
from sync_worker.cli.core.mistakes import AsFormat, Format, settle
from sync_worker.cli.core.output import err, out, show_json, show_table
from sync_worker.config.source import place_at
from sync_worker.domain.core.values import plain
from sync_worker.errors import ConfigError, Mistake, Place
from sync_worker.mapping.compile import Reading, RecordMap, compile_mapping
from sync_worker.mapping.examples import default_dialect, run_examples
from sync_worker.mapping.grammar import fields_of, json_schema
from sync_worker.mapping.keep import Specimen, keep
from sync_worker.mapping.load import LoadedMapping, load_mapping
from sync_worker.nearest import did_you_mean
from sync_worker.steps.operate.setup.specimen import specimen

app = typer.Typer(no_args_is_help=True, help="Checks mapping files, runs their examples, tries them on a record.")

Folder = Annotated[Path, typer.Option("--dir", envvar="SYNC_WORKER_MAPPINGS_DIR", help="The folder of the mapping files.")]
OneFile = Annotated[Path | None, typer.Argument(help="One mapping file. Without it: all files of the folder.", show_default=False)]
FOLDER = Path("mappings")
_NUL = re.compile(r"(?<!\\)(?:\\\\)*(?P<nul>\\u0000)")


@app.command()
def lint(file: OneFile = None, folder: Folder = FOLDER, form: AsFormat = Format.TEXT) -> None:
    """Says what is wrong in mapping files: each mistake with its place, the wrong value and what is allowed.

    Example: sync-worker mappings lint mappings/salesforce.yaml
    """
    try:
        mappings = _loaded(_files(file, folder))
    except ConfigError as error:
        settle(error, form)
    else:
        settle(None, form)
        for mapping in mappings if form is Format.TEXT else ():
            _say(f"{mapping.source_path}: OK — {_counts(mapping)}")


@app.command(name="test")
def run_examples_of(file: OneFile = None, folder: Folder = FOLDER, form: AsFormat = Format.TEXT) -> None:
    """Runs the examples of mapping files, in both directions: reading from the CRM and writing to it.

    Example: sync-worker mappings test
    """
    mistakes: list[Mistake] = []
    try:
        mappings = _loaded(_files(file, folder))
    except ConfigError as error:
        settle(error, form)
        return
    for mapping in mappings:
        found = run_examples(mapping)
        mistakes += found
        if not found and form is Format.TEXT:
            _say(f"{mapping.source_path}: OK — {_plural(len(mapping.grammar.examples), 'example')} came out as written")
    settle(ConfigError(mistakes) if mistakes else None, form)


@app.command(name="try")
def try_(
    file: Annotated[Path | None, typer.Argument(help="The mapping file. With --portal it is that portal's.", show_default=False)] = None,
    record_file: Annotated[
        Path | None, typer.Argument(metavar="RECORD.json", help="A file with one record, as the CRM sends it.", show_default=False)
    ] = None,
    record: Annotated[
        str, typer.Option(help="The record type: company, lead, opportunity or deal. Without it the command guesses.", show_default=False)
    ] = "",
    portal: Annotated[
        str, typer.Option(help="Try this portal's mapping on a record of its CRM, in place of files.", show_default=False)
    ] = "",
    crm_id: Annotated[str, typer.Option("--id", help="With --portal: the record's id in the CRM.", show_default=False)] = "",
    is_saved: Annotated[bool, typer.Option("--save", help="Keep the record as an example in the mapping file.")] = False,
    while_paused: WhilePaused = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Shows what a mapping makes of one record of the CRM: values, spellings and mistakes. Exit 1 if there is a mistake.

    With --portal and --id the record is read from that portal's CRM, by the portal's own mapping.

    Example: sync-worker mappings try mappings/salesforce.yaml account.json --record company
    """
    if bool(portal) != bool(crm_id) or bool(portal) == (record_file is not None) or bool(portal) == (file is not None):
        raise ConfigError("name a mapping file and a record file, or --portal and --id — see `sync-worker mappings try --help`")
    if file is not None and record_file is not None:
        path, tried = file, _from_files(file, record_file, record)
    else:
        path, tried = _from_crm(portal, crm_id, record, while_paused=while_paused)
    if as_json:
        show_json(_document(tried.record, tried.reading))
    else:
        _show_reading(tried.record, tried.reading)
    if tried.reading.mistakes:
        if is_saved:
            err.print("nothing was saved: an example says what is right; correct the record or the mapping first")
        raise typer.Exit(1)
    if is_saved:
        line = keep(path, tried)
        err.print(f"saved as an example: {path}:{line}; it is a record of the CRM, so look whether it may stand there", markup=False)


def _from_files(file: Path, record_file: Path, record: str) -> Specimen:
    mapping = load_mapping(file)
    native = _native(record_file)
    chosen = _chosen(compile_mapping(mapping, default_dialect(mapping.grammar), None).records, native, record, record_file)
    return Specimen(chosen, native, chosen.normalize(native))


def _from_crm(portal: str, crm_id: str, record: str, *, while_paused: bool) -> tuple[Path, Specimen]:
    with tenant_of(portal) as tenant:
        refuse_paused(tenant, while_paused=while_paused)
        chosen, native = specimen(tenant, crm_id, record=record)
        own = tenant.portal
    tried = Specimen(chosen, native.fields, chosen.normalize(native.fields), own.overrides, own.account_type_values)
    return Path(tenant.grammar.source_path), tried


@app.command()
def schema() -> None:
    """Prints the JSON Schema of mapping files, so that editors complete and check them.

    Example: sync-worker mappings schema > mapping.schema.json
    """
    show_json(json_schema())


def _files(file: Path | None, folder: Path) -> list[Path]:
    if file is not None:
        return [file]
    found = sorted(folder.glob("*.yaml"))
    if not found:
        raise ConfigError(f"{folder}: no mapping file (*.yaml) here — name one, or set SYNC_WORKER_MAPPINGS_DIR")
    return found


def _loaded(files: list[Path]) -> list[LoadedMapping]:
    """All files, or every mistake of all of them."""
    mappings: list[LoadedMapping] = []
    mistakes: list[Mistake] = []
    for file in files:
        try:
            mappings.append(load_mapping(file))
        except ConfigError as error:
            mistakes += error.mistakes
    if mistakes:
        raise ConfigError(mistakes)
    return mappings


def _say(line: str) -> None:
    out.print(line, markup=False, highlight=False, soft_wrap=True)


def _counts(mapping: LoadedMapping) -> str:
    grammar = mapping.grammar
    records = ", ".join(grammar.records.named())
    company, deal = len(fields_of(grammar.company)), len(fields_of(grammar.deal))
    examples = _plural(len(grammar.examples), "example")
    return f"{_plural(company, 'company field')}, {_plural(deal, 'deal field')}, {examples}; records: {records}"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _native(path: Path) -> dict[str, Any]:
    """The record; HubSpot's properties are taken out of their envelope."""
    try:
        written = path.read_bytes().decode("utf-8-sig")
        record = orjson.loads(written)
    except OSError as error:
        raise _bad_record(path, f"cannot be read: {error.strerror}") from None
    except orjson.JSONDecodeError as error:
        raise _bad_record(path, f"is not JSON: {error.msg}", error.lineno, error.colno) from None
    except UnicodeDecodeError as error:
        raise _bad_record(path, f"is not UTF-8 text (byte {error.start})") from None
    if nul := _NUL.search(written):
        place = place_at(str(path), written, nul.start("nul"))
        raise _bad_record(path, "holds U+0000, which no database can keep", place.line, place.column)
    if not isinstance(record, dict):
        raise _bad_record(path, "must be one JSON object: a record as the CRM sends it")
    properties = record.get("properties")
    return {**record, **properties} if isinstance(properties, dict) else record


def _bad_record(path: Path, what: str, line: int = 1, column: int = 1) -> ConfigError:
    return ConfigError([Mistake(Place(str(path), line, column), "(file)", what)])


def _chosen(records: Mapping[str, RecordMap], native: dict[str, Any], name: str, path: Path) -> RecordMap:
    if name:
        if name not in records:
            near = did_you_mean(name, list(records))
            raise ConfigError(f"--record {name}: no such record — {near} allowed: {', '.join(records)}".replace("  ", " "))
        return records[name]
    attributes = native.get("attributes")
    native_name = attributes.get("type") if isinstance(attributes, dict) else None
    fitting = [one for one in records.values() if one.native == native_name]
    if len(fitting) != 1:
        raise _bad_record(path, f"does not say which record it is; add --record {' | '.join(records)}")
    return fitting[0]


def _document(record: RecordMap, reading: Reading) -> dict[str, Any]:
    return {
        "record": record.record,
        "values": {name: plain(value) for name, value in reading.values.items()},
        "spellings": reading.spellings,
        "mistakes": [
            {"field": one.field, "native": one.native, "value": one.value, "code": one.code, "what": one.what, "allowed": one.allowed}
            | {"hint": one.hint, "written": one.written}
            for one in reading.mistakes
        ],
    }


def _show_reading(record: RecordMap, reading: Reading) -> None:
    wrong = {one.field: one for one in reading.mistakes}
    rows = []
    for name, one in record.fields.items():
        mistake = wrong.get(name)
        state = "mistake" if mistake else "read" if name in reading.values else "absent"
        value = "" if mistake or state == "absent" else _plain_text(plain(reading.values[name]))
        rows.append({"field": name, "native": one.native, "direction": one.direction, "state": state, "value": value})
    show_table(rows, columns=["field", "native", "direction", "state", "value"], title=f"{record.record} ({record.native})")
    for mistake in reading.mistakes:
        _say(f"{mistake.field}: {mistake.native} {mistake.what} ({mistake.code}) — {mistake.hint}")


def _plain_text(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "; ".join(value) if isinstance(value, list) else str(value)
