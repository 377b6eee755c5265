# ruff: noqa
# mypy: ignore-errors
"""Move modules and rename symbols over the whole repository: ``python scripts/renames/rename.py MAP REPOSITORY``.

A tool of the pass that gives files and classes the field's terms; it goes when that pass is done. Each map of this folder
is applied in its order, and committed by itself: imports, names in their scopes, strings, paths in documents, tests and
lists of planted faults follow. Lines of a map: ``module OLD NEW``, ``name OLD.MODULE.Symbol New``, ``attr old new``,
``test OLD NEW``. Names that would meet another of their scope are listed, and nothing is written. Afterwards: ``ruff check
--fix``, ``ruff format``, the docstrings of new packages, the floors in pyproject.toml, long lines by hand, ``mypy``.
"""

from __future__ import annotations
import ast, io, re, subprocess, sys, tokenize
from collections import defaultdict
from pathlib import Path

MAP, REPO = Path(sys.argv[1]), Path(sys.argv[2]).resolve()
modmap: dict[str, str] = {}
namemap: dict[tuple[str, str], str] = {}
attrmap: dict[str, str] = {}
testmap: dict[str, str] = {}
textmap: list[tuple[str, str]] = []
for raw in MAP.read_text().splitlines():
    parts = raw.split("#")[0].split() if not raw.startswith("text ") else raw.split("\t")
    if not parts:
        continue
    if parts[0] == "module":
        modmap["nbtrain." + parts[1]] = "nbtrain." + parts[2]
    elif parts[0] == "name":
        m, _, s = parts[1].rpartition(".")
        namemap["nbtrain." + m, s] = parts[2]
    elif parts[0] == "attr":
        attrmap[parts[1]] = parts[2]
    elif parts[0] == "test":
        testmap[parts[1]] = parts[2]
    elif parts[0] == "text ":
        textmap.append((parts[1], parts[2]))
    else:
        sys.exit(f"what is {raw!r}")

SRC = REPO / "src"


def dotted(path: Path) -> str:
    rel = path.relative_to(SRC).with_suffix("")
    parts = list(rel.parts)
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


MODULES = {dotted(p): p for p in SRC.rglob("*.py") if "__pycache__" not in p.parts}
for old in modmap:
    if old not in MODULES:
        print("NO MODULE", old)
for m, s in namemap:
    if m not in MODULES:
        print("NO MODULE FOR NAME", m, s)
# packages: all modules below move along
for old, new in list(modmap.items()):
    for m in MODULES:
        if m.startswith(old + ".") and m not in modmap:
            modmap[m] = new + m[len(old) :]


def newpath(dot: str) -> str:
    return modmap.get(dot, dot)


FUNCS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Scope:
    def __init__(self, node, parent):
        self.node, self.parent, self.bound, self.globals, self.nonlocals = node, parent, set(), set(), set()

    is_class = property(lambda self: isinstance(self.node, ast.ClassDef))


