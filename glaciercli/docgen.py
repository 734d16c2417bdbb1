"""Man pages, completion scripts and README's tables, made from the commands themselves.

    python -m glaciercli.docgen [--check]

Generated files say that they are; `--check` only tells which are not up to date. Dates are fixed,
so that the same commands always make the same files.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from click.shell_completion import ShellComplete, ZshComplete

from glaciercli.cli.command import GLOBALS, Described
from glaciercli.cli.complete import Bash, Fish
from glaciercli.cli.root import COMPLETION, cli
from glaciercli.config import SETTINGS
from glaciercli.errors import EXIT_MEANINGS, Exit

Words = tuple[str, ...]  # that name a command: ("glacier", "vault", "create")

ROOT = Path(__file__).parents[1]
_DATE = "2026-01-01"  # fixed, so that generating is reproducible
_MADE = "made by python -m glaciercli.docgen; do not edit"
_SHELLS: dict[str, type[ShellComplete]] = {
    "glacier.bash": Bash,
    "_glacier": ZshComplete,
    "glacier.fish": Fish,
}
_FILES = (
    ("~/.config/glaciercli/config.toml", "Defaults, and profiles of them."),
    ("~/.local/share/glaciercli/catalog.db", "Which archives there are, by name."),
    ("~/.local/share/glaciercli/local/", "The embedded Glacier of --local."),
    ("~/.local/state/glaciercli/journals/", "Transfers that are not finished."),
)


def main() -> int:
    """Write all generated files, or with `--check` compare them; return an exit code."""
    check = sys.argv[1:] == ["--check"]
    if (sys.argv[1:] and not check) or not (ROOT / "pyproject.toml").exists():
        print(__doc__)
        return 2
    files = generated()
    stale = [path for path, text in files.items() if not _is(path, text)]
    gone = sorted(set((ROOT / "man" / "man1").glob("*.1")) - set(files))
    for path in [*stale, *gone]:
        print(f"{'stale' if check else 'made'}: {path.relative_to(ROOT)}")
    if check:
        return 1 if stale or gone else 0
    for path in gone:
        path.unlink()
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], encoding="utf-8")
    return 0


def generated() -> dict[Path, str]:
    """Return every generated file's text."""
    files = {
        ROOT / "man" / "man1" / f"{'-'.join(path)}.1": man_page(path, command)
        for path, command in commands()
    }
    files |= {ROOT / "completions" / name: completion(kind) for name, kind in _SHELLS.items()}
    readme = ROOT / "README.md"
    if readme.exists():
        files[readme] = with_tables(readme.read_text(encoding="utf-8"))
    return files


