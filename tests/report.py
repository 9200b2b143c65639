"""The page of `winnow explain --emit html`, in Chromium: what it shows, what lights up, and that it asks for nothing.

    python3 tests/report.py WINNOW

Exit status 0: all is well; 77: there is no compiler, or no browser to open a page in. CHROMIUM names another browser.
"""
import html
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

NAMES = ("chromium", "chromium-browser", "google-chrome")
NASTY = b"x * 2 # </script><script>document.title='broken'</script> <!-- <b> & \" ' \xff\xfe \xc3\xa9 \xf0\x9f\x98\x80 ]]> \\ &lt;"

# Before the page's own script: what goes wrong is kept.
BEFORE = """<script>
const wrong = [];
addEventListener("error", (e) => wrong.push(String(e.message)));
addEventListener("securitypolicyviolation", (e) => wrong.push("asks for " + e.blockedURI));
console.error = console.warn = (...words) => wrong.push(words.join(" "));
</script>"""
# After it: use the page as a reader does, and leave what was seen in an element.
AFTER = """<script>
document.body.getBoundingClientRect(); // laid out
const opened = performance.now();
const seen = { wrong, title: document.title, said: {}, lit: {}, strange: [] };
const over = (e) => e.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
const key = (name) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));
const on = () => [...document.querySelectorAll(".on")];
const names = (e) => e.dataset.of.split(" ");
seen.first = [...new Set(on().flatMap(names))];
document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
seen.folded = document.querySelectorAll("details:not([open])").length;
seen.elements = document.querySelectorAll("*").length;
if (seen.elements < 6000) {
    for (const e of document.querySelectorAll("details")) { e.open = true; e.fill(); }
    const first = new Map();
    for (const e of document.querySelectorAll("[data-of]")) for (const n of names(e)) first.has(n) || first.set(n, []) , first.get(n).push(e);
    for (const [name, all] of first) {
        const target = all.find((e) => names(e).length > 1) || all[all.length - 1];
        over(target);
        const lit = on(), aimed = names(target);
        seen.said[name] = document.getElementById("said").textContent;
        if (lit.some((e) => !names(e).some((n) => aimed.includes(n)))) seen.strange.push(name + " lights up what is not its own");
        if (!aimed.every((n) => first.get(n).every((e) => lit.includes(e)))) seen.strange.push(name + " is not lit everywhere");
        const count = (selector) => document.querySelectorAll(selector).length;
        const rows = (pane) => [...document.querySelectorAll(`#${pane} .row`)].filter((e) => e.dataset.of && names(e).includes(name)).length;
        seen.lit[name] = { expression: rows("expression"), plan: rows("plan"), assembly: rows("assembly"), ir: rows("ir"),
            marks: all.filter((e) => e.closest("#text")).map((e) => e.textContent), boxes: all.filter((e) => e.tagName === "g").length,
            decisions: all.filter((e) => e.tagName === "TR" && e.closest("#decisions")).length };
        const colours = new Set(all.filter((e) => names(e)[0] === name).map((e) => e.style.getPropertyValue("--h")));
        if (colours.size > 1) seen.strange.push(name + " has several colours");
    }
    over(document.body);
    if (on().length) seen.strange.push("stays lit when nothing is pointed at");
    // Keys alone: a stop for each pane, arrows within it, Enter keeps, Escape lets go.
    seen.stops = [...document.querySelectorAll("section")].filter((s) => s.querySelectorAll("[data-of][tabindex='0']").length === 1).map((s) => s.id);
    const stop = document.querySelector("#assembly [data-of][tabindex='0']");
    if (stop) {
        stop.focus();
        seen.focusLights = on().includes(stop);
        key("ArrowDown"); key("ArrowDown");
        seen.moved = document.activeElement !== stop && on().includes(document.activeElement);
        key("Enter");
        over(document.body);
        seen.kept = on().includes(document.activeElement);
        key("Escape");
        seen.released = on().length === 0;
    }
}
seen.requests = performance.getEntriesByType("resource").map((r) => r.name);
seen.text = (document.getElementById("text") || {}).textContent;
seen.assembly = document.getElementById("assembly").textContent;
seen.listing = [...document.querySelectorAll("#expression .code")].map((e) => e.textContent);
seen.error = (document.querySelector(".error") || {}).textContent || "";
seen.figures = document.getElementById("figures").textContent;
seen.opened = opened;
document.body.replaceChildren(Object.assign(document.createElement("pre"), { id: "seen", textContent: JSON.stringify(seen) }));
</script>"""