class Binder(ast.NodeVisitor):
    """Assign each node its scope."""

    def __init__(self, tree):
        self.scope_of: dict[ast.AST, Scope] = {}
        self.module = Scope(tree, None)
        self.now = self.module
        self.fstring = None
        self.in_fstring: dict[ast.AST, ast.JoinedStr] = {}
        self.visit(tree)

    def visit(self, node):
        self.scope_of[node] = self.now
        if self.fstring is not None:
            self.in_fstring[node] = self.fstring
        super().visit(node)

    def inner(self, node, fields):
        before = self.now
        self.now = Scope(node, before)
        fields()
        self.now = before

    def visit_JoinedStr(self, node):
        before = self.fstring
        self.fstring = before or node
        self.generic_visit(node)
        self.fstring = before

    def visit_FunctionDef(self, node):
        self.now.bound.add(node.name)
        for d in node.decorator_list:
            self.visit(d)
        self.args_outer(node.args)
        if node.returns:
            self.visit(node.returns)

        def body():
            self.args_inner(node.args)
            for s in node.body:
                self.visit(s)

        self.inner(node, body)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node):
        self.args_outer(node.args)

        def body():
            self.args_inner(node.args)
            self.visit(node.body)

        self.inner(node, body)

    def args_outer(self, a):
        for d in (*a.defaults, *filter(None, a.kw_defaults)):
            self.visit(d)
        for x in (*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))):
            if x.annotation:
                self.visit(x.annotation)

    def args_inner(self, a):
        for x in (*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))):
            self.now.bound.add(x.arg)

    def visit_ClassDef(self, node):
        self.now.bound.add(node.name)
        for x in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(x)
        self.inner(node, lambda: [self.visit(s) for s in node.body])

    def comp(self, node):
        first = node.generators[0]
        self.visit(first.iter)

        def body():
            for i, g in enumerate(node.generators):
                self.scope_of[g] = self.now
                self.visit(g.target)
                if i:
                    self.visit(g.iter)
                for c in g.ifs:
                    self.visit(c)
            if isinstance(node, ast.DictComp):
                self.visit(node.key)
                self.visit(node.value)
            else:
                self.visit(node.elt)

        self.inner(node, body)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = comp

    def visit_NamedExpr(self, node):
        s = self.now
        while isinstance(s.node, COMPS):
            s = s.parent
        s.bound.add(node.target.id)
        self.scope_of[node.target] = s
        if self.fstring is not None:
            self.in_fstring[node.target] = self.fstring
        self.visit(node.value)

    def visit_Name(self, node):
        if isinstance(node.ctx, (ast.Store, ast.Del)):
            self.now.bound.add(node.id)

    def visit_ExceptHandler(self, node):
        if node.name:
            self.now.bound.add(node.name)
        self.generic_visit(node)

    def visit_Import(self, node):
        for a in node.names:
            self.now.bound.add(a.asname or a.name.split(".")[0])

    def visit_ImportFrom(self, node):
        for a in node.names:
            self.now.bound.add(a.asname or a.name)

    def visit_Global(self, node):
        self.now.globals.update(node.names)

    def visit_Nonlocal(self, node):
        self.now.nonlocals.update(node.names)

    def visit_MatchAs(self, node):
        if node.name:
            self.now.bound.add(node.name)
        self.generic_visit(node)

    def visit_MatchStar(self, node):
        if node.name:
            self.now.bound.add(node.name)

    def visit_MatchMapping(self, node):
        if node.rest:
            self.now.bound.add(node.rest)
        self.generic_visit(node)


def resolve(scope: Scope, name: str, module: Scope):
    first = True
    while scope is not None:
        if name in scope.globals:
            return module if name in module.bound else None
        if (first or not scope.is_class) and name in scope.bound and name not in scope.nonlocals:
            return scope
        # class scope visible only from directly inside; comprehension in class is not
        first = False if not isinstance(scope.node, COMPS) or not first else False
        scope = scope.parent
    return None


DOTTED = re.compile(r"\bnbtrain((?:\.[A-Za-z_]\w*)+)")
PATHS = re.compile(r"(?<![\w/.-])((?:\.\./)*(?:src/)?(?:nbtrain/)?)((?:[a-z_]\w*/)*[a-z_]\w*)(\.py)\b")


def in_text(text: str, *, paths=True) -> str:
    def dot(match):
        names = match[0].split(".")
        for n in range(len(names), 0, -1):
            m = ".".join(names[:n])
            if m in MODULES:
                rest = names[n:]
                if rest and (m, rest[0]) in namemap:
                    rest = [namemap[m, rest[0]], *rest[1:]]
                return ".".join([newpath(m), *rest])
        return match[0]

    text = DOTTED.sub(dot, text)

    def path(match):
        whole = match[0]
        if whole in testmap:
            return testmap[whole]
        m = "nbtrain." + match[2].replace("/", ".")
        if m.endswith(".__init__"):
            m = m[:-9]
        if ("/" in match[2] or match[1]) and m in modmap:
            return match[1] + modmap[m][8:].replace(".", "/") + match[3]
        return whole

    if paths:
        text = PATHS.sub(path, text)
    for a, b in textmap:
        text = text.replace(a, b)
    return text


collisions = []
used: dict[str, dict[str, str]] = defaultdict(dict)


def word(text: str, renames: dict[str, str]) -> str:
    for a, b in renames.items():
        text = re.sub(rf"(?<![\w.\"'])" + re.escape(a) + r"(?![\w\"'])", b, text)
    return text


