"""The database's linters: one rule per file, each a function ``check(database)`` that yields what is wrong.

``python -m featuredb.lint`` runs them all; tests/featuredb/lint shows each of them biting.
"""

from __future__ import annotations

from featuredb.lint.database import Database, Finding
from featuredb.lint.rules import RULES, run

__all__ = ["RULES", "Database", "Finding", "run"]
