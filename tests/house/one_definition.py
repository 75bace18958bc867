"""A type's name is defined once. The linker takes two of one name for the same, and the program breaks where it likes."""

import re

import tree

# As the formatter leaves them: a namespace's end says that it is one.
OPENS = re.compile(r"^(?:inline )?namespace ?([\w:]*) ?\{")
CLOSES = re.compile(r"^\}  // (?:inline )?namespace")
DEFINES = re.compile(r"^(?:struct|class|union|enum(?: class)?) (?:\[\[\w+\]\] )?(\w+)(?: final)?(?: :(?!:).*)?(?: \{.*|$)")


def defined(text):
    """(name with its namespaces, line) of each type that other files' definitions can collide with."""
    around, out = [], []
    for line, words in enumerate(text.splitlines(), 1):
        if opened := OPENS.match(words):
            if not words.rstrip().endswith("}"):
                around.append(opened[1])
        elif CLOSES.match(words):
            around[-1:] = []
        elif "" not in around and (type_ := DEFINES.match(words)):
            out.append(("::".join([*around, type_[1]]), line))
    return out


def check(root):
    first, out = {}, []
    for path in tree.cpp_files(root):
        for name, line in defined(tree.text_of(root, path) or ""):
            if name in first:
                out.append(f"{path}:{line}: {name} is defined in {first[name]} too; rename one or put it in an unnamed namespace")
            first.setdefault(name, path)
    return out
