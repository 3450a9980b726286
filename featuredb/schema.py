"""The shape of the TOML sources: which kind lives in which file, and how a record becomes a row of constants."""

from __future__ import annotations

__all__ = ["COMMON", "FILES", "KEYS", "KINDS", "KINDS_OF", "RELATION", "STATEMENT", "TABLES"]

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
    "sections": "section",
}

STATEMENT = (
    "since",
    "until",
    "absent_in",
    "usable_since",
    "commit",
    "subject",
    "arch",
    "partial",
    "notes",
    "source",
    "confidence",
    "alternative_name",
)
COMMON = (
    "value",
    "enum",
    "group",
    "aliases",
    "summary",
    "kconfig",
    "capabilities",
    "depends_on",
    "alternatives",
    "notes",
    "source",
    "documentation",
)
RELATION = ("since", "until", "kconfig", "capabilities", "lockdown", "exact", "notes")

# The type, or types, of each key's value.
KEYS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(
        (
            "name",
            "enum",
            "group",
            "summary",
            "notes",
            "source",
            "documentation",
            "since",
            "until",
            "absent_in",
            "usable_since",
            "commit",
            "subject",
            "confidence",
            "alternative_name",
            "attribute",
            "checked_at",
            "context",
            "category",
        ),
        (str,),
    ),
    **dict.fromkeys(("aliases", "capabilities", "depends_on", "alternatives", "arch", "statements"), (list,)),
    **dict.fromkeys(("attach_types", "link_types", "sets", "flags", "superseded_by"), (list,)),
    "value": (int,),
    **dict.fromkeys(("values", "joined", "left"), (dict,)),
    "partial": (bool,),
    "gpl_only": (bool,),
    "kconfig": (str, dict),
    "program_types": (list, dict),
}

# Keys that only some kinds have.
KINDS_OF = {
    "gpl_only": ("helper",),
    "attribute": ("command",),
    "checked_at": ("attach_type",),
    "context": ("program_type",),
    "category": ("kfunc",),
    "sets": ("kfunc",),
    "joined": ("kfunc",),
    "left": ("kfunc",),
    "flags": ("kfunc",),
    "attach_types": ("program_type", "link_type"),
    "link_types": ("attach_type",),
    "program_types": ("helper", "kfunc_set", "attach_type", "link_type", "iterator", "struct_ops"),
    "values": ("flag", "constant"),
}
