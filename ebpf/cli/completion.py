"""``ebpf completion SHELL``: a script that completes commands, options, and the names of features and kernels."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

_BASH = """\
_ebpf() {
    local IFS=$'\\n'
    COMPREPLY=($(compgen -W "$(ebpf completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" \\
        -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _ebpf ebpf
"""
_SCRIPTS = {
    "bash": _BASH,
    "zsh": "autoload -U +X bashcompinit && bashcompinit\n" + _BASH,
    "fish": "complete -c ebpf -f -a"
    " '(ebpf completion words -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'\n",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "shell", choices=[*_SCRIPTS, "words"], help="the shell; add the output to what it reads at start"
    )
    parser.add_argument("typed", nargs="*", help="with words: what has been typed so far")
    parser.epilog = 'For bash: eval "$(ebpf completion bash)"'


def run(options: argparse.Namespace) -> int:
    """Print the script, or the words that can come next."""
    if options.shell != "words":
        print(_SCRIPTS[options.shell], end="")
        return 0
    for word in _words(options.typed):
        print(word)
    return 0


def _words(typed: list[str]) -> list[str]:
    import featuredb
    from ebpf.cli import _COMMANDS

    if len(typed) < 2:
        return [name for name, _ in _COMMANDS]
    command, before = typed[0], typed[-2]
    if before == "--kind":
        return list(featuredb.kinds())
    if before == "--program-type":
        return list(featuredb.names("program_type"))
    if before == "--status":
        from ebpf.verdict import STATUSES

        return list(STATUSES)
    if before == "--kernel" or command == "diff":
        return [item.version for item in featuredb.releases()] + [item.name for item in featuredb.platforms()]
    if command in ("supported", "explain"):
        return [name for name in featuredb.names() if "." not in name]
    return []
