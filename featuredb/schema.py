"""The shape of the TOML sources: which kind lives in which file, and how a record becomes a row of constants."""

from __future__ import annotations

__all__ = ["COMMON", "FILES", "KINDS", "RELATION", "STATEMENT", "TABLES"]

FILES = {
    "command": "commands",
    "map_type": "map_types",
    "program_type": "program_types",
    "attach_type": "attach_types",
    "link_type": "link_types",
    "helper": "helpers",
    "kfunc": "kfuncs",
    "kfunc_set": "kfunc_sets",
    "flag": "flags",
    "attribute": "attributes",
    "verifier": "verifier",
    "instruction": "instructions",
    "btf": "btf",
    "ability": "abilities",
    "jit": "jit",
    "xdp": "xdp",
    "struct_ops": "struct_ops",
    "iterator": "iterators",
    "constant": "constants",
    "struct_field": "struct_fields",
}
KINDS = tuple(FILES)

# Files whose tables are not features: name of the file -> name of the table in it.
TABLES = {
    "releases": "release",
    "platforms": "platform",
    "rhel": "platform",
    "vendors": "vendor",
    "stable": "stable",
    "kconfig_options": "option",
    "kconfig_defaults": "defaults",
}

STATEMENT = (
    "since", "until", "absent_in", "usable_since", "commit", "subject", "arch", "partial", "notes", "source",
    "confidence", "alternative_name",
)
COMMON = (
    "value", "enum", "group", "aliases", "summary", "kconfig", "capabilities", "depends_on", "alternatives", "notes",
    "source", "documentation",
)
RELATION = ("since", "until", "kconfig", "capabilities", "lockdown", "exact", "notes")
