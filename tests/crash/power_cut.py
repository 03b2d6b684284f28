"""What may stand on a disk after the power failed: what was synced, and any part of the rest.

A file is pages. One that was written since it was synced may be there or not, or in parts of 512
octets. A sync that failed leaves its pages neither there nor to be written again, as Linux does. A new
name, a rename and a removal last once their folder was synced; of those that were not, any first ones
may be there.
"""

import struct
from pathlib import Path

PAGE, SECTOR = 4096, 512
ENTRY = struct.Struct("cxxxxxxxqqq")
WATCHED = (".db", ".db-wal", ".jsonl", ".head", ".crl")


def is_watched(path):
    return path.name.endswith(WATCHED) or ".crl." in path.name


def read_files(root):
    return {str(path): path.read_bytes() for path in sorted(Path(root).rglob("*"))
            if path.is_file() and not path.is_symlink() and is_watched(path)}


def padded(content, page):
    return bytes(content[page * PAGE:(page + 1) * PAGE]).ljust(PAGE, b"\0")


class File:
    """One file's content as the kernel has it and as the disk has it."""

    def __init__(self, content=b""):
        self.kernel, self.disk = bytearray(content), bytearray(content)
        self.dirty, self.syncing = set(), {}

    def write(self, offset, octets):
        end = offset + len(octets)
        if end > len(self.kernel):
            self.kernel.extend(bytes(end - len(self.kernel)))
        self.kernel[offset:end] = octets
        self.dirty.update(range(offset // PAGE, (end - 1) // PAGE + 1))

    def truncate(self, size):
        if size > len(self.kernel):
            return self.write(len(self.kernel), bytes(size - len(self.kernel)))
        del self.kernel[size:]
        last = size // PAGE
        self.dirty = {page for page in self.dirty if page < last} | {last}

    def begin_sync(self, number):
        """It waits for what others have on its way, too, and for what one began that died in it."""
        pages = {}
        for _, on_its_way in self.syncing.values():
            pages |= on_its_way
        self.syncing[number] = (len(self.kernel),
                                pages | {p: padded(self.kernel, p) for p in self.dirty})
        self.dirty = set()

    def end_sync(self, number, succeeded):
        size, pages = self.syncing.pop(number)
        if succeeded:
            self._keep(pages, size)
            for _, on_its_way in self.syncing.values():
                for page in pages:
                    on_its_way.pop(page, None)

    def _keep(self, pages, size):
        grown = max([len(self.disk), size, *((page + 1) * PAGE for page in pages)])
        self.disk.extend(bytes(grown - len(self.disk)))
        for page, octets in pages.items():
            self.disk[page * PAGE:(page + 1) * PAGE] = octets
        del self.disk[size:]

    def cut(self, choose):
        """The content that is left, and how many pages are lost."""
        unsure = {page: padded(self.kernel, page) for page in self.dirty}
        for _, pages in self.syncing.values():
            unsure = pages | unsure
        if choose is None:
            return bytes(self.disk), len(unsure)
        kept = {}
        for page, new in sorted(unsure.items()):
            fate = choose.random()
            if fate < 0.45:
                kept[page] = new
            elif fate < 0.55:  # torn
                at = SECTOR * choose.randrange(1, PAGE // SECTOR)
                kept[page] = new[:at] + padded(self.disk, page)[at:]
        end = max([len(self.disk), *(min((page + 1) * PAGE, len(self.kernel)) for page in kept)])
        if choose.random() < 0.5:  # a file that was cut shorter is so, or not yet
            end = min(end, len(self.kernel))
        self._keep(kept, end)
        return bytes(self.disk), len(unsure) - len(kept)


class Replay:
    """Runs a journal of failing_disk.c over the files that there were."""

    def __init__(self, before, root):
        self.root = root
        self.names = {path: File(content) for path, content in before.items()}
        self.on_disk = dict(self.names)     # as the folders on the disk have them
        self.changes = []                   # of names, not synced yet: (folder, path, File or None)
        self.syncing = {}

    def run(self, journal):
        while head := journal.read(ENTRY.size):
            what, path_size, offset, size = ENTRY.unpack(head)
            path = journal.read(path_size).decode()
            octets = journal.read(size) if what in b"WR" else b""
            if len(octets) < size and what in b"WR":
                break  # it was killed while it noted this
            getattr(self, "_on_" + what.decode())(path, offset, octets)

    def _on_W(self, path, offset, octets):
        if path in self.names:  # else of a file that was deleted, or that nobody watches
            self.names[path].write(offset, octets)

    def _on_T(self, path, size, _):
        if path in self.names:
            self.names[path].truncate(size)

    def _on_s(self, path, number, _):
        if path in self.names:
            self.syncing[number] = self.names[path]
            self.names[path].begin_sync(number)

    def _end(self, number, succeeded):
        file = self.syncing.pop(number, None)
        if isinstance(file, File):
            file.end_sync(number, succeeded)
        elif file is not None and succeeded:
            self._take_over(file)

    def _on_S(self, _, number, __):
        self._end(number, True)

    _on_D = _on_S

    def _on_F(self, _, number, __):
        self._end(number, False)

    def _on_d(self, folder, number, _):
        self.syncing[number] = [change for change in self.changes if change[0] == folder]

    def _change(self, path, file):
        self.changes.append((str(Path(path).parent), path, file))
        if file is None:
            self.names.pop(path, None)
        else:
            self.names[path] = file

    def _on_C(self, path, _, __):
        self._change(path, File())

    def _on_U(self, path, _, __):
        self._change(path, None)

    def _on_R(self, path, _, target):
        file = self.names.get(path, File())
        self._change(path, None)
        self._change(target.decode(), file)

    def _take_over(self, changes):
        for change in changes:
            if change not in self.changes:
                continue
            self.changes.remove(change)
            _, path, file = change
            if file is None:
                self.on_disk.pop(path, None)
            else:
                self.on_disk[path] = file

    def assert_is_what_stands_in(self, root):
        """The journal has everything, but for one call of each process that was killed within it."""
        found = read_files(root)
        other = [path for path in set(found) | set(self.names)
                 if path not in self.names or found.get(path) != bytes(self.names[path].kernel)]
        assert len(other) <= 2, f"not what was written: {other}"

    def cut(self, choose):
        if choose is not None:
            self._take_over(self.changes[:choose.randint(0, len(self.changes))])
        lost = []
        for path, file in self.on_disk.items():
            content, pages = file.cut(choose)
            if pages:
                lost.append(f"{pages} pages of {Path(path).name}")
            self._put(Path(path), content)
        for path in set(read_files(self.root)) - set(self.on_disk):
            lost.append(f"the name {Path(path).name}")
            Path(path).unlink()
        return lost

    @staticmethod
    def _put(path, content):
        """In place where it is: the audit file's head knows its inode."""
        if path.exists() and path.read_bytes() == content:
            return
        mode = "r+b" if path.exists() else "x+b"
        with open(path, mode) as file:
            file.write(content)
            file.truncate()
        path.chmod(0o600)