class Page:
    def __init__(self, winnow, folder, arguments, status=0):
        self.path = pathlib.Path(folder) / "report.html"
        command = [winnow, "explain", *arguments, "--emit", "html", "-o", str(self.path)]
        done = subprocess.run(command, capture_output=True, timeout=120)
        assert done.returncode == status, (arguments, done.returncode, done.stderr)
        self.raw = self.path.read_bytes()
        self.text = self.raw.decode("utf-8", errors="strict")
        found = re.search(r'<script type="application/json" id="data">(.*?)</script>', self.text, re.S)
        self.data = json.loads(found.group(1))
        self.inspection = self.data["inspection"]
        for f in self.inspection["functions"]:  # which are written shorter than in the JSON
            f["instructions"] = [{"offset": i[0], "text": i[1], "of": i[2]} for i in f["code"]]
            for key in ("ir", "ir_optimized"):
                f[key] = [{"text": t, "of": of} for t, of in zip(f[key][::2], f[key][1::2])]

    def open(self, browser, fragment=""):
        driven = self.path.with_name("driven.html")
        driven.write_text(self.text.replace("<style>", BEFORE + "<style>", 1).replace("</body>", AFTER + "</body>"))
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr",
                   f"--user-data-dir={self.path.parent}/profile", "--dump-dom", driven.as_uri() + fragment]
        done = subprocess.run(command, capture_output=True, timeout=120, text=True, errors="replace")
        said = re.findall(r".*CONSOLE.*", done.stderr)
        assert not said, said
        found = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, re.S)
        assert found, done.stdout[-2000:] + done.stderr[-2000:]
        seen = json.loads(html.unescape(found.group(1)))
        assert seen["wrong"] == [] and seen["requests"] == [] and seen["strange"] == [], {k: seen[k] for k in ("wrong", "requests", "strange")}
        return seen


def check_places(page, seen):
    """What lights up, counted anew from the JSON."""
    d = page.inspection
    characters = list(d["text"])
    for n in [*d["nodes"], *d["outputs"], {"of": "loop"}]:
        name = n.get("id", n.get("of"))
        wanted = {
            "expression": sum(name in line["of"] for line in d["listing"]),
            "plan": sum(line["of"] == name for line in d["plan"]["lines"]),
            "assembly": sum(i["of"] == name for f in d["functions"] for i in f["instructions"]),
            "ir": sum(line["of"] == name for f in d["functions"] for line in f["ir"] + f["ir_optimized"]),
            "decisions": sum(x["of"] == name for x in d["decisions"]),
        }
        got = seen["lit"].get(name)
        if got is None:
            assert not any(wanted.values()), (name, wanted)
            continue
        assert {k: got[k] for k in wanted} == wanted, (name, got, wanted)
        texts = {"".join(characters[s["begin"]:s["end"]]) for s in n.get("spellings", []) if "begin" in s}
        assert set(got["marks"]) == texts, (name, got["marks"], texts)
        if n.get("op", "constant") != "constant":
            assert got["boxes"] == 1, (name, got)
            assert n["label"] + " = " in seen["said"][name], seen["said"][name]
    assert [s for s in seen["stops"] if s != "figures"] == ["expression", "graph", "assembly", "plan", "ir", "decisions"], seen["stops"]
    assert seen["focusLights"] and seen["moved"] and seen["kept"] and seen["released"], seen


