"""A commit by hand: a program named wherever git would run one."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

from packing import files_of


def make(folder: Path, told: dict[str, str]) -> Path:
    repository = folder / told["@NAME@"]
    home = repository / ".git"
    touch = f"touch {told['@EMPTY@']}/ran #"

    def keep(kind: str, content: bytes) -> bytes:
        data = f"{kind} {len(content)}\0".encode() + content
        digest = hashlib.sha1(data).hexdigest()
        place = home / "objects" / digest[:2] / digest[2:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(zlib.compress(data))
        return bytes.fromhex(digest)

    files = files_of(told)
    entries = {b"": []}
    for top in ("src", "vec"):
        inside = [(b"100644", name[4:].encode(), keep("blob", data)) for name, data in files.items() if name.startswith(top)]
        inside += [(b"120000", b"secret.py", keep("blob", told["@SECRET@"].encode()))]
        inside += [(b"160000", b"zz", b"\1" * 20)]
        inside.sort(key=lambda entry: entry[1])
        tree = b"".join(mode + b" " + name + b"\0" + digest for mode, name, digest in inside)
        entries[b""].append((b"40000", top.encode(), keep("tree", tree)))
    attributes = keep("blob", b"* filter=evil diff=evil merge=evil\n")
    modules = keep("blob", b'[submodule "zz"]\npath = vec/zz\nurl = ext::sh -c "' + touch.encode() + b'"\nupdate = !' + touch.encode())
    entries[b""] += [(b"100644", b".gitattributes", attributes), (b"100644", b".gitmodules", modules)]
    top_entries = sorted(entries[b""], key=lambda entry: entry[1])
    root = keep("tree", b"".join(mode + b" " + name + b"\0" + digest for mode, name, digest in top_entries))
    commit = keep("commit", b"tree " + root.hex().encode() + b"\nauthor a <a> 0 +0000\ncommitter a <a> 0 +0000\n\nx\n")
    (home / "refs" / "heads").mkdir(parents=True)
    (home / "refs" / "heads" / "main").write_text(commit.hex() + "\n")
    (home / "HEAD").write_text("ref: refs/heads/main\n")
    (home / "config").write_text(
        "[core]\n\trepositoryformatversion = 0\n"
        + "".join(f"\t{key} = {touch}\n" for key in ("fsmonitor", "sshCommand", "pager", "editor", "hooksPath", "askPass"))
        + f'[filter "evil"]\n\tsmudge = {touch}\n\tclean = {touch}\n\tprocess = {touch}\n'
        + f'[diff]\n\texternal = {touch}\n[diff "evil"]\n\ttextconv = {touch}\n[uploadpack]\n\tpackObjectsHook = {touch}\n'
        + f"[alias]\n\tarchive = !{touch}\n\tshow = !{touch}\n[include]\n\tpath = {told['@SECRET@']}\n"
    )
    (home / "hooks").mkdir()
    for name in ("post-checkout", "pre-commit", "reference-transaction", "fsmonitor-watchman"):
        (home / "hooks" / name).write_text(f"#!/bin/sh\n{touch}\n")
        (home / "hooks" / name).chmod(0o755)
    (home / "objects" / "info").mkdir()
    (home / "objects" / "info" / "alternates").write_text(f"{told['@SECRET@']}\n{told['@CHECKOUT@']}/.git/objects\n")
    return Path(f"{repository}@main")