def _is(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


@functools.cache
def commands() -> tuple[tuple[Words, Described], ...]:
    """Return each command with the words that name it, the root first."""
    return tuple(_walk(("glacier",), cli))


def _walk(path: Words, command: click.Command) -> Iterator[tuple[Words, Described]]:
    assert isinstance(command, Described)
    yield path, command
    if isinstance(command, click.Group):
        context = _context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from _walk((*path, name), child)


# --- man pages


def man_page(path: Words, command: Described) -> str:
    """Return a command's page in roff."""
    name = "-".join(path)
    summary, _, rest = (command.help or "").partition("\n")
    lines = [
        f'.\\" {_MADE}',
        f'.TH "{name.upper()}" "1" "{_DATE}" "glaciercli" "Glacier Manual"',
        ".SH NAME",
        f"{name} \\- {_roff(summary.rstrip('.'))}",
        ".SH SYNOPSIS",
        f"\\fB{_roff(' '.join(path))}\\fR {_roff(_usage(command))}",
        ".SH DESCRIPTION",
        _roff(summary),
        *_paragraphs(rest),
    ]
    if isinstance(command, click.Group):
        lines += [".SH COMMANDS", *_commands(path, command)]
    lines += [".SH OPTIONS", *_options(command)]
    if len(path) == 1:
        lines += [".SS Global options, before or after any command", *_each(GLOBALS)]
    else:
        lines += [".PP", "Global options are described in", ".BR glacier (1)."]
    if command.examples:
        lines += [".SH EXAMPLES", ".nf", *map(_roff, command.examples), ".fi"]
    return "\n".join([*lines, *_common(path)]) + "\n"


def _context(command: click.Command) -> click.Context:
    """Return a context as the program's own; a command keeps the help option of its first one."""
    return click.Context(command, **cli.context_settings)


def _usage(command: Described) -> str:
    context = _context(command)
    return " ".join(command.collect_usage_pieces(context))


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        if paragraph:
            yield from (".PP", _roff(" ".join(paragraph.split())))


def _commands(path: Words, group: click.Group) -> Iterator[str]:
    context = _context(group)
    for name in group.list_commands(context):
        child = group.get_command(context, name)
        assert child is not None
        yield from (".TP", f"\\fB{'-'.join((*path, name))}\\fR(1)")
        yield _roff(_first_line(child))


def _options(command: Described) -> Iterator[str]:
    context = _context(command)
    yield from _each([option for option in command.own_options(context) if not option.hidden])


def _each(options: tuple[click.Option, ...] | list[click.Option]) -> Iterator[str]:
    context = _context(cli)
    for option in options:
        record = option.get_help_record(context)
        assert record is not None
        names, text = record
        yield from (".TP", f"\\fB{_roff(names)}\\fR", _roff(text))


def _common(path: Words) -> Iterator[str]:
    yield ".SH ENVIRONMENT"
    if len(path) == 1:
        for setting in SETTINGS:
            variables = ", ".join(setting.variables)
            yield from (".TP", f"\\fB{_roff(variables)}\\fR", f"Default of {_roff(setting.name)}.")
        yield from (".TP", "\\fBGLACIER_HOME\\fR", "Moves all files below to one directory.")
        yield from (".TP", "\\fBNO_COLOR\\fR", "No colour, if not empty.")
        yield from (".TP", "\\fBAWS_*\\fR", "Credentials and profiles work as in the AWS CLI.")
    else:
        yield "Every setting has a variable, such as \\fBGLACIER_VAULT\\fR; see"
        yield ".BR glacier (1)."
    yield ".SH FILES"
    for file, text in _FILES:
        yield from (".TP", f"\\fI{_roff(file)}\\fR", _roff(text))
    yield ".SH EXIT STATUS"
    for number, meaning in _exits():
        yield from (".TP", f"\\fB{number}\\fR", _roff(meaning))
    yield ".SH SEE ALSO"
    pages = [("-".join(each), "1") for each in _related(path)]
    if len(path) == 1:  # formats and long stories, which are written by hand
        written = sorted((ROOT / "man").glob("man[57]/*"))
        pages += [(each.stem, each.suffix[1:]) for each in written]
    *others, last = [f".BR {_roff(name)} ({section})" for name, section in pages]
    yield from (*(f"{each} ," for each in others), last)


def _related(path: Words) -> list[Words]:
    """Return the commands around one, by name: those that it is part of, its parts or its like."""
    known = [each for each, _ in commands()]
    up = [path[:length] for length in range(1, len(path))]
    below = [each for each in known if each[:-1] == path]
    beside = [each for each in known if len(path) > 2 and each[:-1] == path[:-1] and each != path]
    return sorted({*up, *(below or beside)})


def _roff(text: str) -> str:
    """Return text that troff prints as it is: no escapes, no hyphens for minus, no requests."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga")
    escaped = escaped.replace("'", "\\(aq").replace("…", "...")
    return f"\\&{escaped}" if escaped.startswith((".", "\\(aq")) else escaped


# --- completions


def completion(kind: type[ShellComplete]) -> str:
    """Return the script that a shell loads; it asks the program, which asks nobody."""
    script = kind(cli, {}, "glacier", COMPLETION).source()
    first, newline, rest = script.partition("\n")
    if first.startswith("#compdef"):  # zsh reads it from the first line only
        # As written by Click, it completes when it is loaded and not when it is called again.
        once, ever = "[-1] == loadautofunc ]]", "[-1] == (loadautofunc|shfunc) ]]"
        return f"{first}\n# {_MADE}\n{rest.replace(once, ever).strip()}\n"
    return f"# {_MADE}\n{(first + newline + rest).strip()}\n"


# --- README


def with_tables(readme: str) -> str:
    """Return README with the tables between its markers made anew."""
    for name, table in (("commands", command_table()), ("exits", exit_table())):
        start, end = f"<!-- {name}: {_MADE} -->", f"<!-- end of {name} -->"
        before, marker, rest = readme.partition(start)
        _, closing, after = rest.partition(end)
        if marker and closing:
            readme = f"{before}{start}\n{table}{end}{after}"
    return readme


def command_table() -> str:
    """Return a table of the commands that do something."""
    rows = ["| command | what it does |", "|---|---|"]
    for path, command in commands():
        if not isinstance(command, click.Group):
            rows.append(f"| `{' '.join(path)}` | {_first_line(command)} |")
    return "\n".join(rows) + "\n"


def exit_table() -> str:
    """Return the table of exit codes."""
    rows = ["| exit | meaning |", "|---|---|"]
    rows += [f"| {number} | {meaning} |" for number, meaning in _exits()]
    return "\n".join(rows) + "\n"


def _exits() -> Iterator[tuple[str, str]]:
    for code, meaning in EXIT_MEANINGS.items():
        yield "128+N" if code is Exit.SIGNAL else str(int(code)), meaning


def _first_line(command: click.Command) -> str:
    return (command.help or "").partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main())