def work(path: Path) -> bytes | None:
    source = path.read_bytes()
    tree = ast.parse(source)
    own = dotted(path) if path.is_relative_to(SRC) else ""
    binder = Binder(tree)
    module = binder.module
    lines = source.split(b"\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    at = lambda line, col: starts[line - 1] + col
    edits: dict[tuple[int, int], str] = {}
    fs: dict[ast.JoinedStr, dict[str, str]] = defaultdict(dict)
    rel = str(path.relative_to(REPO))
    local: dict[tuple[int, str], str] = {}  # (id(scope), name) → new
    mods: dict[tuple[int, str], str] = {}  # (id(scope), name) → module dotted (old)
    # own top-level names
    for (m, s), new in namemap.items():
        if m == own:
            if s not in module.bound:
                print("NO SYMBOL", m, s)
            local[id(module), s] = new
    for node in ast.walk(tree):
        scope = binder.scope_of.get(node, module)
        if (
            isinstance(node, ast.ImportFrom)
            and node.level == 0
            and node.module
            and node.module.split(".")[0] == "nbtrain"
        ):
            groups = defaultdict(list)
            changed = False
            for a in node.names:
                full = f"{node.module}.{a.name}"
                if full in MODULES:
                    new = newpath(full)
                    parent, _, leaf = new.rpartition(".")
                    mods[id(scope), a.asname or a.name] = full
                    if not a.asname and leaf != a.name:
                        local[id(scope), a.name] = leaf
                    groups[parent].append((leaf, a.asname if a.asname != leaf else None))
                    changed |= new != full
                else:
                    sym = namemap.get((node.module, a.name), a.name)
                    m = newpath(node.module)
                    if not a.asname and sym != a.name:
                        local[id(scope), a.name] = sym
                    groups[m].append((sym, a.asname if a.asname != sym else None))
                    changed |= sym != a.name or m != node.module
            if changed:
                indent = " " * node.col_offset
                out = []
                for m, names in groups.items():
                    what = ", ".join(n + (f" as {s}" if s else "") for n, s in names)
                    line = f"from {m} import {what}"
                    if len(indent + line) > 120:
                        line = (
                            f"from {m} import (\n"
                            + "".join(f"{indent}    {n}{f' as {s}' if s else ''},\n" for n, s in names)
                            + f"{indent})"
                        )
                    out.append(line)
                edits[at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)] = f"\n{indent}".join(
                    out
                )
        elif isinstance(node, ast.Import):
            for a in node.names:
                if a.name.split(".")[0] != "nbtrain":
                    continue
                if a.asname:
                    mods[id(scope), a.asname] = a.name
                else:
                    mods[id(scope), "nbtrain"] = "nbtrain"
                if newpath(a.name) != a.name:
                    edits[at(a.lineno, a.col_offset), at(a.end_lineno, a.end_col_offset)] = newpath(a.name) + (
                        f" as {a.asname}" if a.asname else ""
                    )
    # collisions
    byname = defaultdict(set)
    for (sid, name), new in local.items():
        byname[name].add(new)
    allbound = defaultdict(list)
    scopes = {id(s): s for s in binder.scope_of.values()}
    for s in scopes.values():
        for b in s.bound:
            allbound[b].append(s)
    for (sid, name), new in local.items():
        for s in allbound.get(new, ()):  # a scope that binds the new name
            if id(s) == sid and (sid, new) in local:
                continue
            # does this scope, or one inside, use the old name meaning this binding?
            hit = s is scopes.get(sid)
            if not hit:
                for node in ast.walk(s.node):
                    if isinstance(node, ast.Name) and node.id == name and node in binder.scope_of:
                        r = resolve(binder.scope_of[node], name, module)
                        if r is not None and id(r) == sid:
                            hit = True
            if hit:
                collisions.append(
                    f"{rel}: {name} → {new} is bound in {getattr(s.node, 'name', type(s.node).__name__)} line {getattr(s.node, 'lineno', 0)}"
                )

    def modof(expr):
        if isinstance(expr, ast.Name):
            r = resolve(binder.scope_of[expr], expr.id, module)
            return mods.get((id(r), expr.id)) if r else None
        if isinstance(expr, ast.Attribute):
            m = modof(expr.value)
            if m and f"{m}.{expr.attr}" in MODULES:
                return f"{m}.{expr.attr}"
        return None

    def edit(node, start, end, old, new):
        used[rel][old] = new
        if node in binder.in_fstring:
            fs[binder.in_fstring[node]][old] = new
        else:
            edits[start, end] = new

    for node in list(binder.scope_of):
        if isinstance(node, ast.Name):
            r = resolve(binder.scope_of[node], node.id, module)
            new = local.get((id(r), node.id)) if r else None
            if new:
                edit(node, at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset), node.id, new)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            s = binder.scope_of[node]
            new = local.get((id(s), node.name)) if not s.is_class else attrmap.get(node.name)
            if new is None and s.is_class and False:
                pass
            if new:
                text = source[at(node.lineno, node.col_offset) :]
                m = re.match(rb"(?:async\s+)?(?:def|class)\s+", text)
                b = at(node.lineno, node.col_offset) + m.end()
                edits[b, b + len(node.name)] = new
                used[rel][node.name] = new
        elif isinstance(node, ast.Attribute):
            m = modof(node.value)
            new = None
            if m and f"{m}.{node.attr}" in MODULES:
                old = f"{m}.{node.attr}"
                n = newpath(old)
                if n != old:
                    if n.rpartition(".")[0] == newpath(m):
                        new = n.rpartition(".")[2]
                    else:
                        print("CHAIN", rel, node.lineno, old)
            elif m:
                new = namemap.get((m, node.attr))
            elif node.attr in attrmap:
                new = attrmap[node.attr]
            if new:
                e = at(node.end_lineno, node.end_col_offset)
                edit(node, e - len(node.attr), e, node.attr, new)
        elif isinstance(node, ast.keyword) and node.arg in attrmap:
            b = at(node.lineno, node.col_offset)
            edit(node, b, b + len(node.arg), node.arg, attrmap[node.arg])
        elif (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and binder.scope_of[node].is_class
            and node.target.id in attrmap
        ):
            t = node.target
            edits[at(t.lineno, t.col_offset), at(t.end_lineno, t.end_col_offset)] = attrmap[t.id]
        elif isinstance(node, ast.Global):
            names = [local.get((id(module), n), n) for n in node.names]
            if names != node.names:
                edits[at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)] = (
                    "global " + ", ".join(names)
                )
    # monkeypatch.setattr(mod, "Name", ...): strings beside a module
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and len(node.args) >= 2
            and isinstance(node.args[1], ast.Constant)
            and isinstance(node.args[1].value, str)
        ):
            m = (
                modof(node.args[0])
                if isinstance(node.args[0], (ast.Name, ast.Attribute)) and node.args[0] in binder.scope_of
                else None
            )
            s = node.args[1].value
            new = namemap.get((m, s)) if m else None
            if m and f"{m}.{s}" in modmap:
                new = modmap[f"{m}.{s}"].rpartition(".")[2]
            if m and new is None:  # a name that this module imports
                new = imported(m).get(s)
            if new:
                c = node.args[1]
                edits[at(c.lineno, c.col_offset) + 1, at(c.end_lineno, c.end_col_offset) - 1] = new
    for js, renames in fs.items():
        a, b = at(js.lineno, js.col_offset), at(js.end_lineno, js.end_col_offset)
        text = source[a:b].decode()
        text = re.sub(r"\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}", lambda m: word(m[0], renames), text)
        edits[a, b] = text
    # strings and comments
    spans = sorted(edits)
    for tok in tokenize.tokenize(io.BytesIO(source).readline):
        if tok.type in (tokenize.STRING, tokenize.COMMENT):
            line = lines[tok.start[0] - 1].decode()
            a = at(tok.start[0], len(line[: tok.start[1]].encode()))
            line = lines[tok.end[0] - 1].decode()
            b = at(tok.end[0], len(line[: tok.end[1]].encode()))
            over = [s for s in spans if s[0] < b and s[1] > a]
            if over:
                if over == [(a, b)]:
                    edits[a, b] = in_text(edits[a, b])
                elif any(s[0] >= a and s[1] <= b for s in over):
                    pass
                continue
            new = in_text(tok.string)
            if new != tok.string:
                edits[a, b] = new
    if not edits:
        return None
    out, last = [], 0
    for (a, b), new in sorted(edits.items()):
        if a < last:
            print("OVERLAP", rel, a, b, new)
            continue
        out += [source[last:a], new.encode()]
        last = b
    return b"".join([*out, source[last:]])


