"""A release of the handout: the one that a student's folder was unpacked from, and one that is given as an archive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from grader.derive import handout
from grader.derive.handout import MANIFEST, PRISTINE, Manifest, Stamp
from grader.derive.tree import File
from grader.errors import UsageError
from grader.intake.archive import ArchiveSource
from grader.intake.entries import CAPS, Refused

# A release has 5 MB in 500 files.
_CAPS = replace(CAPS, archive_bytes=128 << 20, unpacked_bytes=256 << 20, entries=10_000, seconds=60)
_CHUNK = 1 << 16
TREE = "student"  # the folder that a release has for the student's work


@dataclass(frozen=True)
class Release:
    """What a release holds."""

    manifest: Manifest
    texts: Mapping[str, bytes]  # contents by path: of an archive all, of a folder those that were kept

    @property
    def version(self) -> str:
        return self.manifest.version

    def stamp(self, path: str) -> Stamp | None:
        """The stamp of a file; None where the release has no such file."""
        return self.manifest.files.get(path)


def of_folder(root: Path) -> Release:
    """The release that the folder was unpacked from.

    Raises UsageError where the folder does not know, or what it knows is damaged: then the archive itself is needed.
    """
    path = root / MANIFEST
    if not path.is_file():
        raise UsageError(
            f"{root} does not know which release it is (there is no {MANIFEST}); give the archive that you unpacked it "
            "from as well: --base OLD.zip."
        )
    manifest = handout.parse_manifest(path.read_bytes(), str(path))
    texts = {}
    for name, stamp in manifest.files.items():
        if not handout.is_kept(name):
            continue
        copy = root / PRISTINE / name
        if not copy.is_file() or Stamp.of(File(copy.read_bytes(), False)).sha256 != stamp.sha256:
            raise UsageError(
                f"{copy}, a copy of what you were given, is missing or changed; give the archive that you unpacked "
                f"as well: --base OLD.zip (release {manifest.version})."
            )
        texts[name] = copy.read_bytes()
    return Release(manifest, texts)


def of_archive(archive: Path, *, must_know_itself: bool) -> Release:
    """The release in a zip or tar. One from before releases knew their version has version "0", unless it must.

    Raises UsageError where it is not there, not readable, no release, or not what its own list says.
    """
    files = _read(archive)
    listed = files.pop(MANIFEST, None)
    texts = {path: data for path, data in files.items() if not path.startswith(f"{handout.FOLDER}/")}
    if not any(path.startswith(f"{TREE}/") for path in texts) or "pyproject.toml" not in texts:
        raise UsageError(f"{archive} is no release of the handout: it has no {TREE}/ and no pyproject.toml.")
    if listed is None:
        if must_know_itself:
            raise UsageError(
                f"{archive} is no release that can be taken over: it has no {MANIFEST}. Is it an older one? Its files "
                "can be unpacked elsewhere."
            )
        stamps = {path: Stamp.of(File(data, False)) for path, data in texts.items() if handout.is_a_releases(path)}
        return Release(Manifest("", "0", stamps), texts)
    manifest = handout.parse_manifest(listed, f"{archive}: {MANIFEST}")
    for path in sorted(manifest.files.keys() | texts.keys()):
        stamp = manifest.files.get(path)
        if stamp is None or path not in texts or Stamp.of(File(texts[path], False)).sha256 != stamp.sha256:
            raise UsageError(f"{archive} is damaged: {path} is not what its own list says. Download it once more.")
    return Release(manifest, texts)


def _read(archive: Path) -> dict[str, bytes]:
    """The files of an archive by their path below its one folder."""
    if not archive.is_file():
        raise UsageError(f"{archive} is not there; expected the archive of a release.")
    files: dict[str, bytes] = {}
    seen: set[str] = set()  # in small letters: some file systems tell no others
    tops: set[str] = set()
    try:
        source = ArchiveSource.open(archive, _CAPS)
        if source is None:
            raise UsageError(f"{archive} is not an archive; expected the zip of a release.")
        for entry in source.entries(lambda path: True):
            if entry.kind != "file":
                raise Refused(f"holds {entry.path}, {entry.kind}; a release holds plain files only")
            top, _, path = entry.path.partition("/")
            if not path or len(tops | {top}) > 1:
                raise Refused(f"holds {entry.path}; a release has one folder, and everything in it")
            if path.casefold() in seen:
                raise Refused(f"holds {entry.path} twice")
            seen.add(path.casefold())
            tops.add(top)
            content = bytearray()
            with entry.open() as stream:
                while chunk := stream.read(_CHUNK):
                    content += chunk
            files[path] = bytes(content)
    except Refused as refusal:
        raise UsageError(f"{archive} {refusal}.") from None
    return files
