#!/usr/bin/env python3
"""Counts the waste of an image in an archive of `save`, from the layers' tars alone.

Written apart from the command that it judges: no index, no merged view of its. Prints JSON: what each layer made useless
(by cause, place and kind) and what copies of the same content take, by layer. Layers count from 0.
"""
import hashlib
import json
import sys
import tarfile
from collections import Counter, defaultdict


class File:
    """A file of a layer, which may have several names."""

    def __init__(self, place, size, digest):
        self.place, self.size, self.digest, self.names = place, size, digest, set()


def clean(name):
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def read_layer(tar, place, view):
    """What a layer holds: files by name, other names, directories, and the names it removes."""
    files, others, directories, removed, opaque = {}, set(), set(), set(), set()
    links = []
    for member in tar:
        path = clean(member.name)
        folder, _, base = path.rpartition("/")
        if base == ".wh..wh..opq":
            opaque.add(folder)
        elif base.startswith(".wh."):
            removed.add(f"{folder}/{base[4:]}".lstrip("/"))
        elif member.isdir():
            directories.add(path)
        elif member.islnk():
            links.append((path, clean(member.linkname)))
        elif member.isreg():
            content = tar.extractfile(member).read()
            files[path] = File(place, len(content), hashlib.sha256(content).hexdigest())
        else:
            others.add(path)
    for path, target in links:
        files[path] = files[target] if target in files else view[target]
    return files, others, directories, removed, opaque


def main(archive):
    view, dead = {}, Counter()
    with tarfile.open(archive) as whole:
        layers = json.load(whole.extractfile("manifest.json"))[0]["Layers"]
        for cause, name in enumerate(layers):
            with tarfile.open(fileobj=whole.extractfile(name)) as tar:
                files, others, directories, removed, opaque = read_layer(tar, cause, view)
            hidden = []
            for path in list(view):
                parents = {path[:at] for at, letter in enumerate(path) if letter == "/"}
                above = parents | {path}
                if (
                    above & removed
                    or parents & opaque
                    or "" in opaque
                    or above & others
                    or above & set(files)
                    or path in directories
                ):
                    hidden.append((path, view.pop(path)))
            for path, file in files.items():
                view[path] = file
                file.names.add(path)
            for path, file in hidden:
                if view.get(path) is not file:
                    file.names.discard(path)
                if file.names or file.size == 0:
                    continue
                now = files.get(path)
                same = now is not None and (now.size, now.digest) == (file.size, file.digest)
                here = now is not None or path in others or path in directories
                dead[cause, file.place, "attributes" if same else "overwritten" if here else "deleted"] += file.size
                file.size = 0
    copies = defaultdict(list)
    for file in set(view.values()):
        if file.size:
            copies[file.digest].append(file)
    duplicated = Counter()
    for files in copies.values():
        for file in sorted(files, key=lambda one: (one.place, min(one.names)))[1:]:
            duplicated[file.place] += file.size
    json.dump(
        {
            "dead": sorted([*key, bytes] for key, bytes in dead.items()),
            "duplicated": sorted([place, bytes] for place, bytes in duplicated.items()),
        },
        sys.stdout,
    )


main(sys.argv[1])