def write_npy(path, values):
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d,), }" % len(values)
    header += " " * (-(11 + len(header)) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{len(values)}f", *values))


def many_loops():
    """Twenty nodes whose code alone takes a hundred kilobytes."""
    outputs = ["sum(x, where=m)", "mean(d)", "min(i)", "count(m)", "argmax(x)", "x[m]", "d[m] * 2", "any(x > 3)", "max(h)"]
    return "; ".join(f"output o{k} = {text}" for k, text in enumerate(outputs))


def twenty():
    return "a = x < 0.5 & y > x; b = where(a, x * 2, y - 1); c = b > mean(b); z = sqrt(abs(b)) + x / 3; z[c & !is_nan(y)]"


def thousand():
    lines, names = [], ["x", "y"]
    for i in range(250):
        lines.append(f"v{i} = where({names[-1]} < {names[-2]} * {i + 2}.5, {names[i // 2]}, {names[-1]});")
        names.append(f"v{i}")
    return " ".join(lines) + " v249"


def main():
    winnow = sys.argv[1]
    browser = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    with tempfile.TemporaryDirectory() as folder:
        folder_path = pathlib.Path(folder)
        floats = ["x:f32[?]", "y:f32[?]"]
        page = Page(winnow, folder, [twenty(), *floats])
        if page.inspection.get("error", {}).get("status") == "compiler error":
            print("skipped: there is no compiler")
            sys.exit(77)
        assert page.raw == Page(winnow, folder, [twenty(), *floats]).raw, "not the same bytes again"
        assert len(page.inspection["nodes"]) >= 20 and len(page.raw) <= 300_000, len(page.raw)
        many = Page(winnow, folder, [many_loops(), *floats, "d:f64[?]", "i:i16[?]", "h:f16[?]", "m:bool[?]", "--isa", "v2"])
        assert "more lines: winnow explain --emit ir" in many.text and len(many.raw) <= 300_000, len(many.raw)
        outside = set(re.findall(r"""[a-z]+://[^"'\s)]*""", page.text)) - {"http://www.w3.org/2000/svg"}
        assert not outside and " src=" not in page.text and "<link" not in page.text and "@import" not in page.text, outside

        one = Page(winnow, folder, ["x", "x:f32[?]"])
        large = Page(winnow, folder, [thousand(), *floats])
        assert len(large.inspection["nodes"]) >= 1000
        print("nodes: bytes  " + ", ".join(f"{len(p.inspection['nodes'])}: {len(p.raw)}" for p in (one, page, large)))
        text_file = folder_path / "nasty"
        text_file.write_bytes(NASTY)
        nasty = Page(winnow, folder, [f"@{text_file}", "x:f64[?, 3]"])
        partial = Page(winnow, folder, ["m = x < 0; y = x[q] # <b>", "x:f32[?]"], status=1)
        write_npy(folder_path / "x.npy", [i - 250.0 for i in range(1000)])
        run = Page(winnow, folder, ["m = x < 0; x[m]", f"x={folder_path}/x.npy"])
        r = run.data["run"]
        assert r["masks"] == [{"of": next(n["id"] for n in run.inspection["nodes"] if n["label"] == "m"), "density": 0.25}], r
        assert r["elements"] == 1000 and r["bytes_read"] == 4000 and r["bytes_written"] == 1000 and r["ns"] > 0 and r["limit_ns"] > 0, r
        assert "timings" in run.inspection and "timings" not in page.inspection
        mismatch = Page(winnow, folder, ["x + y", "x:f32=[1,2]", f"y={folder_path}/x.npy"])
        assert mismatch.data["run"]["note"].startswith("The run failed: "), mismatch.data["run"]
        if not browser:
            print("skipped: no Chromium to open the pages in (Debian: chromium)")
            sys.exit(77)

        seen = page.open(browser, "#n4")
        assert seen["first"] == ["n4"], seen["first"]
        check_places(page, seen)
        assert seen["text"] == twenty() and seen["listing"] == [line["text"] for line in page.inspection["listing"]]
        assert "there are no data" in seen["figures"]
        assert "# 0.5" in seen["assembly"] and "evaluates, packs and stores in one pass: for an array of the caller's" in seen["assembly"]
        literal = next(n["id"] for n in page.inspection["nodes"] if n["op"] == "constant" and n["label"] == "0.5")
        assert seen["lit"][literal]["marks"] == ["0.5"] and seen["lit"][literal]["plan"] > 0, seen["lit"][literal]
        seen = one.open(browser, "#%3Cb%3E")
        assert seen["first"] == []
        check_places(one, seen)
        seen = large.open(browser)
        assert seen["folded"] >= 3, seen["folded"]
        print(f"{len(large.inspection['nodes'])} nodes: open after {seen['opened']:.0f} ms")
        seen = nasty.open(browser)
        check_places(nasty, seen)
        assert seen["text"] == nasty.inspection["text"] and "</script><script>" in seen["text"] and "\ufffd\ufffd \u00e9 \U0001f600" in seen["text"]
        assert seen["title"].startswith("x * 2 # </script><script>"), seen["title"]
        seen = partial.open(browser)
        assert 'nothing is named "q"' in seen["error"] and "m" in "".join(seen["text"]), seen["error"]
        assert "does not compile" in seen["figures"]
        seen = run.open(browser)
        assert "25 %" in seen["figures"] and "memory's limit" in seen["figures"] and "ns an element" in seen["figures"], seen["figures"]
        assert "5,000 bytes" in seen["figures"] and "codegen" in seen["figures"], seen["figures"]
        assert "The run failed" in mismatch.open(browser)["figures"]
    print("ok")


main()