_imported: dict[str, dict[str, str]] = {}


def imported(m: str) -> dict[str, str]:
    if m not in _imported:
        found = {}
        for node in ast.walk(ast.parse(MODULES[m].read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.module:
                for a in node.names:
                    full = f"{node.module}.{a.name}"
                    if full in modmap and not a.asname:
                        found[a.name] = modmap[full].rpartition(".")[2]
                    elif (node.module, a.name) in namemap and not a.asname:
                        found[a.name] = namemap[node.module, a.name]
        _imported[m] = found
    return _imported[m]


# tests move with their modules
TESTS = REPO / "tests"
for old, new in modmap.items():
    o, n = old.split(".")[1:], new.split(".")[1:]
    a = TESTS.joinpath(*o[:-1], f"test_{o[-1]}.py")
    b = TESTS.joinpath(*n[:-1], f"test_{n[-1]}.py")
    key = str(a.relative_to(REPO))
    if a.exists() and a != b and key not in testmap:
        testmap[key] = str(b.relative_to(REPO))

files = [
    p
    for top in ("src", "tests", "bench", "scripts", "notebooks")
    for p in (REPO / top).rglob("*.py")
    if "__pycache__" not in p.parts
]
results = {p: work(p) for p in files}
if collisions:
    print("COLLISIONS")
    print("\n".join(sorted(set(collisions))))
    if "--force" not in sys.argv:
        sys.exit(1)
for p, new in results.items():
    if new is not None:
        p.write_bytes(new)
for pattern in (
    "*.md",
    "docs/**/*.md",
    "*.toml",
    "Makefile",
    ".ci/*",
    "js/*.json",
    "js/*.mjs",
    "js/scripts/*",
    "scripts/*.sh",
    "tests/**/*.toml",
    "tests/**/*.md",
    "bench/**/*.md",
    "js/src/**/*.ts",
    "js/tests/**/*.ts",
    "notebooks/*.ipynb",
    "binder/*",
):
    for p in REPO.glob(pattern):
        if not p.is_file() or "node_modules" in p.parts or p.name in ("CHANGELOG.md",):
            continue
        text = p.read_text()
        if p.parent.name == "mutants" and p.suffix == ".toml":
            blocks = re.split(r"(?m)^(?=\[\[)", text)
            for i, block in enumerate(blocks):
                m = re.search(r'(?m)^file = "([^"]+)"', block)
                if m and used.get(m[1]):
                    head, sep, tail = block.partition("\n")
                    keep = re.split(r"(?m)^(?=(?:file|tests|why) = )", block)
                    blocks[i] = "".join(
                        k if re.match(r"(?:tests|why|file) = ", k) else word(k, used[m[1]]) for k in keep
                    )
                    if m and m[1]:
                        pass
            text = "".join(blocks)
        new = in_text(text)
        if new != p.read_text():
            p.write_text(new)


def git(*a):
    subprocess.run(["git", "-C", str(REPO), *a], check=True)


def move(a: Path, b: Path):
    b.parent.mkdir(parents=True, exist_ok=True)
    git("mv", str(a), str(b))


pk = set()
for old, new in sorted(modmap.items(), key=lambda x: -x[0].count(".")):
    if old not in MODULES or old == new:
        continue
    a = MODULES[old]
    n = new.split(".")
    b = SRC.joinpath(*n, "__init__.py") if a.name == "__init__.py" else SRC.joinpath(*n).with_suffix(".py")
    if a != b:
        move(a, b)
    for k in range(2, len(n)):
        pk.add(SRC.joinpath(*n[:k]))
for d in pk:
    i = d / "__init__.py"
    if not i.exists():
        i.write_text('"""TODO"""\n')
        git("add", str(i))
        print("NEW PACKAGE", d.relative_to(SRC))
for a, b in testmap.items():
    if (REPO / a).exists():
        if (REPO / b).exists():
            print("TEST EXISTS", a, b)
            continue
        move(REPO / a, REPO / b)
