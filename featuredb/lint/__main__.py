"""``python -m featuredb.lint``: counts the records of each kind and says what is wrong; exit 1 when anything is."""

from __future__ import annotations

import sys
from collections import Counter

from featuredb.lint import Database, run


def main() -> int:
    """Run every rule over the sources."""
    try:
        database = Database.read()
    except ValueError as error:
        print(error)
        return 1
    for kind, count in Counter(record.kind for record in database.records).items():
        print(f"{count:6} {kind}")
    print(f"{len(database.records):6} features, {len(database.releases)} releases")
    findings = run(database)
    for finding in findings:
        print(finding)
    if findings:
        print(f"{len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
