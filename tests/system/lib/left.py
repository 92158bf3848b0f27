# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The s3zipfs authors
"""The journal of uploads, and time that passes for what is in it."""

import os
import sqlite3

LATER = 600     # seconds; more than an upload of unknown id is left alone


def rows(home, sql="SELECT count(*) FROM publish_upload", *values):
    path = os.path.join(home, "cache", "s3zipfs", "state.sqlite")
    with sqlite3.connect(path) as db:
        return db.execute(sql, values).fetchall()


def without_id(home):
    (count,), = rows(home, "SELECT count(*) FROM publish_upload"
                     " WHERE upload_id IS NULL")
    return count


def later(store, bucket, home, table="publish_upload", column="intent"):
    """As if all that had been begun some time ago."""
    store.age_uploads(bucket, LATER)
    rows(home, f"UPDATE {table} SET {column} = {column} - ?", LATER)
