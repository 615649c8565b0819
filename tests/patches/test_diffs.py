"""Reading diffs from outside: every kind of them, and what must not come in."""

from __future__ import annotations

import pytest
from patches.fake import FILES
from verifying.diffs import read
from verifying.tree import Failure

FLOW = "anuga/flow.py"
BODY = b"@@ -5 +5 @@\n-DRY = 1.0e-3\n+DRY = 1.0e-4\n"
GIT = b"diff --git a/anuga/flow.py b/anuga/flow.py\nindex 1..2 100644\n"
NAMES = b"--- a/anuga/flow.py\n+++ b/anuga/flow.py\n"


def parts(text: bytes) -> list[list[str]]:
    """The names of the files, by message."""
    return [[diff.path for diff in part] for part in read(text, "x.patch", FILES.__contains__)]


@pytest.mark.parametrize("text", [
    GIT + NAMES + BODY,
    b"Subject: words\n\n--- a line\n+++ that is none\n---\n flow | 2\n" + GIT + NAMES + BODY
    + b"-- \n2.39.5\n",
    b"diff -ru anuga-4.2.0/anuga/flow.py mine/anuga/flow.py\n"
    b"--- anuga-4.2.0/anuga/flow.py\t2026-01-01 10:00:00\n+++ mine/anuga/flow.py\t2026\n" + BODY,
    b"--- anuga/flow.py.orig\n+++ anuga/flow.py\n" + BODY,
    b"diff --git anuga/flow.py anuga/flow.py\n--- anuga/flow.py\n+++ anuga/flow.py\n" + BODY,
])
def test_kinds_of_diffs_are_the_same_in_the_end(text: bytes) -> None:
    (part,) = read(text, "x.patch", FILES.__contains__)
    assert b"diff --git a/anuga/flow.py b/anuga/flow.py\n" + NAMES + BODY == part[0].text()


def test_messages_of_a_mailbox_stay_apart() -> None:
    mail = b"From " + b"0" * 40 + b" Mon Sep 17 00:00:00 2001\nSubject: x\n\n"
    assert [[FLOW], [FLOW]] == parts((mail + GIT + NAMES + BODY + b"-- \n2.39\n\n") * 2)


def test_files_that_come_go_and_move() -> None:
    text = (b"diff --git a/new.py b/new.py\nnew file mode 100755\nindex 0..1\n--- /dev/null\n"
            b"+++ b/new.py\n@@ -0,0 +1 @@\n+one\n\\ No newline at end of file\n"
            b"diff --git a/gone.py b/gone.py\ndeleted file mode 100644\n--- a/gone.py\n"
            b"+++ /dev/null\n@@ -1 +0,0 @@\n-one\n"
            b"diff --git a/old name.py b/other.py\nsimilarity index 100%\n"
            b"rename from old name.py\nrename to other.py\n"
            b"diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n")
    (part,) = read(text, "x.patch", lambda name: True)
    assert [(None, "new.py"), ("gone.py", None), ("old name.py", "other.py"),
            ("run.sh", "run.sh")] == [(diff.old, diff.new) for diff in part]
    (again,) = read(b"".join(diff.text() for diff in part), "again", lambda name: True)
    assert part == again


def test_lines_of_a_hunk_are_no_names() -> None:
    text = GIT + NAMES + b"@@ -1,2 +1,2 @@\n--- a/../x\n+++ b/../x\n context\n"
    assert [[FLOW]] == parts(text)


@pytest.mark.parametrize("text, message", [
    (b"", "x.patch is empty"),
    (b" \n\n", "x.patch is empty"),
    (b"words\n", "x.patch has no diff in it"),
    ((GIT + NAMES + BODY).replace(b"\n", b"\r\n"), "has carriage returns at the ends of its own"),
    (NAMES.replace(b"anuga", b"..") + BODY, r"names [ab]/../flow.py, which climbs out of the tree"),
    (GIT.replace(b"a/anuga", b"a/../anuga"), "climbs out of the tree"),
    (b"--- /etc/passwd\n+++ /etc/passwd\n" + BODY, "names /etc/passwd, which is absolute"),
    (NAMES.replace(b"anuga/flow.py", b".git/hooks/x") + BODY, "which belongs to git"),
    (NAMES.replace(b"anuga/flow.py", b".GIT/config") + BODY, "which belongs to git"),
    (NAMES.replace(b"flow", b"fl\x1b[2Jow") + BODY, r"names b/anuga/fl\?\[2Jow.py, which has"),
    (b'--- "a/\\056\\056/x"\n+++ "b/\\056\\056/x"\n' + BODY, "climbs out of the tree"),
    (b"--- a/\xff\n+++ b/\xff\n" + BODY, "is no UTF-8"),
    (b"diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc\n",
     "makes l a symbolic link: only plain files"),
    (b"diff --git a/l b/l\nnew file mode 160000\n", "makes l a submodule"),
    (b"diff --git a/l b/l\nnew file mode 104755\n", "a file of mode 104755"),
    (b"diff --git a/p.png b/p.png\nindex 1..2\nGIT binary patch\nliteral 2\n",
     "changes p.png as binary"),
    (b"Binary files a/p.png and b/p.png differ\n", "as binary"),
    (b"Only in mine: new.py\n" + NAMES + BODY, "make it with diff -ruN"),
    (b"diff --cc anuga/flow.py\n", "has the diff of a merge, line 1"),
    (BODY, "has a hunk of no file, line 1"),
    (GIT + NAMES + b"@@ -5,3 +5,3 @@\n-DRY\n+DRY = 1\n", "is torn: hunk 1 of anuga/flow.py breaks"),
    (GIT + NAMES.replace(b"flow", b"other") + BODY, "names a/anuga/other.py where its line diff"),
    (b"diff --git a/one.py b/two.py\nindex 1..2\n", "names two files in one diff"),
    (b"--- /dev/null\n+++ /dev/null\n@@ -0,0 +0,0 @@\n", "has a diff of no file"),
])
def test_what_does_not_come_in(text: bytes, message: str) -> None:
    with pytest.raises(Failure, match=message) as caught:
        read(text, "x.patch", FILES.__contains__)
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)
