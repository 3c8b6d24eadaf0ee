"""Checks that programs run on Lambda's arm64: made for that processor, and asking for no newer C library than it has.

    check_binaries.py DIRECTORY     every DIRECTORY/<function>/bootstrap
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

ROOT = Path(__file__).resolve().parent.parent
MACHINE = "EM_AARCH64"
# What provided.al2023 has, the runtime of all functions.
GLIBC = (2, 34)


def main() -> int:
    directory = Path(sys.argv[1])
    functions = sorted(path.parent.name for path in ROOT.glob("functions/*/Cargo.toml"))
    problems = [problem for name in functions for problem in _problems(directory / name / "bootstrap")]
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(f"{len(functions)} programs for {MACHINE}, none of which needs more than glibc {'.'.join(map(str, GLIBC))}")
    return 1 if problems else 0


def _problems(path: Path) -> Iterator[str]:
    if not path.exists():
        yield f"{path}: is missing"
        return
    with path.open("rb") as file:
        elf = ELFFile(file)
        if elf["e_machine"] != MACHINE:
            yield f"{path}: is made for {elf['e_machine']}"
        for version in _needed(elf):
            if version > GLIBC:
                yield f"{path}: needs glibc {'.'.join(map(str, version))}, and Lambda has {'.'.join(map(str, GLIBC))}"


def _needed(elf: ELFFile) -> Iterator[tuple[int, ...]]:
    """The versions of the C library that a program asks its loader for."""
    for section in elf.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            for _, versions in section.iter_versions():
                for version in versions:
                    library, _, number = version.name.partition("_")
                    if library == "GLIBC" and number[:1].isdigit():
                        yield tuple(int(part) for part in number.split("."))


if __name__ == "__main__":
    sys.exit(main())
